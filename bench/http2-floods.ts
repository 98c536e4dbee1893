import { type ChildProcess, fork } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import { join } from 'node:path';
import { setTimeout as passTime } from 'node:timers/promises';
import { FloodedGateway, QuietClient } from '../test/http2/flooded-gateway.ts';
import { toolOptions } from '../test/tool-options.ts';
import { allFloods, type Attack, type Report } from './http2-flood-process.ts';
import type { ThreadStall } from './stall-report.ts';
import { sampleMachine, whyNotQuiet } from './storms/machine.ts';

const usage = `usage: npm run bench:http2-floods -- [--seconds=2] [--rounds=5] [--only=TEXT] [--json=yes]

What a client of HTTP/2 waits for a small response while another client floods the same worker, and reconnects each time it is thrown out.
Gateway, quiet client and flood are three processes. A real flood comes from another machine. Here its process has the lowest priority
(nice 19): it gets the processor time that the gateway and the quiet client leave. They still wait for each other where cores are few.
So each round has three parts: without a flood, with the same flood at another program, which reads and forgets, and with the flood at the gateway. A
round counts if the machine was quiet: the hypervisor took less than 6 % of its cores, and programs that do not belong to the measurement
less than 10 %. A round that does not count is repeated, at most twice for each that is wanted.

The figures are medians of the rounds. "times" is the 99th percentile with the flood by the one without it in the same round; in brackets
the same for the flood of the other program. Behind it: how often the flood was thrown out; the longest turn of the worker's event loop
without and with the flood, in CPU time; how many turns with it took more than 4 ms; how many rounds counted, of how many.

  --seconds=N  for each part of a round
  --rounds=N   rounds that count, for each row
  --only=TEXT  rows whose name contains it
  --json=yes   one JSON object for each row
  --help

example: npm run bench:http2-floods -- --rounds=3 --only=reset
`;

/** How long a flood has gone on when the measurement begins. */
const leadMs = 200;

/** Each flood is played once for so long, from another address, before the first measurement: its code is compiled then. */
const warmUpMs = 400;

const warmUpNetwork = '127.0.1';

/** The gateway lets the next connections of an address that has flooded wait: so each round floods from another one. */
const floodNetwork = (round: number): string => `127.0.${2 + (round % 200)}`;

interface Row {
  readonly name: string;
  readonly flood: Attack['flood'];
}

const rows: readonly Row[] = [
  { name: 'an honest client, 100 requests at a time', flood: 'requests' },
  ...allFloods.map(({ name }, flood) => ({ name, flood })),
];

/** The process of `http2-flood-process.ts`. */
class FloodProcess {
  readonly #child: ChildProcess;
  readonly #reports: Report[] = [];
  #wake: () => void = () => {};

