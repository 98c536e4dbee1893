/**
 * What a gateway does that is asked for more than it can itself: `npm run bench:own-overload -- [times [seconds [delay_max]]]`, some 40 s. Its origin answers at once.
 * It shares its core with two programs that do nothing but take time, so that clients and origin, on another core, are not what is overloaded.
 * First 64 requests are always in flight, on 2,000 connections in turn: what is answered is what the gateway can do. Then `times` (1.5) as many come, each
 * when it is due; meanwhile health checks ask a route with `readiness`, and an operator asks the admin API. Exits with 1 where requests that were
 * answered well within a second are fewer than 90 % of what the gateway can do, where a check or the operator was refused, where refusing a request costs more than
 * serving it, or where other programs disturbed it.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { repositoryRoot } from '../scripts/repository.ts';
import { gatewayCore, loadCore, needTwoCores } from './cores.ts';
import { benchPort } from './ports.ts';
import { sampleMachine, whyNotQuiet } from './storms/machine.ts';

const [times, seconds] = [Number(process.argv[2] ?? 1.5), Number(process.argv[3] ?? 10)];
const delayMax = process.argv[4] ?? '500ms';
const port = benchPort(19);
const connectionsMax = 2000;
/** Enough that the gateway always has something to do, and few enough that none waits long. */
const inFlight = 64;
const goodMsMax = 1000;
const goodputMin = 0.9;

const requestBytes = Buffer.from('GET /work HTTP/1.1\r\nHost: a\r\n\r\n');
const refusedBytes = Buffer.from('GET /refused HTTP/1.1\r\nHost: a\r\n\r\n');

/** An origin that does nothing: each read has one request, since the gateway sends one at a time on a connection. */
const originProgram = `
require('node:net').createServer((socket) => {
  socket.setNoDelay(true);
  socket.on('data', () => void socket.write('HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok')).on('error', () => {});
}).listen(0, '127.0.0.1', function () { console.log(this.address().port); });`;

/**
 * The origin runs at a real-time priority: it shares a core with the clients, and late answers of the origin would be measured as the gateway's. Returns the
 * program and its port.
 */
