import type { EvidenceWeights } from '../src/policy/evidence-streams.ts';
import {
  type EqualRelease,
  isCalledBad,
  type NextRelease,
  requestsUntilBad,
  requestsUntilSuspicious,
  type WorseRelease,
} from './judge-simulations.ts';
import { optionsOr, wholeNumber } from './options.ts';
import { median } from './statistics.ts';

const usage = `usage: npm run bench:judge -- [options]

How soon the judge of releases finds a worse one, and how many of those that are
no worse it calls bad: simulated, with seeds.

  --runs <n> (1000)   of each simulation
  --seed <text> (1)   another one gives other runs
  --json
  --help

Exits with 1 if a figure is missed, and with 2 for a usage error.

example: npm run bench:judge -- --runs 200
`;

const asked = optionsOr(
  usage,
  {
    runs: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
  ({ runs, seed, json }) => ({ runs: wholeNumber(runs, '--runs'), seed, asJson: json }),
);

/** All kinds alike, and half of the evidence for the routes. */
const kindsAlike = { error: 0, failure: 1 / 6, server_error: 1 / 6, late: 1 / 6 };
const weightsAlike: EvidenceWeights = { overall: kindsAlike, routes: kindsAlike };

const tenfold = { oldErrors: 0.001, freshErrors: 0.01, requestsMax: 1500 };
const halfFails = { share: 0.05, oldErrors: 0.001, freshErrors: 0.5, requestsMax: 1500 };
const oneRoute = { ...tenfold, routes: 20, oneRoute: true, requestsMax: 100_000 };

interface WorseCase extends WorseRelease {
  readonly what: string;
  /** Of all runs, and requests of the new release at p90; absent: no aim. */
  readonly foundMin?: number;
  readonly p90Max?: number;
}

const worse: readonly WorseCase[] = [
  { what: '50 % errors at 5 %, 20 routes', ...halfFails, routes: 20, foundMin: 1, p90Max: 15 },
  { what: '50 % errors at 5 %, 1 route', ...halfFails, routes: 1, foundMin: 1, p90Max: 15 },
  { what: '0.1 → 1 % at 5 %, 20 routes', ...tenfold, routes: 20, share: 0.05, foundMin: 0.95 },
  { what: '0.1 → 1 % at 5 %, 1 route', ...tenfold, routes: 1, share: 0.05, foundMin: 0.95 },
  { what: '0.1 → 1 % at 50 %, 20 routes', ...tenfold, routes: 20, share: 0.5, foundMin: 0.7 },
  { what: '0.1 → 1 % at 50 %, 1 route', ...tenfold, routes: 1, share: 0.5, foundMin: 0.7 },
  { what: '0.1 → 1 % at 25 %, 20 routes', ...tenfold, routes: 20, share: 0.25 },
  { what: '0.1 → 1 % on 1 of 20 routes, at 5 %', ...oneRoute, share: 0.05 },
  { what: '0.1 → 1 % on 1 of 20 routes, at 50 %', ...oneRoute, share: 0.5 },
  { what: 'weights alike: 50 % errors at 5 %', ...halfFails, routes: 20, weights: weightsAlike },
  { what: 'weights alike: 0.1 → 1 % at 5 %', ...tenfold, routes: 20, share: 0.05, weights: weightsAlike },
  { what: 'weights alike: 0.1 → 1 % at 50 %', ...tenfold, routes: 20, share: 0.5, weights: weightsAlike },
  { what: 'weights alike: 1 of 20 routes, at 50 %', ...oneRoute, share: 0.5, weights: weightsAlike },
];

const steps = [
  { share: 0.05, seconds: 120 },
  { share: 0.25, seconds: 60 },
  { share: 0.5, seconds: 120 },
];
const atOnce = [{ share: 0.5, seconds: 300 }];
const cold = { routes: 20, perS: 100, steps, coldTimes: 20 };
const outage = { atS: 60, seconds: 10, share: 0.3 };

interface EqualCase extends EqualRelease {
  readonly what: string;
  /** Of all runs. */
  readonly badMax?: number;
}

const equal: readonly EqualCase[] = [
  {
    what: 'equal: cold start, a retrying client, twice the rate, both fail',
    ...{ ...cold, doublesAtS: 150, outage, retryingAtS: 30, badMax: 0.01 },
  },
  { what: 'equal: the same, sticky', ...cold, doublesAtS: 150, outage, retryingAtS: 30, isSticky: true, badMax: 0.01 },
  { what: 'equal: cold start, 50 % at once', ...cold, steps: atOnce, badMax: 0.01 },
  { what: 'equal: each instance stalls every 15 s', ...cold, stallsS: 15, badMax: 0.01 },
  { what: 'equal: stalls every 10 s, 50 % at once', ...cold, steps: atOnce, stallsS: 10 },
];

const atOnceAll = { routes: 10, requestsBefore: 60_000, requestsMax: 20_000 };

const next: readonly (NextRelease & { readonly what: string; readonly badMax?: number })[] = [
  { what: 'after: 0 → 1 % on 1 of 10 routes', ...atOnceAll, oldErrors: 0, freshErrors: 0.01, oneRoute: true },
  { what: 'after: 0.1 → 1 %', ...atOnceAll, oldErrors: 0.001, freshErrors: 0.01 },
  { what: 'after: 0.1 % as before', ...atOnceAll, oldErrors: 0.001, freshErrors: 0.001, badMax: 0.05 },
];

interface Row {
  readonly what: string;
  readonly runs: number;
  readonly bad: number;
  readonly median: number | null;
  readonly p90: number | null;
  readonly aim: string;
  readonly isMissed: boolean;
}

const percent = (share: number): string => `${Math.round(share * 1000) / 10} %`;
const finite = (value: number | undefined): number | null => (Number.isFinite(value) ? (value as number) : null);

function worseRow({ what, foundMin = 0, p90Max = Infinity, ...release }: WorseCase): Row {
  const figures = figuresOf(runs(what, (seed) => requestsUntilBad(release, seed)));
  const found = foundMin === 0 ? '' : `≥ ${percent(foundMin)}`;
  return {
    ...{ what, runs: asked.runs, ...figures, aim: p90Max === Infinity ? found : `p90 ≤ ${p90Max}` },
    isMissed: figures.bad < foundMin * asked.runs || (p90Max < Infinity && (figures.p90 ?? Infinity) > p90Max),
  };
}

function nextRow({ what, badMax = 1, ...release }: (typeof next)[number]): Row {
  const figures = figuresOf(runs(what, (seed) => requestsUntilSuspicious(release, seed)));
  const aim = badMax === 1 ? '' : `≤ ${percent(badMax)}`;
  return { ...{ what, runs: asked.runs, ...figures, aim }, isMissed: figures.bad > badMax * asked.runs };
}

function figuresOf(counts: readonly number[]): Pick<Row, 'bad' | 'median' | 'p90'> {
  const requests = counts.toSorted((a, b) => a - b);
  const p90 = requests[Math.ceil(0.9 * requests.length) - 1];
  return { bad: requests.filter(Number.isFinite).length, median: finite(median(requests)), p90: finite(p90) };
}

function equalRow({ what, badMax, ...release }: EqualCase): Row {
  const bad = runs(what, (seed) => isCalledBad(release, seed)).filter(Boolean).length;
  const aim = badMax === undefined ? '' : `≤ ${percent(badMax)}`;
  const isMissed = badMax !== undefined && bad > badMax * asked.runs;
  return { ...{ what, runs: asked.runs, bad, median: null, p90: null, aim, isMissed } };
}

function runs<T>(what: string, run: (seed: string) => T): readonly T[] {
  const begun = process.hrtime.bigint();
  return Array.from({ length: asked.runs }, (_, at) => {
    const result = run(`${asked.seed}/${what}/${at}`);
    if ((at + 1) % Math.ceil(asked.runs / 10) === 0) {
      const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
      console.error(`${what}: ${at + 1} of ${asked.runs}, ${seconds.toFixed(0)} s`);
    }
    return result;
  });
}

const rows = [...worse.map(worseRow), ...next.map(nextRow), ...equal.map(equalRow)];
if (asked.asJson) console.log(JSON.stringify(rows));
else {
  console.log('| | bad, or suspicious | median | p90 | aim | |\n| --- | ---: | ---: | ---: | --- | --- |');
  for (const { what, bad, median: middle, p90, aim, isMissed } of rows) {
    const figures = [percent(bad / asked.runs), middle ?? '', p90 ?? '', aim];
    console.log(`| ${what} | ${figures.join(' | ')} | ${isMissed ? '**missed**' : aim === '' ? '' : 'met'} |`);
  }
}
process.exitCode = rows.some(({ isMissed }) => isMissed) ? 1 : 0;
