import { connect, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { browserHeaders } from './browser-headers.ts';
import { type FixedRate, latencySummary } from './latency-summary.ts';

/**
 * Sends a small GET at a fixed rate, and prints a `FixedRate` as one line of JSON:
 *
 *     fixed-rate.ts <port> <path> <per second> <seconds> <connections>
 *
 * Each request is timed from when it was due, whether or not a connection was free then, so that a gateway that stalls is
 * charged for every request that had to wait (no "coordinated omission"). The loop never sleeps: a timer's millisecond would be most of
 * what is measured. So it runs in the background of its core (SCHED_IDLE): the origin, on the same core, gets the core as soon as it
 * needs it. Otherwise the scheduler lets the loop run on for milliseconds: measured at 2,000 requests per second, the origin alone
 * had a p99 of 0.9 to 1.6 ms then, and 0.17 to 0.44 ms now. All memory is allocated before the first request, so that the collector has next to nothing to do.
 *
 * It looks at the clock in each turn of its loop. The lateness of a request is the time from when it was due until the next look, or
 * the time between the looks around its answer, whichever is more. A request with a lateness above `lateMsMax` is marked, and
 * left out of the figures: this process was late, and not the gateway.
 */
const [port, path, perSecond, seconds, connections] = readArguments();
// A test of the measurement looks at no figures.
const warmMs = process.env['CANDOR_BENCH_TRIAL'] === undefined ? 1000 : 0;
const bytes = Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${browserHeaders.join('\r\n')}\r\n\r\n`);
const total = Math.round(perSecond * (seconds + warmMs / 1000));
const warmTotal = Math.round((perSecond * warmMs) / 1000);
const tookMs = new Float64Array(total);
const lateMs = new Float64Array(total);
const headEnd = Buffer.from('\r\n\r\n');

/** Keeps one request in flight. Bodies have a length; none is larger than `memory`. */
class Connection {
  readonly socket: Socket;
  readonly #memory = Buffer.allocUnsafe(65_536);
  #filled = 0;
  #wantedBytes = 0;
  request = -1;

  constructor() {
    const read = Buffer.allocUnsafe(65_536);
    const callback = (count: number): boolean => this.#take(read, count);
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true, onread: { buffer: read, callback } });
    this.socket.on('error', (error) => fail(error.message));
    this.socket.on('close', () => fail('the connection was closed'));
  }

  send(request: number): void {
    this.request = request;
    this.socket.write(bytes);
  }

  #take(read: Buffer, count: number): true {
    read.copy(this.#memory, this.#filled, 0, count);
    this.#filled += count;
    if (this.#wantedBytes === 0) this.#readHead();
    if (this.#wantedBytes === 0 || this.#filled < this.#wantedBytes) return true;
    this.#filled = 0;
    this.#wantedBytes = 0;
    answered(this);
    return true;
  }

  #readHead(): void {
    const response = this.#memory.subarray(0, this.#filled);
    const end = response.indexOf(headEnd);
    if (end < 0) return;
    const head = response.toString('latin1', 0, end);
    if (!head.startsWith('HTTP/1.1 2')) fail(`answered with ${head.slice(0, 40)}`);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
    if (length === undefined) fail('answered without a length');
    this.#wantedBytes = end + headEnd.length + Number(length);
  }
}

const free = Array.from({ length: connections }, () => new Connection());
/** The first request that has not been sent because every connection was in use; `begun` if there is none. */
let waiting = 0;
let begun = 0;
let done = 0;
/** Requests that were answered since the last look at the clock: the first `answeredCount`. */
const answeredNow = new Int32Array(connections);
let answeredCount = 0;
let lookedAt = 0;
let startedAt = Number.POSITIVE_INFINITY;
let failedAt = Number.POSITIVE_INFINITY;

await Promise.all(free.map(({ socket }) => new Promise<void>((resolve) => socket.once('connect', resolve))));
const usageBefore = process.cpuUsage();
startedAt = performance.now() + 50;
failedAt = startedAt + (seconds + 30) * 1000;
lookedAt = performance.now();
setImmediate(turn);

function dueAt(request: number): number {
  return startedAt + ((request + 1) * 1000) / perSecond;
}

function turn(): void {
  const now = performance.now();
  for (let index = 0; index < answeredCount; index++) {
    const request = answeredNow[index] as number;
    lateMs[request] = Math.max(lateMs[request] as number, now - lookedAt);
  }
  answeredCount = 0;
  lookedAt = now;
  for (; begun < total && dueAt(begun) <= now; begun++) lateMs[begun] = now - dueAt(begun);
  while (waiting < begun && free.length > 0) {
    // Each connection is used at the beginning: a gateway closes connections on which no request comes.
    const connection = (waiting < connections ? free.shift() : free.pop()) as Connection;
    connection.send(waiting++);
  }
  if (done === total) return finish();
  if (now > failedAt) fail(`only ${done} of ${total} requests were answered`);
  setImmediate(turn);
}

function answered(connection: Connection): void {
  tookMs[connection.request] = performance.now() - dueAt(connection.request);
  answeredNow[answeredCount++] = connection.request;
  done++;
  free.push(connection);
}

function finish(): void {
  const { user, system } = process.cpuUsage(usageBefore);
  const result: FixedRate = {
    ...latencySummary(tookMs.subarray(warmTotal), lateMs.subarray(warmTotal)),
    cpuMicroseconds: user + system,
  };
  console.log(JSON.stringify(result));
  process.exit(0);
}

function fail(why: string): never {
  console.error(why);
  process.exit(1);
}

function readArguments(): [number, string, number, number, number] {
  const [at, target, ...numbers] = process.argv.slice(2);
  const [rate = 0, length = 0, count = 0] = numbers.map(Number);
  return [Number(at), target as string, rate, length, count];
}
