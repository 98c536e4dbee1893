import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as passTime } from 'node:timers/promises';
import { FloodedGateway, QuietClient } from '../test/http2/flooded-gateway.ts';
import { toolOptions } from '../test/tool-options.ts';
import { allFloods, type Attack, type Report } from './http2-flood-process.ts';
import type { ThreadStall } from './stall-report.ts';

const usage = `usage: npm run bench:http2-floods -- [--seconds=3] [--rounds=1] [--only=TEXT] [--json=yes]

What a client of HTTP/2 waits for a small response while another client floods the same worker, and reconnects each time it is thrown out:
the median and the 99th percentile, each beside that of the moments before the flood. Gateway, quiet client and flood are three
processes. Where they have fewer cores than that they also wait for each other, which the first rows show: the same for an honest
client that sends as many requests as it may, and for a flood of another program, which reads and forgets.

The last columns do not depend on other programs: the CPU time of the longest turn of the worker's event loop without and with the flood, and how many turns with it
took more than 4 ms. A quiet client waits as long as the turn that it meets.

  --seconds=N  for each measurement
  --rounds=N   measurements of each row, with and without flood in turns
  --only=TEXT  rows whose name contains it
  --json=yes   one JSON object for each row
  --help

example: npm run bench:http2-floods -- --seconds=1 --only=reset
`;

/** How long a flood has gone on when the measurement begins. */
const leadMs = 200;

/** Each flood is played once for so long, from another address, before the first measurement: its code is compiled then. */
const warmUpMs = 400;

const [floodNetwork, warmUpNetwork] = ['127.0.1', '127.0.3'];

interface Row {
  readonly name: string;
  readonly flood: Attack['flood'];
  /** Null: the gateway. */
  readonly at: 'other program' | null;
}

const rows: readonly Row[] = [
  { name: 'control: an honest client, 100 requests at a time', flood: 'requests', at: null },
  ...['rapid reset', 'PING (', 'PRIORITY ('].map(controlOf),
  ...allFloods.map(({ name }, flood) => ({ name, flood, at: null })),
];

function controlOf(start: string): Row {
  const flood = allFloods.findIndex(({ name }) => name.startsWith(start));
  return { name: `control: another program is flooded by ${allFloods[flood]?.name}`, flood, at: 'other program' };
}

/** The process of `http2-flood-process.ts`. */
class FloodProcess {
  readonly #child: ChildProcess;
  readonly #reports: Report[] = [];
  #wake: () => void = () => {};

  constructor() {
    this.#child = fork(new URL('http2-flood-process.ts', import.meta.url));
    this.#child.on('message', (message) => {
      this.#reports.push(message as Report);
      this.#wake();
    });
  }

  /** The next report, which is of this kind. */
  async next<Kind extends Report['kind']>(kind: Kind): Promise<Extract<Report, { kind: Kind }>> {
    while (this.#reports.length === 0) await new Promise<void>((resolve) => (this.#wake = resolve));
    const report = this.#reports.shift() as Report;
    if (report.kind !== kind) throw new Error(`${report.kind} instead of ${kind}`);
    return report as Extract<Report, { kind: Kind }>;
  }

  start(attack: Attack): void {
    this.#child.send(attack);
  }

  stop(): void {
    this.#child.kill();
  }
}

/** What the quiet client waited, in ms. */
async function waitedFor(gateway: FloodedGateway, ms: number): Promise<readonly number[]> {
  const quiet = new QuietClient(gateway.connect());
  const end = performance.now() + ms;
  while (performance.now() < end) {
    await quiet.ask();
    await passTime(1);
  }
  quiet.close();
  return quiet.tookMs.slice(10);
}

/** What the worker measured of its turns while `wait` went on. */
async function turnsOf<T>({ process: own }: FloodedGateway, wait: () => Promise<T>): Promise<[T, ThreadStall]> {
  await own.ask('begin', 0);
  const result = await wait();
  const threads = (await own.ask('report', 2)) as readonly ThreadStall[];
  return [result, threads.find(({ isMain }) => !isMain) as ThreadStall];
}

function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

