import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as passTime } from 'node:timers/promises';
import { GatewayProcess } from './gateway-process.ts';
import { patternAt, PatternCheck } from './position-pattern.ts';

export type LargeCase =
  | 'download'
  | 'upload'
  | 'download to a slow reader'
  | 'upload from a slow writer'
  | 'upload to a slow reader';

export const largeCases: readonly LargeCase[] = [
  'download',
  'upload',
  'download to a slow reader',
  'upload from a slow writer',
  'upload to a slow reader',
];

export interface LargeFigures {
  readonly what: LargeCase;
  readonly octets: number;
  readonly seconds: number;
  /** Where the first wrong octet stood; null where all were right and none was missing. */
  readonly wrongAt: number | null;
  /** Before the first exchange, after a few small ones. */
  readonly idleOctets: number;
  readonly peakOctets: number;
}

/**
 * Content of `octets` each way, once with everybody as fast as they can, then with a side that stops every few hundred
 * kilobytes. Every octet is compared where it arrives; the gateway's resident memory is looked at every 20 ms.
 */
export async function carryLargeContent(octets: number, slowOctets: number): Promise<readonly LargeFigures[]> {
  const origin = createServer((incoming, outgoing) => void serve(incoming, outgoing));
  origin.requestTimeout = 0;
  origin.listen({ port: 0, host: '127.0.0.1' });
  await once(origin, 'listening');
  const address = origin.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const gateway = await GatewayProcess.start(`127.0.0.1:${port}`);
  try {
    for (let warm = 0; warm < 200; warm++) await carry(gateway.port, 'download', 100);
    await passTime(1000);
    const idleOctets = gateway.residentOctets();
    const figures: LargeFigures[] = [];
    for (const what of largeCases) {
      const size = what.includes('slow') ? slowOctets : octets;
      figures.push(await measure(gateway, what, size, idleOctets));
    }
    return figures;
  } finally {
    await gateway.stop();
    gateway.remove();
    origin.closeAllConnections();
    origin.close();
  }
}

async function measure(
  gateway: GatewayProcess,
  what: LargeCase,
  octets: number,
  idleOctets: number,
): Promise<LargeFigures> {
  let peakOctets = gateway.residentOctets();
  const watch = setInterval(() => {
    peakOctets = Math.max(peakOctets, gateway.residentOctets());
  }, 20);
  const startedAt = performance.now();
  const wrongAt = await carry(gateway.port, what, octets).finally(() => clearInterval(watch));
  return { what, octets, seconds: (performance.now() - startedAt) / 1000, wrongAt, idleOctets, peakOctets };
}

/** Where the first wrong octet stood, or the first that is missing. */
async function carry(port: number, what: LargeCase, octets: number): Promise<number | null> {
  return what.startsWith('download') ? download(port, what, octets) : upload(port, what, octets);
}

async function download(port: number, what: LargeCase, octets: number): Promise<number | null> {
  const outgoing = request({ port, host: '127.0.0.1', path: `/down/${octets}` });
  outgoing.end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  const check = await checkAll(response, what === 'download to a slow reader');
  return resultOf(check, octets);
}

async function upload(port: number, what: LargeCase, octets: number): Promise<number | null> {
  const outgoing = request({
    port,
    host: '127.0.0.1',
    method: 'POST',
    path: what === 'upload to a slow reader' ? '/up/slow' : '/up',
    headers: { 'Content-Length': octets },
  });
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
  contentOf(octets, what === 'upload from a slow writer').pipe(outgoing);
  const [response] = await answered;
  const text = Buffer.concat(await response.toArray()).toString();
  const seen = JSON.parse(text) as { octets: number; wrongAt: number | null };
  return resultOf(seen, octets);
}

function resultOf({ octets, wrongAt }: { octets: number; wrongAt: number | null }, expected: number): number | null {
  return wrongAt ?? (octets === expected ? null : Math.min(octets, expected));
}

async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const target = incoming.url ?? '';
  if (target.startsWith('/down/')) {
    const octets = Number(target.slice('/down/'.length));
    outgoing.setHeader('Content-Length', octets);
    contentOf(octets, false).pipe(outgoing);
    return;
  }
  const check = await checkAll(incoming, target === '/up/slow');
  outgoing.end(JSON.stringify({ octets: check.octets, wrongAt: check.wrongAt }));
}

/** A slow side stops for a moment after this many octets. */
const slowAfterOctets = 1024 * 1024;
const slowPauseMs = 20;

async function checkAll(stream: Readable, slow: boolean): Promise<PatternCheck> {
  const check = new PatternCheck();
  let nextPause = slowAfterOctets;
  for await (const piece of stream) {
    check.push(piece as Buffer);
    if (!slow || check.octets < nextPause) continue;
    nextPause += slowAfterOctets;
    await passTime(slowPauseMs);
  }
  return check;
}

function contentOf(octets: number, slow: boolean): Readable {
  return Readable.from(pieces(octets, slow), { objectMode: false, highWaterMark: 256 * 1024 });
}

async function* pieces(octets: number, slow: boolean): AsyncGenerator<Buffer> {
  let nextPause = slowAfterOctets;
  for (let at = 0; at < octets; ) {
    const piece = patternAt(at, Math.min(octets - at, 128 * 1024));
    at += piece.length;
    yield piece;
    if (!slow || at < nextPause) continue;
    nextPause += slowAfterOctets;
    await passTime(slowPauseMs);
  }
}
