import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { performance } from 'node:perf_hooks';
import { browserHeaders } from './browser-headers.ts';
import { lateMsMax, percentile } from './latency-summary.ts';

/**
 * Client and origin of a gateway in one process, so that one clock times both ways through it. Prints a `Hops` as one line of JSON:
 *
 *     hops.ts <gateway's port, or the origin's for the process alone> <origin's port> <per second> <seconds> <connections>
 *
 * Each request has its number in its path, by which the origin knows it. The loop never sleeps, as that of fixed-rate.ts.
 */
export interface Hop {
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface Hops {
  readonly requests: number;
  /** Requests around which the loop was late. They are in no figure. */
  readonly late: number;
  /** From when a request was due until it was written: all connections were in use. */
  readonly queued: Hop;
  /** From the client's write until the origin has the request. */
  readonly toOrigin: Hop;
  /** From the origin's write until the client has the response. */
  readonly toClient: Hop;
  readonly total: Hop;
}

const [port = 0, originPort = 0, perSecond = 0, seconds = 0, connections = 0] = process.argv.slice(2).map(Number);
const warmTotal = perSecond;
const total = warmTotal + Math.round(perSecond * seconds);
const [sentAt, arrivedAt, answeredAt, seenAt, lateMs] = Array.from({ length: 5 }, () => new Float64Array(total)) as [
  Float64Array,
  Float64Array,
  Float64Array,
  Float64Array,
  Float64Array,
];
const body = '<!doctype html><title>Order 1742</title><h1>Order 1742</h1><p>Two boxes of tea, one of coffee.</p>';
const response = Buffer.from(
  `HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: ${body.length}\r\nConnection: keep-alive\r\n\r\n${body}`,
);
const tail = `\r\nHost: 127.0.0.1\r\n${browserHeaders.join('\r\n')}\r\n\r\n`;

let begun = 0;
let waiting = 0;
let done = 0;
let lookedAt = 0;
let startedAt = 0;
/** Requests that passed the origin or the client since the last look at the clock. */
const passed: number[] = [];

interface Client {
  readonly socket: Socket;
  request: number;
  /** Bytes that are still missing of the response: the head has another length with each gateway, the body has not. */
  text: string;
}

const server = createServer({ noDelay: true }, (socket) => {
  let text = '';
  socket.setEncoding('latin1');
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk: string) => {
    text += chunk;
    if (!text.endsWith('\r\n\r\n')) return;
    const request = Number(/^GET \/n\/(\d+) /.exec(text)?.[1] ?? -1);
    text = '';
    if (request >= 0) arrivedAt[request] = performance.now();
    socket.write(response);
    if (request < 0) return;
    answeredAt[request] = performance.now();
    passed.push(request);
  });
});
await new Promise<void>((resolve) => server.listen(originPort, '127.0.0.1', resolve));

await waitUntilServed();
const free: Client[] = await Promise.all(
  Array.from({ length: connections }, async () => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const client: Client = { socket, request: -1, text: '' };
    socket.setEncoding('latin1');
    socket.on('error', (error) => fail(error.message));
    socket.on('data', (chunk: string) => take(client, chunk));
    await new Promise<void>((resolve) => socket.once('connect', resolve));
    return client;
  }),
);
startedAt = performance.now() + 50;
lookedAt = performance.now();
setImmediate(turn);

/** The gateway may have noticed that the origin of an earlier measurement has ended, and tries this one later. */
async function waitUntilServed(): Promise<void> {
  for (let attempt = 0; attempt < 300; attempt++) {
    const answer = await fetch(`http://127.0.0.1:${port}/ready`, { headers: { connection: 'close' } }).catch(
      () => null,
    );
    if ((await answer?.text()) === body) return;
    await sleep(100);
  }
  fail(`port ${port} does not answer with the page of this origin`);
}

function dueAt(request: number): number {
  return startedAt + ((request + 1) * 1000) / perSecond;
}

function take(client: Client, chunk: string): void {
  client.text += chunk;
  if (client.text.length >= 12 && !client.text.startsWith('HTTP/1.1 200'))
    fail(`answered with ${client.text.slice(0, 60)}`);
  if (!client.text.endsWith(body)) return;
  client.text = '';
  seenAt[client.request] = performance.now();
  passed.push(client.request);
  done++;
  free.push(client);
}

function turn(): void {
  const now = performance.now();
  for (const request of passed) lateMs[request] = Math.max(lateMs[request] as number, now - lookedAt);
  passed.length = 0;
  lookedAt = now;
  for (; begun < total && dueAt(begun) <= now; begun++) lateMs[begun] = now - dueAt(begun);
  while (waiting < begun && free.length > 0) {
    const client = free.pop() as Client;
    client.request = waiting++;
    sentAt[client.request] = performance.now();
    client.socket.write(`GET /n/${client.request} HTTP/1.1${tail}`, 'latin1');
  }
  if (done === total) return finish();
  if (now - startedAt > (seconds + 30) * 1000) fail(`only ${done} of ${total} requests were answered`);
  setImmediate(turn);
}

function finish(): void {
  const onTime: number[] = [];
  for (let request = warmTotal; request < total; request++)
    if ((lateMs[request] as number) <= lateMsMax) onTime.push(request);
  const hop = (tookMs: (request: number) => number): Hop => {
    const sorted = Float64Array.from(onTime, tookMs).sort();
    return { p50Ms: percentile(sorted, 0.5), p99Ms: percentile(sorted, 0.99) };
  };
  const at = (times: Float64Array, request: number): number => times[request] as number;
  const hops: Hops = {
    requests: onTime.length,
    late: total - warmTotal - onTime.length,
    queued: hop((request) => at(sentAt, request) - dueAt(request)),
    toOrigin: hop((request) => at(arrivedAt, request) - at(sentAt, request)),
    toClient: hop((request) => at(seenAt, request) - at(answeredAt, request)),
    total: hop((request) => at(seenAt, request) - dueAt(request)),
  };
  console.log(JSON.stringify(hops));
  process.exit(0);
}

function fail(why: string): never {
  console.error(why);
  process.exit(1);
}
