import { openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { createSecureServer } from 'node:http2';
import { createServer as createRawServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { WebSocketServer } from 'ws';
import type { Behaviour, Deed, Rule } from './behaviour.ts';
import { Dependencies, DependencyFailure } from './dependencies.ts';
import { usualResponse } from './usual-responses.ts';

// An application of the lab, or what is behind one. PORT and HOST say where it listens, BEHAVIOUR is the file that says how it
// behaves, DEPENDENCIES are the ports of what is behind it, CERTIFICATE is a file with a certificate and its key, and GROUPS are
// control groups that it belongs to.

const environment = process.env;
const file = environment['BEHAVIOUR'] ?? '';
const startedAt = Date.now();
const lookMs = 200;

let behaviour: Behaviour = JSON.parse(readFileSync(file, 'utf8')) as Behaviour;
let changedAt = statSync(file).mtimeMs;
let active = 0;
let workedAt = Date.now();
const waiting: (() => void)[] = [];
const streams = new Set<ServerResponse>();
const idleSince = new WeakMap<Socket, number>();
const leaked: Buffer[] = [];
let lock: Promise<void> = Promise.resolve();
const applied = new WeakMap<Rule, number>();
const dependencies = new Dependencies(JSON.parse(environment['DEPENDENCIES'] ?? '{}') as Record<string, number>);

const listener: RequestListener = (request, response) => {
  void answer(request, response).catch((error: unknown) => {
    if (!response.destroyed) refuse(response, error);
  });
};

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '/').split('?')[0] ?? '/';
  if (path === '/events') return stream(response);
  const body = await readBody(request);
  const rule = findRule(request, path, body);
  idleSince.set(request.socket, Number.POSITIVE_INFINITY);
  response.once('close', () => idleSince.set(request.socket, Date.now()));
  if (path !== '/healthz' && !(await begin())) {
    response.writeHead(503, { 'content-type': 'application/json' }).end('{"error":"overloaded"}');
    return;
  }
  try {
    if (path !== '/healthz') await dependencies.use(path, behaviour);
    await act(rule ?? {}, request, response, path);
  } finally {
    if (path !== '/healthz') finish();
  }
}

/** Waits for a turn. False: too many wait. */
async function begin(): Promise<boolean> {
  if (active < (behaviour.capacity ?? 1000)) {
    active++;
    return true;
  }
  if (waiting.length >= (behaviour.queueMax ?? 1000)) return false;
  await new Promise<void>((resolve) => waiting.push(resolve));
  return true;
}

function finish(): void {
  workedAt = Date.now();
  const next = waiting.shift();
  if (next === undefined) active--;
  else next();
}

async function readBody(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request) if (text.length < 4096) text += (part as Buffer).toString('latin1');
  return text;
}

function findRule(request: IncomingMessage, path: string, body: string): Rule | undefined {
  const client = String(request.headers['x-forwarded-for'] ?? '');
  const idle = Date.now() - (idleSince.get(request.socket) ?? Date.now());
  const found = behaviour.rules?.find(
    (rule) =>
      (rule.times ?? 1) > (rule.times === undefined ? 0 : (applied.get(rule) ?? 0)) &&
      path.startsWith(rule.path ?? '/') &&
      (rule.method ?? request.method) === request.method &&
      client.startsWith(rule.client ?? '') &&
      body.includes(rule.contains ?? '') &&
      (rule.lacks === undefined || request.headers[rule.lacks] === undefined) &&
      (rule.within === undefined || Date.now() % rule.within.everyMs < rule.within.forMs) &&
      idle >= (rule.idleMs ?? 0) &&
      Date.now() - workedAt >= (rule.quietMs ?? 0) &&
      Math.random() < (rule.share ?? 1),
  );
  if (found?.times !== undefined) applied.set(found, (applied.get(found) ?? 0) + 1);
  return found;
}