  constructor() {
    this.#child = fork(new URL('http2-flood-process.ts', import.meta.url));
    if (this.#child.pid !== undefined) setPriority(this.#child.pid, constants.priority.PRIORITY_LOW);
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

function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

/** Of an even number the mean of the two in the middle: of two rounds the larger one would be none. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)] ?? 0, sorted[Math.floor(sorted.length / 2)] ?? 0];
  return (low + high) / 2;
}

/** One round, or the medians of several; times are in ms. */
interface Figures {
  readonly p50: number;
  readonly p99: number;
  readonly p50Flooded: number;
  readonly p99Flooded: number;
  readonly times: number;
  /** The same while another program is flooded; null: an honest client has no other program. */
  readonly timesElsewhere: number | null;
  readonly thrownOut: number;
  readonly longestTurnCpuMs: number;
  readonly longestTurnCpuMsFlooded: number;
  readonly longTurns: number;
}

interface Measured extends Figures {
  readonly name: string;
  readonly roundsCounted: number;
  readonly roundsPlayed: number;
  /** Why the last round that does not count does not. */
  readonly disturbedBy: string | null;
}

interface Stage {
  readonly gateway: FloodedGateway;
  readonly flood: FloodProcess;
  readonly otherServer: number;
  readonly ms: number;
}

/** Runs `measured` while the flood goes on. Returns its result, and how often the flood was thrown out. */
async function during<T>(stage: Stage, attack: Omit<Attack, 'ms'>, measured: () => Promise<T>): Promise<[T, number]> {
  stage.flood.start({ ...attack, ms: stage.ms + leadMs });
  await stage.flood.next('begun');
  await passTime(leadMs);
  const result = await measured();
  return [result, (await stage.flood.next('over')).thrownOut];
}

async function playRound({ flood }: Row, stage: Stage, network: string): Promise<Figures> {
  const { gateway, otherServer, ms } = stage;
  const wait = (): Promise<readonly number[]> => waitedFor(gateway, ms);
  const [calm, calmTurns] = await turnsOf(gateway, wait);
  const elsewhere = flood === 'requests' ? null : await during(stage, { flood, port: otherServer, network }, wait);
  const attack = { flood, port: gateway.process.port, network };
  const [[flooded, turns], thrownOut] = await during(stage, attack, () => turnsOf(gateway, wait));
  const p99 = percentile(calm, 0.99);
  return {
    p50: median(calm),
    p99,
    p50Flooded: median(flooded),
    p99Flooded: percentile(flooded, 0.99),
    times: percentile(flooded, 0.99) / p99,
    timesElsewhere: elsewhere === null ? null : percentile(elsewhere[0], 0.99) / p99,
    thrownOut,
    longestTurnCpuMs: calmTurns.longestCpuMs,
    longestTurnCpuMsFlooded: turns.longestCpuMs,
    longTurns: turns.longTurns,
  };
}

async function measure(row: Row, stage: Stage, rounds: number): Promise<Measured> {
  const counted: Figures[] = [];
  const disturbed: Figures[] = [];
  let disturbedBy: string | null = null;
  while (counted.length < rounds && counted.length + disturbed.length < 3 * rounds) {
    const before = sampleMachine();
    const figures = await playRound(row, stage, floodNetwork(counted.length + disturbed.length));
    const why = whyNotQuiet(before, sampleMachine(), 0);
    disturbedBy = why ?? disturbedBy;
    (why === null ? counted : disturbed).push(figures);
  }
  const roundsPlayed = counted.length + disturbed.length;
  return {
    name: row.name,
    ...medians(counted.length > 0 ? counted : disturbed),
    roundsCounted: counted.length,
    roundsPlayed,
    disturbedBy,
  };
}

function medians(all: readonly Figures[]): Figures {
  const of = (figure: Exclude<keyof Figures, 'timesElsewhere'>): number => median(all.map((one) => one[figure]));
  const elsewhere = all.map(({ timesElsewhere }) => timesElsewhere).filter((times) => times !== null);
  return {
    p50: of('p50'),
    p99: of('p99'),
    p50Flooded: of('p50Flooded'),
    p99Flooded: of('p99Flooded'),
    times: of('times'),
    timesElsewhere: elsewhere.length === 0 ? null : median(elsewhere),
    thrownOut: of('thrownOut'),
    longestTurnCpuMs: of('longestTurnCpuMs'),
    longestTurnCpuMsFlooded: of('longestTurnCpuMsFlooded'),
    longTurns: of('longTurns'),
  };
}

/** The code that a flood runs in the gateway is not compiled when it comes for the first time. */
async function warmUp(
  gateway: FloodedGateway,
  process_: FloodProcess,
  rows_: readonly Row[],
  ms: number,
): Promise<void> {
  await waitedFor(gateway, ms);
  for (const { flood } of rows_) {
    process_.start({ flood, port: gateway.process.port, ms: warmUpMs, network: warmUpNetwork });
    await process_.next('begun');
    await process_.next('over');
  }
}

function print(measured: Measured): void {
  const pair = (one: number, two: number): string => `${one.toFixed(2)}, ${two.toFixed(2)} ms`;
  const { name, times, timesElsewhere, thrownOut, longTurns, roundsCounted, roundsPlayed, disturbedBy } = measured;
  const cells = [
    name,
    pair(measured.p50, measured.p50Flooded),
    pair(measured.p99, measured.p99Flooded),
    `${times.toFixed(1)} (${timesElsewhere?.toFixed(1) ?? '-'})`,
    thrownOut,
    pair(measured.longestTurnCpuMs, measured.longestTurnCpuMsFlooded),
    longTurns,
    `${roundsCounted} of ${roundsPlayed}${roundsCounted === 0 ? `, ${disturbedBy}` : ''}`,
  ];
  console.log(cells.join(' | '));
}

const header =
  'flood | p50 without, with | p99 without, with | times (elsewhere) | thrown out | longest turn without, with | turns over 4 ms | rounds';
const probe = join(import.meta.dirname, 'stall-probe.ts');
const { seconds, rounds, only = '', json } = toolOptions(usage, ['only', 'json'], { seconds: 2, rounds: 5 });
const flood = new FloodProcess();
let gateway: FloodedGateway | null = null;
try {
  const { endpoints, otherServer } = await flood.next('ready');
  gateway = await FloodedGateway.before(endpoints, '', null, probe);
  const wanted = rows.filter(({ name }) => name.includes(only));
  await warmUp(gateway, flood, wanted, 2000);
  if (json === undefined) console.log(header);
  for (const row of wanted) {
    const measured = await measure(row, { gateway, flood, otherServer, ms: 1000 * seconds }, rounds);
    if (json === undefined) print(measured);
    else console.log(JSON.stringify(measured));
  }
} finally {
  await gateway?.stop();
  flood.stop();
}