async function startOrigin(): Promise<{ readonly origin: ChildProcess; readonly originPort: number }> {
  const words = ['-f', '1', 'taskset', '-c', String(loadCore), process.execPath, '-e', originProgram];
  const origin = spawn('chrt', words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = (await once(origin.stdout, 'data')) as [Buffer];
  return { origin, originPort: Number(line.toString()) };
}

interface Answer {
  readonly status: number;
  /** Of a refusal, as its problem document has it; otherwise ''. */
  readonly cause: string;
  readonly tookMs: number;
}

/** A connection that has one request in flight at most. */
class Client {
  readonly socket: Socket;
  readonly #onAnswer: (client: Client, answer: Answer) => void;
  #dueMs = 0;
  #status = 0;
  #cause = '';
  /** Bytes that are missing of the answer; below zero: its head has not come. */
  #missing = -1;

  constructor(onAnswer: (client: Client, answer: Answer) => void) {
    this.#onAnswer = onAnswer;
    this.socket = connect({ host: '127.0.0.1', port, noDelay: true });
    this.socket.on('data', (bytes) => this.#read(bytes as Buffer)).on('error', () => {});
    this.socket.on('close', () => this.#missing < 0 && this.#status === -1 && this.#end(0));
  }

  ask(dueMs: number, bytes = requestBytes): void {
    this.#dueMs = dueMs;
    this.#missing = -1;
    this.#status = -1;
    this.socket.write(bytes);
  }

  /** Heads are short, and come in one piece. */
  #read(bytes: Buffer): void {
    if (this.#missing < 0) {
      const head = bytes.toString('latin1', 0, Math.min(bytes.length, 2000));
      this.#status = Number(head.slice(9, 12));
      const length = Number(/content-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      this.#missing = head.indexOf('\r\n\r\n') + 4 + length;
      this.#cause = this.#status === 200 ? '' : (/"cause": *"(\w+)"/.exec(bytes.toString('latin1'))?.[1] ?? '');
    }
    this.#missing -= bytes.length;
    if (this.#missing <= 0) this.#end(this.#status);
  }

  #end(status: number): void {
    this.#status = 0;
    this.#onAnswer(this, { status, cause: this.#cause, tookMs: performance.now() - this.#dueMs });
  }
}

interface Overload {
  readonly goodPerS: number;
  readonly statuses: ReadonlyMap<number, number>;
  readonly causes: ReadonlyMap<string, number>;
  readonly lateP99Ms: number;
  /** Requests that had no connection left to be sent on. */
  readonly unsent: number;
}

/** Clients whose connections the gateway has accepted: how fast it can accept is another question. */
class Pool {
  readonly idle: Client[] = [];
  onAnswer: (answer: Answer) => void = () => {};
  readonly #all: Client[] = [];

  static async connect(): Promise<Pool> {
    const pool = new Pool();
    const take = (client: Client, answer: Answer): void => {
      pool.onAnswer(answer);
      if (!client.socket.destroyed) pool.idle.push(client);
    };
    for (let count = 0; count < connectionsMax; count++) {
      const client = new Client(take);
      pool.#all.push(client);
      client.ask(performance.now());
      if (count % 20 === 19) while (pool.idle.length < count) await sleep(5);
    }
    return pool;
  }

  close(): void {
    for (const { socket } of this.#all) socket.destroy();
  }
}

/** So many requests in flight, each on the connection that has rested longest. Returns answers of `wanted` a second. */
async function closedLoad(pool: Pool, forS: number, bytes = requestBytes, wanted = 200): Promise<number> {
  let answered = 0;
  let isOver = false;
  const ask = (): void => pool.idle.shift()?.ask(performance.now(), bytes);
  pool.onAnswer = ({ status }) => {
    if (status === wanted) answered += 1;
    if (!isOver) setImmediate(ask);
  };
  for (let count = 0; count < inFlight; count++) ask();
  await sleep(forS * 1000);
  isOver = true;
  while (pool.idle.length < connectionsMax) await sleep(5);
  return answered / forS;
}

async function openLoad(pool: Pool, perS: number, forS: number): Promise<Overload> {
  const statuses = new Map<number, number>();
  const causes = new Map<string, number>();
  const late: number[] = [];
  let [good, sent, unsent] = [0, 0, 0];
  pool.onAnswer = ({ status, cause, tookMs }) => {
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (cause !== '') causes.set(cause, (causes.get(cause) ?? 0) + 1);
    if (status === 200 && tookMs <= goodMsMax) good += 1;
  };
  const began = performance.now();
  for (;;) {
    const now = performance.now();
    if (now - began >= forS * 1000) break;
    for (let dueMs = began + (sent * 1000) / perS; dueMs <= now; dueMs = began + (sent * 1000) / perS) {
      sent += 1;
      late.push(now - dueMs);
      const client = pool.idle.pop();
      if (client === undefined) unsent += 1;
      else client.ask(dueMs);
    }
    // Not without a pause: this program and the gateway may share a core.
    await sleep(1);
  }
  const goodPerS = good / forS;
  const lateP99Ms = late.toSorted((one, other) => one - other)[Math.floor(0.99 * late.length)] ?? 0;
  return { goodPerS, statuses, causes, lateP99Ms, unsent };
}

/** Asks again and again until `isOver`. Returns each answer that was no 200. */
async function watch(
  isOver: () => boolean,
  everyMs: number,
  where: object,
): Promise<{ asked: number; bad: string[]; longestMs: number }> {
  const seen = { asked: 0, bad: [] as string[], longestMs: 0 };
  while (!isOver()) {
    const began = performance.now();
    const status = await new Promise<string>((resolve) => {
      const asked = request({ ...where, agent: false, timeout: 5000 }, (response) => {
        response.resume().on('end', () => resolve(String(response.statusCode)));
      });
      asked
        .on('timeout', () => asked.destroy())
        .on('error', ({ message }) => resolve(message))
        .end();
    });
    seen.asked += 1;
    seen.longestMs = Math.max(seen.longestMs, performance.now() - began);
    if (status !== '200') seen.bad.push(status);
    await sleep(everyMs);
  }
  return seen;
}

async function measure(folder: string): Promise<boolean> {
  const ready = { host: '127.0.0.1', port, path: '/ready' };
  const admin = { socketPath: join(folder, 'admin.sock'), path: '/v1/status' };
  const { origin, originPort } = await startOrigin();
  execFileSync('taskset', ['-cp', String(loadCore), String(process.pid)]);
  const gateway = start(folder, originPort);
  const rivals = [0, 1].map(() => pinned(['-e', 'for (;;);'], folder));
  try {
    while ((await watch(after(1), 0, ready)).bad.length > 0) await sleep(100);
    const pool = await Pool.connect();
    await closedLoad(pool, 3);
    await closedLoad(pool, 3, refusedBytes, 403);
    const before = sampleMachine();
    const calmS = processorS(gateway);
    const capacity = await closedLoad(pool, seconds / 2);
    const capacityPerCpuS = (capacity * (seconds / 2)) / (processorS(gateway) - calmS);
    const betweenS = processorS(gateway);
    const refusals = await closedLoad(pool, seconds / 2, refusedBytes, 403);
    const refusalsPerCpuS = (refusals * (seconds / 2)) / (processorS(gateway) - betweenS);
    let isOver = false;
    const watching = Promise.all([watch(() => isOver, 200, ready), watch(() => isOver, 500, admin)]);
    // The first two seconds show how long the gateway needs to notice.
    await openLoad(pool, times * capacity, 2);
    const busyS = processorS(gateway);
    const { goodPerS, statuses, causes, lateP99Ms, unsent } = await openLoad(pool, times * capacity, seconds);
    const overloadS = processorS(gateway) - busyS;
    isOver = true;
    pool.close();
    const [checks, operator] = await watching;
    const disturbed = whyNotQuiet(before, sampleMachine(), lateP99Ms);
    const share = goodPerS / capacity;
    console.log(
      `the gateway can do ${capacity.toFixed(0)}/s; of ${(times * capacity).toFixed(0)}/s it answers ${goodPerS.toFixed(0)}/s well within ${goodMsMax} ms: ${(100 * share).toFixed(0)} %`,
    );
    console.log(
      `answers: ${[...statuses, ...causes].map(([what, count]) => `${what}: ${count}`).join(', ')}; ${unsent} found no connection`,
    );
    console.log(
      `a refusal by a rule costs ${(capacityPerCpuS / refusalsPerCpuS).toFixed(2)} of a request that is served`,
    );
    const served = statuses.get(200) ?? 0;
    console.log(
      `by processor time of the gateway: ${capacityPerCpuS.toFixed(0)} a second of it before, ${(served / overloadS).toFixed(0)} served and ${((statuses.get(503) ?? 0) / overloadS).toFixed(0)} refused now`,
    );
    for (const [name, { asked, bad, longestMs }] of [
      ['health checks', checks],
      ['the admin API', operator],
    ] as const)
      console.log(
        `${name}: ${asked - bad.length} of ${asked} answered, the longest in ${longestMs.toFixed(0)} ms ${bad.join(' ')}`,
      );
    const isMet =
      share >= goodputMin && refusalsPerCpuS >= capacityPerCpuS && checks.bad.length + operator.bad.length === 0;
    console.log(disturbed === null ? (isMet ? 'met' : 'missed') : `not measured: ${disturbed}`);
    return isMet && disturbed === null;
  } finally {
    for (const rival of rivals) rival.kill('SIGKILL');
    gateway.kill('SIGTERM');
    await once(gateway, 'exit');
    origin.kill('SIGKILL');
  }
}

/** Processor time of the gateway so far, user and system (proc(5)). */
function processorS({ pid }: ChildProcess): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  return (user + system) / 100;
}

/** True from the second time on. */
function after(calls: number): () => boolean {
  let left = calls;
  return () => left-- <= 0;
}

function start(folder: string, originPort: number): ChildProcess {
  const text = `listeners: { http: "127.0.0.1:${port}" }
admin: { socket: ${join(folder, 'admin.sock')} }
log: { path: none }
state: none
workers: { count: 1, delay_max: ${delayMax} }
client: { connections_max: 12000, connections_per_address_max: none }
upstreams: { origin: { endpoints: "127.0.0.1:${originPort}", check: none } }
routes:
  - { path: /ready, readiness: true }
  - { path: /refused, to: origin, access: { deny: 127.0.0.1 } }
  - { to: origin }
`;
  writeFileSync(join(folder, 'candor.yaml'), text);
  const words = [join(repositoryRoot, 'bin', 'candor'), 'up', '-c', 'candor.yaml'];
  return pinned(words, folder);
}

/** On the core of the gateway. */
function pinned(words: readonly string[], folder: string): ChildProcess {
  return spawn('taskset', ['-c', String(gatewayCore), process.execPath, ...words], { cwd: folder, stdio: 'ignore' });
}

needTwoCores();
const folder = mkdtempSync(join(tmpdir(), 'candor-overload-'));
try {
  if (!(await measure(folder))) process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true });
}