async function act(deed: Deed, request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
  if (deed.prints !== undefined) console.error(deed.prints);
  if (deed.exit !== undefined) process.exit(deed.exit);
  if (deed.writesToFullDisk === true) writeSync(openSync('/dev/full', 'w'), 'order');
  if (deed.blockMs !== undefined) block(deed.blockMs);
  if (deed.burnMs !== undefined) burn(deed.burnMs);
  const usual = usualResponse(request.method ?? 'GET', path);
  const cold = behaviour.coldMs !== undefined && Date.now() - startedAt < behaviour.coldMs ? 2 : 1;
  const spread = Math.random() < 0.01 ? 2 : 0.7 + 0.6 * Math.random();
  const latency = deed.latencyMs ?? usual.latencyMs * (deed.slower ?? 1) * cold * spread;
  if (deed.isLocked === true) lock = lock.then(() => sleep(latency));
  if (latency > 0) await (deed.isLocked === true ? lock : sleep(latency));
  if (deed.raw !== undefined) return void request.socket.end(deed.raw);
  if (deed.end !== undefined && deed.end !== 'cut') {
    endBadly(deed.end, request.socket);
    return deed.end === 'hang' ? new Promise<void>((resolve) => void response.once('close', resolve)) : undefined;
  }
  const body = bodyOf(deed, usual.bytes);
  response.statusCode = deed.status ?? usual.status;
  response.setHeader('content-type', deed.type ?? usual.type);
  if (deed.location !== undefined) response.setHeader('location', deed.location);
  for (const [name, value] of Object.entries(deed.headers ?? {})) response.setHeader(name, value);
  response.setHeader('content-length', Math.floor(body.length * (deed.announcedShare ?? 1)));
  if (deed.end === 'cut') {
    response.write(body.subarray(0, body.length / 2), () => setTimeout(() => request.socket.destroy(), 60));
    return;
  }
  await send(response, body, deed.bodyMs ?? 0);
}

const packed = new Map<number, Buffer>();

/** What the head says is gzip is gzip. */
function bodyOf({ body, bytes, headers }: Deed, usualBytes: number): Buffer {
  const length = bytes ?? usualBytes;
  if (headers?.['content-encoding'] !== 'gzip') return Buffer.from(body ?? ' '.repeat(length));
  const known = packed.get(length) ?? gzipSync(body ?? randomBytes(length));
  packed.set(length, known);
  return known;
}

async function send(response: ServerResponse, body: Buffer, bodyMs: number): Promise<void> {
  const slices = bodyMs === 0 ? 1 : 10;
  for (let index = 0; index < slices - 1; index++) {
    response.write(body.subarray((body.length * index) / slices, (body.length * (index + 1)) / slices));
    await sleep(bodyMs / slices);
  }
  response.end(body.subarray((body.length * (slices - 1)) / slices));
}

function endBadly(end: 'reset' | 'close' | 'hang' | 'garbage', socket: Socket): void {
  if (end === 'reset') socket.resetAndDestroy();
  else if (end === 'close') socket.destroy();
  else if (end === 'garbage')
    socket.end('PHP Warning:  Undefined index in /srv/www/index.php on line 12\r\n\r\n<html>');
}

function refuse(response: ServerResponse, error: unknown): void {
  const isLate = error instanceof DependencyFailure && error.isTimeout;
  console.error(error instanceof Error ? `Error: ${error.message}` : String(error));
  if (response.headersSent) return void response.destroy();
  response.writeHead(isLate ? 503 : 500, { 'content-type': 'application/json' }).end('{"error":"internal"}');
}

function stream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write(': here\n\n');
  streams.add(response);
  const tick = setInterval(() => response.write(`data: ${Date.now()}\n\n`), 1000);
  if (behaviour.streamMs !== undefined) setTimeout(() => response.destroy(), behaviour.streamMs);
  response.once('close', () => {
    clearInterval(tick);
    streams.delete(response);
  });
}

/** The thread sleeps, so that nothing else in this process goes on. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function burn(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}

/** Takes what the file says now. */
function look(): void {
  const { mtimeMs } = statSync(file, { throwIfNoEntry: false }) ?? { mtimeMs: changedAt };
  if (mtimeMs === changedAt) return;
  changedAt = mtimeMs;
  const { streamGeneration: generation, streamMs } = behaviour;
  behaviour = JSON.parse(readFileSync(file, 'utf8')) as Behaviour;
  apply();
  if (behaviour.streamGeneration !== generation) for (const one of streams) one.end();
  if (behaviour.streamMs === undefined || streamMs !== undefined) return;
  for (const one of streams) one.destroy();
  for (const web of sockets.clients) web.terminate();
}

