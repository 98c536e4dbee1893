import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { CheckMode, OriginMode, OriginOrder, OriginReport, OriginSetting } from './origin-messages.ts';

// An origin of the storms, in a process of its own: it answers, fails as it is ordered, and counts what arrives.

const setting = JSON.parse(process.argv[2] as string) as OriginSetting;
const large = Buffer.alloc(256 * 1024, 'candor. ');
let mode: OriginMode = 'good';
let check: CheckMode = 'as_requests';
let counts = { requests: 0, checks: 0, connections: 0, executed: [] as number[] };
let inWork = 0;
let uneven = 0;
const waiting: (() => void)[] = [];

const server = createServer({ keepAliveTimeout: 60_000 }, serve);
server.on('connection', () => counts.connections++);

function serve(request: IncomingMessage, response: ServerResponse): void {
  const isCheck = request.url === '/healthz';
  if (isCheck) counts.checks++;
  else if (request.url === '/work') counts.requests++;
  const now = isCheck && check !== 'as_requests' ? 'good' : mode;
  request.on('error', () => {});
  request.resume().on('end', () => {
    if (isCheck && check === 'fails') return answer(request, response, 404);
    if (request.method === 'POST' && request.url === '/work') counts.executed.push(Number(request.headers['x-number']));
    if (now === 'reset') request.socket.resetAndDestroy();
    else if (now === 'garbage') request.socket.end('\0\x7f these bytes are not HTTP\r\n\r\n');
    else if (now !== 'stalled') work(request, response, now);
  });
}

function work(request: IncomingMessage, response: ServerResponse, now: OriginMode): void {
  if (inWork >= setting.concurrency && setting.beyond === 'wait')
    return void waiting.push(() => work(request, response, now));
  inWork++;
  setTimeout(() => {
    inWork--;
    waiting.shift()?.();
    answer(request, response, now === 'status_500' ? 500 : 200);
  }, tookMs(now));
}

function tookMs(now: OriginMode): number {
  const times = now === 'slow' ? 10 : now === 'uneven' && ++uneven % 20 === 0 ? 25 : 1;
  return setting.tookMs * times * Math.max(1, inWork / setting.concurrency) ** 2;
}

function answer(request: IncomingMessage, response: ServerResponse, status: number): void {
  const body = request.url === '/large' ? large : Buffer.from(JSON.stringify({ number: request.headers['x-number'] }));
  if (finishes) response.setHeader('Connection', 'close');
  response.writeHead(status, { 'X-Origin': String(setting.port), 'Content-Length': body.length });
  response.end(body);
}

function report(isAnswer: boolean, then?: () => void): void {
  const taken: OriginReport = { kind: 'counts', counts, isAnswer };
  counts = { requests: 0, checks: 0, connections: 0, executed: [] };
  process.send?.(taken, () => then?.());
}

let finishes = false;

function finish(): void {
  finishes = true;
  server.close(() => report(false, () => process.exit(0)));
}

function done(): void {
  say({ kind: 'done' });
}

/** The run may have been interrupted: then its channel is closed, and the process is about to end. */
function say(said: OriginReport): void {
  process.send?.(said, () => {});
}

process.on('message', (order: OriginOrder) => {
  if (order.kind === 'finish') finish();
  else if (order.kind === 'die') report(false, () => process.kill(process.pid, 'SIGKILL'));
  else if (order.kind === 'count') report(true);
  else if (order.kind === 'mode') {
    ({ mode, check } = order);
    done();
  } else if (order.open) server.listen(setting.port, '127.0.0.1', 4096, done);
  else {
    server.close(done);
    server.closeAllConnections();
  }
});
process.on('disconnect', () => process.exit(0));
setTimeout(() => {
  server.listen(setting.port, '127.0.0.1', 4096, () => say({ kind: 'listening' }));
}, setting.bootMs);
