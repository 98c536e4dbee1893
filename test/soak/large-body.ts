import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { setTimeout as passTime } from 'node:timers/promises';
import { GatewayProcess } from './gateway-process.ts';
import { patternAt, PatternCheck } from './position-pattern.ts';

type Coding = 'length' | 'chunked';
type Speed = 'fast' | 'slow';

/** One message with a large body: its direction, its framing, and the slow side. */
interface Transfer {
  readonly direction: 'down' | 'up';
  readonly coding: Coding;
  readonly writer: Speed;
  readonly reader: Speed;
}

/** The cases run one after the other; the directions of one case at the same time. */
export const largeCases: ReadonlyMap<string, readonly Transfer[]> = new Map([
  ['download', [transfer('down', 'length')]],
  ['download, chunked', [transfer('down', 'chunked')]],
  ['upload', [transfer('up', 'length')]],
  ['upload, chunked', [transfer('up', 'chunked')]],
  ['download to a slow client', [transfer('down', 'length', 'fast', 'slow')]],
  ['download from a slow origin', [transfer('down', 'chunked', 'slow', 'fast')]],
  ['upload from a slow client', [transfer('up', 'chunked', 'slow', 'fast')]],
  ['upload to a slow origin', [transfer('up', 'length', 'fast', 'slow')]],
  ['both ways at once', [transfer('down', 'length'), transfer('up', 'chunked')]],
]);

function transfer(direction: 'down' | 'up', coding: Coding, writer: Speed = 'fast', reader: Speed = 'fast'): Transfer {
  return { direction, coding, writer, reader };
}

export interface LargeFigures {
  readonly what: string;
  /** For each direction. */
  readonly bytes: number;
  readonly seconds: number;
  /** The position of the first wrong byte; null if all were right and none was missing. */
  readonly wrongAt: number | null;
  /** Resident before the first exchange. */
  readonly idleBytes: number;
  /** The largest resident size during this case. */
  readonly peakBytes: number;
}

interface LargeOptions {
  /** Bytes of the body, if no side is slow, and if one is. */
  readonly bytes: number;
  readonly slowBytes: number;
  /** `bin/candor` of another installation. */
  readonly program?: string | undefined;
  readonly onFigures?: (figures: LargeFigures) => void;
}

/**
 * Bodies of so many bytes in each direction, first with both sides at full speed, then with one that pauses after every
 * mebibyte. The receiver compares every byte. The gateway runs in its own process, whose resident size the system
 * reports: right after the start, and the peak.
 */
export async function carryLargeBody({
  bytes,
  slowBytes,
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
    const idleBytes = gateway.residentBytes();
    const all: LargeFigures[] = [];
    for (const [what, transfers] of largeCases) {
      const isSlow = transfers.some(({ reader, writer }) => reader === 'slow' || writer === 'slow');
      const figures = await measure(gateway, what, transfers, isSlow ? slowBytes : bytes, idleBytes);
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

/** A process that has begun to listen is still starting: storage, checks, first garbage collections. */
const settledMs = 2000;

async function measure(
  gateway: GatewayProcess,
  what: string,
  transfers: readonly Transfer[],
  bytes: number,
  idleBytes: number,
): Promise<LargeFigures> {
  gateway.forgetPeak();
  const startedAt = performance.now();
  const wrong = await Promise.all(transfers.map((one) => carry(gateway.port, one, bytes)));
  const seconds = (performance.now() - startedAt) / 1000;
  const wrongAt = wrong.find((at) => at !== null) ?? null;
  return { what, bytes, seconds, wrongAt, idleBytes, peakBytes: gateway.peakBytes() };
}

/** The position of the first wrong or missing byte. */
function carry(port: number, one: Transfer, bytes: number): Promise<number | null> {
  return one.direction === 'down' ? download(port, one, bytes) : upload(port, one, bytes);
}

async function download(port: number, { coding, writer, reader }: Transfer, bytes: number): Promise<number | null> {
  const outgoing = request({ port, host: '127.0.0.1', path: `/down/${bytes}/${coding}/${writer}` });
  outgoing.end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  assertFramed(response, coding);
  return resultOf(await checkAll(response, reader), bytes);
}

async function upload(port: number, { coding, writer, reader }: Transfer, bytes: number): Promise<number | null> {
  const headers = coding === 'length' ? { 'Content-Length': bytes } : { 'Transfer-Encoding': 'chunked' };
  const outgoing = request({ port, host: '127.0.0.1', method: 'POST', path: `/up/${coding}/${reader}`, headers });
  const answered = once(outgoing, 'response') as Promise<[IncomingMessage]>;
  bodyOf(bytes, writer).pipe(outgoing);
  const [response] = await answered;
  const text = Buffer.concat(await response.toArray()).toString();
  if (response.statusCode !== 200) throw new Error(`the upload was answered by ${response.statusCode}: ${text}`);
  const seen = JSON.parse(text) as { bytes: number; wrongAt: number | null };
  return resultOf(seen, bytes);
}

/** A gateway that changes the framing would measure something else. */
function assertFramed({ headers, statusCode }: IncomingMessage, coding: Coding): void {
  const framed = headers['content-length'] === undefined ? 'chunked' : 'length';
  if (framed !== coding) throw new Error(`${coding} was requested, and ${framed} came (${statusCode ?? 'request'})`);
}

function resultOf({ bytes, wrongAt }: { bytes: number; wrongAt: number | null }, expected: number): number | null {
  return wrongAt ?? (bytes === expected ? null : Math.min(bytes, expected));
}

async function serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const [, what, ...rest] = (incoming.url ?? '').split('/');
  if (what === 'down') {
    const [bytes, coding, writer] = rest;
    if (coding === 'length') outgoing.setHeader('Content-Length', bytes ?? '');
    bodyOf(Number(bytes), writer as Speed).pipe(outgoing);
    return;
  }
  const [coding, reader] = rest;
  assertFramed(incoming, coding as Coding);
  const { bytes, wrongAt } = await checkAll(incoming, reader as Speed);
  outgoing.end(JSON.stringify({ bytes, wrongAt }));
}

/** A slow side pauses after this many bytes. */
const slowAfterBytes = 1024 * 1024;
const slowPauseMs = 20;

async function checkAll(stream: Readable, speed: Speed): Promise<PatternCheck> {
  const check = new PatternCheck();
  let nextPause = slowAfterBytes;
  for await (const part of stream) {
    check.push(part as Buffer);
    if (speed === 'fast' || check.bytes < nextPause) continue;
    nextPause += slowAfterBytes;
    await passTime(slowPauseMs);
  }
  return check;
}

function bodyOf(bytes: number, speed: Speed): Readable {
  return Readable.from(pieces(bytes, speed), { objectMode: false, highWaterMark: 256 * 1024 });
}

async function* pieces(bytes: number, speed: Speed): AsyncGenerator<Buffer> {
  let nextPause = slowAfterBytes;
  for (let at = 0; at < bytes; ) {
    const part = patternAt(at, Math.min(bytes - at, 128 * 1024));
    at += part.length;
    yield part;
    if (speed === 'fast' || at < nextPause) continue;
    nextPause += slowAfterBytes;
    await passTime(slowPauseMs);
  }
}