let work: NodeJS.Timeout[] = [];

function apply(): void {
  for (const timer of work) clearInterval(timer);
  work = [];
  const { blockEvery, burnEvery, leakMibPerSecond: mib = 0, leakDescriptorsPerSecond: count = 0 } = behaviour;
  if (blockEvery !== undefined) work.push(setInterval(() => block(blockEvery.ms), blockEvery.everyMs));
  if (burnEvery !== undefined) work.push(setInterval(() => burn(burnEvery.ms), burnEvery.everyMs));
  if (mib > 0) work.push(setInterval(() => leaked.push(Buffer.alloc(mib * 262_144, 1)), 250));
  if (count > 0) work.push(setInterval(() => leakDescriptors(count), 1000));
  server.maxConnections = behaviour.connectionsMax ?? Number.POSITIVE_INFINITY;
  if (behaviour.keepAliveMs !== undefined) server.keepAliveTimeout = behaviour.keepAliveMs;
  if (mib === 0) leaked.length = 0;
}

function leakDescriptors(count: number): void {
  try {
    for (let index = 0; index < count; index++) openSync('/dev/null', 'r');
  } catch (error) {
    console.error(`Error: ${(error as Error).message}`);
  }
}

if (behaviour.start === 'exits') {
  console.error(behaviour.lastWords ?? 'Error: cannot start');
  process.exit(behaviour.exitCode ?? 1);
}
const certificate = environment['CERTIFICATE'];
const tls = certificate === undefined ? {} : { cert: readFileSync(certificate), key: readFileSync(certificate) };
const server =
  certificate === undefined
    ? createServer(listener)
    : environment['HTTP2'] === 'yes'
      ? (createSecureServer({ ...tls, allowHTTP1: true }, listener as never) as unknown as ReturnType<
          typeof createServer
        >)
      : createTlsServer({ ...tls, ...behaviour.tls }, listener);
// Longer than the gateway keeps its connections.
server.keepAliveTimeout = 30_000;
server.on('connection', (socket: Socket) => socket.on('error', () => {}));
server.on('error', (error) => {
  console.error(`Error: ${error.message}`);
  if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') process.exit(1);
});

const sockets = new WebSocketServer({ noServer: true });
server.on('upgrade', (request, socket: Socket, head) => {
  const rule = findRule(request, '/ws', '');
  if (rule?.status !== undefined)
    return void socket.end(`HTTP/1.1 ${rule.status} No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  if (rule?.end !== undefined) return void socket.resetAndDestroy();
  sockets.handleUpgrade(request, socket, head, (web) => {
    web.on('message', (data) => web.send(data)).on('error', () => {});
    if (behaviour.streamMs !== undefined) setTimeout(() => web.terminate(), behaviour.streamMs);
  });
});

/** Finishes what was begun, and ends. */
function stop(): void {
  server.close(() => process.exit(0));
  (server as { closeIdleConnections?: () => void }).closeIdleConnections?.();
  for (const one of streams) one.end();
  for (const web of sockets.clients) web.close(1001);
  setTimeout(() => process.exit(0), 3000).unref();
}

process.on('SIGTERM', stop);
process.on('disconnect', () => process.exit(0));
process.on('uncaughtException', (error) => {
  console.error(`Error: ${error.message}`);
  process.exit(1);
});
setInterval(look, lookMs);
apply();
const { exitAfterMs } = behaviour;
if (exitAfterMs !== undefined)
  setTimeout(() => {
    console.error(behaviour.lastWords ?? 'Error: invariant violated');
    process.exit(behaviour.exitCode ?? 1);
  }, exitAfterMs);

const at = { port: Number(environment['PORT']), host: environment['LISTEN'] ?? '127.0.0.1' };
const onListening = (): void => void process.send?.('listening');
for (const group of (environment['GROUPS'] ?? '').split(':').filter((one) => one !== ''))
  writeFileSync(`${group}/cgroup.procs`, String(process.pid));
if (behaviour.start === 'never_listens') console.error('waiting for the database');
else if (behaviour.speaks === 'redis')
  createRawServer((socket) =>
    socket.on('error', () => {}).on('data', () => socket.end("-ERR unknown command 'GET'\r\n")),
  ).listen(at, onListening);
else server.listen(at, onListening);
