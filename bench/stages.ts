import { cpus } from 'node:os';
import { allocatedBy, type AllocationSite, allocationSites } from './allocation-sites.ts';
import { optionsOr, wholeNumber } from './options.ts';
import { newHeadWorks, stageWorks, type StageWork, wholeWork } from './stage-works.ts';

const usage = `usage: npm run bench:stages -- [options]

What each stage of a small GET costs in JavaScript, in µs of CPU. Each is run
by itself, in a loop, with the functions that an exchange runs, and the whole
beside them; all take turns, round by round, so that what else the machine does
falls on all of them.

  --allocation  tells instead where an exchange allocates, and how much
  --rounds <n>  how often each has its turn (25)
  --times <n>   how often it runs then (4096)
  --help

example: npm run bench:stages -- --rounds 9
`;

const { rounds, times, ...wanted } = optionsOr(
  usage,
  {
    allocation: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '25' },
    times: { type: 'string', default: '4096' },
  },
  (values) => ({
    ...values,
    rounds: wholeNumber(values.rounds, '--rounds'),
    times: wholeNumber(values.times, '--times'),
  }),
);

/** Microseconds of each round, in ascending order. */
interface Measured {
  readonly name: string;
  readonly what: string;
  readonly rounds: readonly number[];
}

/** The stages and the whole exchange, and then the cost of new heads. */
function measureStages(): { readonly stages: readonly Measured[]; readonly beside: readonly Measured[] } {
  const gets = wholeWork();
  const newGets = wholeWork('new');
  const stages = stageWorks().map(turnOf);
  stages.push({ name: 'the whole', what: 'client to endpoint and back', run: () => gets.play(times) });
  const beside = newHeadWorks().map(turnOf);
  beside.push({
    name: 'the whole with such heads',
    what: 'not part of the total above',
    run: () => newGets.play(times),
  });
  const measured = measureTurns([...stages, ...beside]);
  return { stages: measured.slice(0, stages.length), beside: measured.slice(stages.length) };
}

function measureTurns(turns: readonly Turn[]): readonly Measured[] {
  const measured = turns.map(({ name, what }) => ({ name, what, rounds: [] as number[] }));
  for (let warm = 0; warm < 8; warm++) for (const { run } of turns) run();
  for (let round = 0; round < rounds; round++) {
    for (const [index, { run }] of turns.entries()) measured[index]?.rounds.push(timed(run));
  }
  return measured.map(({ rounds: taken, ...rest }) => ({ ...rest, rounds: taken.toSorted((a, b) => a - b) }));
}

interface Turn {
  readonly name: string;
  readonly what: string;
  readonly run: () => number;
}

function turnOf({ name, what, once }: StageWork): Turn {
  const run = (): number => {
    for (let index = 0; index < times; index++) once(index);
    return times;
  };
  return { name, what, run };
}

/** Microseconds of CPU: on a shared machine, elapsed time also contains the time of other programs. */
function timed(run: () => number): number {
  const before = process.cpuUsage();
  const count = run();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / count;
}

function stagesText({ stages, beside }: ReturnType<typeof measureStages>): string {
  const whole = stages.at(-1) as Measured;
  const total = quantile(whole, 0.5);
  const parts = stages.slice(0, -1);
  const rest = total - parts.reduce((sum, stage) => sum + quantile(stage, 0.5), 0);
  const share = `${Math.round((100 * rest) / total)} %`;
  return [
    '| stage | what it comprises | µs of CPU, median | quartiles | share |',
    '|---|---|---|---|---|',
    ...parts.map((stage) => rowOf(stage, total)),
    `| the rest of the exchange | its own steps and objects, body, sending | ${rest.toFixed(2)} | | ${share} |`,
    rowOf(whole, total),
    ...beside.map((one) => rowOf(one, null)),
    '',
    `Measured on ${new Date().toISOString().slice(0, 10)}: ${cpus()[0]?.model ?? 'unknown'}, ${cpus().length} cores, Node ${process.version}.`,
    `Each stage by itself in a loop, ${rounds} rounds of ${times}.`,
  ].join('\n');
}

/** `total`: the figure of which this is a share; null if it is none. */
function rowOf(measured: Measured, total: number | null): string {
  const { name, what } = measured;
  const [low, middle, high] = [0.25, 0.5, 0.75].map((part) => quantile(measured, part)) as [number, number, number];
  const quartiles = `${low.toFixed(2)} to ${high.toFixed(2)}`;
  const share = total === null ? '' : `${Math.round((100 * middle) / total)} %`;
  return `| ${name} | ${what} | ${middle.toFixed(2)} | ${quartiles} | ${share} |`;
}

function quantile({ rounds: taken }: Measured, part: number): number {
  return taken[Math.floor(part * (taken.length - 1))] ?? 0;
}

/** Sites below this are omitted. */
const bytesMin = 4;

function allocationText(): string {
  const gets = wholeWork();
  gets.play(60_000);
  const runs = Array.from({ length: 9 }, () => allocatedBy(() => void gets.play(times)) / times);
  const median = runs.toSorted((a, b) => a - b)[4] ?? 0;
  let played = 0;
  const sites = allocationSites(() => (played = gets.play(6400)));
  const lines = sites.filter(({ bytes }) => bytes / played >= bytesMin).map((site) => siteText(site, played));
  return [`${median.toFixed(0)} bytes for each exchange; by function, and in which pieces:`, ...lines].join('\n');
}

function siteText({ place, bytes, pieces }: AllocationSite, played: number): string {
  const some = pieces
    .filter(({ count }) => count / played >= 0.05)
    .slice(0, 6)
    .map((piece) => `${(piece.count / played).toFixed(1)} × ${piece.bytes}`);
  return `${(bytes / played).toFixed(0).padStart(6)}  ${place}  (${some.join(', ')})`;
}

console.log(wanted.allocation ? allocationText() : stagesText(measureStages()));
process.exit(0);