interface Measured {
  readonly name: string;
  readonly p50Ms: readonly [without: number, with_: number];
  readonly p99Ms: readonly [without: number, with_: number];
  readonly multiple: number;
  readonly thrownOut: number;
  readonly longestTurnCpuMs: readonly [without: number, with_: number];
  readonly longTurns: number;
}

async function measure(
  { name, flood, at }: Row,
  gateway: FloodedGateway,
  process_: FloodProcess,
  otherServer: number,
  options: { readonly ms: number; readonly rounds: number },
): Promise<Measured> {
  const { ms, rounds } = options;
  const without: number[] = [];
  const under: number[] = [];
  const port = at === null ? gateway.process.port : otherServer;
  const longestTurnCpuMs: [number, number] = [0, 0];
  let [thrownOut, longTurns] = [0, 0];
  for (let round = 0; round < rounds; round++) {
    const [calm, calmTurns] = await turnsOf(gateway, () => waitedFor(gateway, ms));
    without.push(...calm);
    process_.start({ flood, port, ms: ms + leadMs, network: floodNetwork });
    await process_.next('begun');
    await passTime(leadMs);
    const [flooded, turns] = await turnsOf(gateway, () => waitedFor(gateway, ms));
    under.push(...flooded);
    longTurns += turns.longTurns;
    longestTurnCpuMs[0] = Math.max(longestTurnCpuMs[0], calmTurns.longestCpuMs);
    longestTurnCpuMs[1] = Math.max(longestTurnCpuMs[1], turns.longestCpuMs);
    thrownOut += (await process_.next('over')).thrownOut;
  }
  const pair = (share: number): readonly [number, number] => [percentile(without, share), percentile(under, share)];
  for (const all of [without, under]) all.sort((a, b) => a - b);
  const p99Ms = pair(0.99);
  const multiple = p99Ms[1] / p99Ms[0];
  return { name, p50Ms: pair(0.5), p99Ms, multiple, thrownOut, longestTurnCpuMs, longTurns };
}

/** The code that a flood runs in the gateway is not compiled when it comes for the first time. */
async function warmUp(
  gateway: FloodedGateway,
  process_: FloodProcess,
  rows_: readonly Row[],
  ms: number,
): Promise<void> {
  await waitedFor(gateway, ms);
  for (const { flood, at } of rows_) {
    if (at !== null) continue;
    process_.start({ flood, port: gateway.process.port, ms: warmUpMs, network: warmUpNetwork });
    await process_.next('begun');
    await process_.next('over');
  }
}

function print({ name, p50Ms, p99Ms, multiple, thrownOut, longestTurnCpuMs, longTurns }: Measured): void {
  const pair = ([one, two]: readonly [number, number]): string => `${one.toFixed(2)}, ${two.toFixed(2)} ms`;
  console.log(
    `${name} | ${pair(p50Ms)} | ${pair(p99Ms)} | ${multiple.toFixed(1)} | ${thrownOut} | ${pair(longestTurnCpuMs)} | ${longTurns}`,
  );
}

const header =
  'flood | p50 without, with | p99 without, with | p99 as a multiple | thrown out | longest turn without, with | turns over 4 ms';
const probe = join(import.meta.dirname, 'stall-probe.ts');
const { seconds, rounds, only = '', json } = toolOptions(usage, ['only', 'json'], { seconds: 3, rounds: 1 });
const floodProcess = new FloodProcess();
let gateway: FloodedGateway | null = null;
try {
  const { endpoints, otherServer } = await floodProcess.next('ready');
  gateway = await FloodedGateway.before(endpoints, '', null, probe);
  const wanted = rows.filter(({ name }) => name.includes(only));
  await warmUp(gateway, floodProcess, wanted, 1000 * seconds);
  if (json === undefined) console.log(header);
  for (const row of wanted) {
    const measured = await measure(row, gateway, floodProcess, otherServer, { ms: 1000 * seconds, rounds });
    if (json === undefined) print(measured);
    else console.log(JSON.stringify(measured));
  }
} finally {
  await gateway?.stop();
  floodProcess.stop();
}
