import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as passTime } from 'node:timers/promises';
import { GatewayProcess } from './gateway-process.ts';
import { patternAt, PatternCheck } from './position-pattern.ts';

type Coding = 'length' | 'chunked';
type Pace = 'fast' | 'slow';

/** One message with much content: whence, how framed, and who takes his time. */
interface Way {
  readonly direction: 'down' | 'up';
  readonly coding: Coding;
  readonly writer: Pace;
  readonly reader: Pace;
}

/** Each is played by itself; the ways of one at the same time. */
export const largeCases: ReadonlyMap<string, readonly Way[]> = new Map([
  ['download', [way('down', 'length')]],
  ['download, chunked', [way('down', 'chunked')]],
  ['upload', [way('up', 'length')]],
  ['upload, chunked', [way('up', 'chunked')]],
  ['download to a slow client', [way('down', 'length', 'fast', 'slow')]],
  ['download from a slow origin', [way('down', 'chunked', 'slow', 'fast')]],
  ['upload from a slow client', [way('up', 'chunked', 'slow', 'fast')]],
  ['upload to a slow origin', [way('up', 'length', 'fast', 'slow')]],
  ['both ways at once', [way('down', 'length'), way('up', 'chunked')]],
]);

function way(direction: 'down' | 'up', coding: Coding, writer: Pace = 'fast', reader: Pace = 'fast'): Way {
  return { direction, coding, writer, reader };
}

export interface LargeFigures {
  readonly what: string;
  /** Each way. */
  readonly octets: number;
  readonly seconds: number;
  /** Where the first wrong octet stood; null where all were right and none was missing. */
  readonly wrongAt: number | null;
  /** Resident before the first exchange. */
  readonly idleOctets: number;
  /** The most that was resident at any time during this case. */
  readonly peakOctets: number;
}

export interface LargeOptions {
  /** Of content, where nobody is slow, and where somebody is. */
  readonly octets: number;
  readonly slowOctets: number;
  /** `bin/candor` of another installation. */
  readonly program?: string | undefined;
  readonly onFigures?: (figures: LargeFigures) => void;
}

/**
 * Content of so many octets each way, once with everybody as fast as they can, then with a side that stops for a while
 * after every mebibyte. Every octet is compared where it arrives. The gateway is a process of its own, and the system
 * says from outside what was resident of it: when it had just started, and at most.
 */
export async function carryLargeContent({
  octets,
  slowOctets,
  program,
  onFigures = () => {},
}: LargeOptions): Promise<readonly LargeFigures[]> {
  const origin = createServer((incoming, outgoing) => void serve(incoming, outgoing));
  origin.requestTimeout = 0;
  origin.listen({ port: 0, host: '127.0.0.1' });
  await once(origin, 'listening');
  const address = origin.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const gateway = await GatewayProcess.start(`127.0.0.1:${port}`, program);
  try {
    await passTime(settledMs);
    const idleOctets = gateway.residentOctets();
    const all: LargeFigures[] = [];
    for (const [what, ways] of largeCases) {
      const isSlow = ways.some(({ reader, writer }) => reader === 'slow' || writer === 'slow');
      const figures = await measure(gateway, what, ways, isSlow ? slowOctets : octets, idleOctets);
      all.push(figures);
      onFigures(figures);
    }
    return all;
  } finally {
    await gateway.stop();
    gateway.remove();
    origin.closeAllConnections();
    origin.close();
  }
}

/** A process that listens is still starting: store, checks, first collections of garbage. */
const settledMs = 2000;

async function measure(
  gateway: GatewayProcess,
  what: string,
  ways: readonly Way[],
  octets: number,
  idleOctets: number,
): Promise<LargeFigures> {
  gateway.forgetPeak();
  const startedAt = performance.now();
  const wrong = await Promise.all(ways.map((one) => carry(gateway.port, one, octets)));
  const seconds = (performance.now() - startedAt) / 1000;
  const wrongAt = wrong.find((at) => at !== null) ?? null;
  return { what, octets, seconds, wrongAt, idleOctets, peakOctets: gateway.peakOctets() };
}

/** Where the first wrong octet stood, or the first that is missing. */
function carry(port: number, one: Way, octets: number): Promise<number | null> {
  return one.direction === 'down' ? download(port, one, octets) : upload(port, one, octets);
}

async function download(port: number, { coding, writer, reader }: Way, octets: number): Promise<number | null> {
  const outgoing = request({ port, host: '127.0.0.1', path: `/down/${octets}/${coding}/${writer}` });
  outgoing.end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  assertFramed(response, coding);
  return resultOf(await checkAll(response, reader), octets);
}

async function upload(port: number, { coding, writer, reader }: Way, octets: number): Promise<number | null> {
  const headers = coding === 'length' ? { 'Content-Length': octets } : { 'Transfer-Encoding': 'chunked' };
  const outgoing = request({ port, host: '127.0.0.1', method: 'POST', path: `/up/${coding}/${reader}`, headers });
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
  contentOf(octets, writer).pipe(outgoing);
  const [response] = await answered;
  const text = Buffer.concat(await response.toArray()).toString();
  if (response.statusCode !== 200) throw new Error(`the upload was answered by ${response.statusCode}: ${text}`);
  const seen = JSON.parse(text) as { octets: number; wrongAt: number | null };
  return resultOf(seen, octets);
}

/** A gateway that frames anew what it passes on would measure something else. */
function assertFramed({ headers, statusCode }: IncomingMessage, coding: Coding): void {
  const framed = headers['content-length'] === undefined ? 'chunked' : 'length';
  if (framed !== coding) throw new Error(`${coding} was asked for, and came as ${framed} (${statusCode ?? 'request'})`);
}

function resultOf({ octets, wrongAt }: { octets: number; wrongAt: number | null }, expected: number): number | null {
  return wrongAt ?? (octets === expected ? null : Math.min(octets, expected));
}

async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const [, what, ...rest] = (incoming.url ?? '').split('/');
  if (what === 'down') {
    const [octets, coding, writer] = rest;
    if (coding === 'length') outgoing.setHeader('Content-Length', octets ?? '');
    contentOf(Number(octets), writer as Pace).pipe(outgoing);
    return;
  }
  const [coding, reader] = rest;
  assertFramed(incoming, coding as Coding);
  const { octets, wrongAt } = await checkAll(incoming, reader as Pace);
  outgoing.end(JSON.stringify({ octets, wrongAt }));
}

/** A slow side stops for a moment after this many octets. */
const slowAfterOctets = 1024 * 1024;
const slowPauseMs = 20;

async function checkAll(stream: Readable, pace: Pace): Promise<PatternCheck> {
  const check = new PatternCheck();
  let nextPause = slowAfterOctets;
  for await (const piece of stream) {
    check.push(piece as Buffer);
    if (pace === 'fast' || check.octets < nextPause) continue;
    nextPause += slowAfterOctets;
    await passTime(slowPauseMs);
  }
  return check;
}

function contentOf(octets: number, pace: Pace): Readable {
  return Readable.from(pieces(octets, pace), { objectMode: false, highWaterMark: 256 * 1024 });
}

async function* pieces(octets: number, pace: Pace): AsyncGenerator<Buffer> {
  let nextPause = slowAfterOctets;
  for (let at = 0; at < octets; ) {
    const piece = patternAt(at, Math.min(octets - at, 128 * 1024));
    at += piece.length;
    yield piece;
    if (pace === 'fast' || at < nextPause) continue;
    nextPause += slowAfterOctets;
    await passTime(slowPauseMs);
  }
}
