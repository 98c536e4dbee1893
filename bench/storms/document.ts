import { titles } from '../report.ts';
import { judge, judgementText } from './criteria.ts';
import type { StormFigures } from './figures.ts';
import { failedPlot, secondsPlots } from './plots.ts';
import type { StormRow } from './results.ts';
import { type Storm, storms } from './storms.ts';
import { cellsOf } from './table.ts';

const head = [
  ...['storm', 'gateway', 'failed', 'POSTs among them', 'wrong', 'twice'],
  ...['p99 ms', 'until well', 'with Retry-After'],
];

interface Circumstances {
  readonly machine: string;
  readonly versions: readonly string[];
}

/** The section with what was asked of each storm, and what became of it. */
export function stormSection(rows: readonly StormRow[], circumstances: Circumstances): string[] {
  const measured = storms.filter(({ name }) => rows.some(({ storm }) => storm === name));
  const text = `## While origins restart, fail, disappear or have too much to do

Measured by \`npm run bench:storms\` (${circumstancesText(rows, circumstances)}). Each gateway has the same limits of time, a health check each
second where it has checks, retries of what may be repeated, and what it has against origins that fail: [the configurations](../bench/storms/configurations.md), and
where they differ between storms. Load, gateway and origins share the machine. The load is sent at a fixed rate, a third of it POSTs, and timed from when each request was due.

*failed*: requests without a complete 200. *wrong*: statuses that do not say what happened, and bodies that belong to another request.
*twice*: POSTs that an origin executed although it, or another one, had executed them before. *p99*: of requests that went well. *until well*: from the beginning of trouble to the last failure; after
the outage, until as many requests a second go well as before. *with Retry-After*: of the 503 and 429 of the gateway itself.

Each row is one run; failures that depend on a moment differ by some from run to run.${disturbedText(rows)}

![Failed requests in each storm](../bench/storms/failed.svg)

![What became of the requests of each second, by storm and gateway](../bench/storms/seconds.svg)

| storm | what happens | asked of Candor | Candor |
| --- | --- | --- | --- |
${measured.map((storm) => askedRow(storm, rows)).join('\n')}

[figures.tsv](../bench/storms/figures.tsv) has the figures of each gateway in each storm.

What other gateways do better than Candor:

${measured.flatMap((storm) => betterLine(storm, rows)).join('\n')}`;
  return text.split('\n');
}

/** Figures and plots by the names of their files. */
export function stormFiles(rows: readonly StormRow[]): Readonly<Record<string, string>> {
  const figures = storms.flatMap((storm) => figureRows(storm, rows));
  return {
    'figures.tsv': [head, ...figures].map((cells) => `${cells.join('\t')}\n`).join(''),
    'failed.svg': failedPlot(rows),
    'seconds.svg': secondsPlots(rows),
  };
}

function circumstancesText(rows: readonly StormRow[], { machine, versions }: Circumstances): string {
  const several = (all: readonly string[]): string => [...new Set(all)].toSorted().join(' and ');
  const dates = several(rows.map(({ at }) => at.slice(0, 10)));
  const revisions = several(rows.filter(({ gateway }) => gateway === 'candor').map(({ revision }) => revision));
  const scales = several(rows.map(({ scale }) => `${Math.round(scale * 100)} %`));
  const part = scales === '100 %' ? '' : `, with ${scales} of the requests and clients`;
  return `${dates}, ${machine}${part}; Candor ${revisions}, ${versions.join(', ')}`;
}

function disturbedText(rows: readonly StormRow[]): string {
  if (rows.every(({ disturbed }) => disturbed === null)) return '';
  return ' Rows with † were measured while other programs, or other machines of the same host, took more than a tenth of the processor.';
}

/** Of the figures those that say most; `npm run bench:storms` prints all. */
function columnsOf(row: StormRow): string[] {
  return cellsOf(row).filter((_, index) => ![4, 5, 6].includes(index));
}

const rowsOf = ({ name }: Storm, all: readonly StormRow[]): StormRow[] => all.filter(({ storm }) => storm === name);

function figureRows(storm: Storm, all: readonly StormRow[]): string[][] {
  return rowsOf(storm, all).map((row) => {
    const gateway = `${titles[row.gateway]}${row.disturbed === null ? '' : ' †'}`;
    return [storm.name, gateway, ...columnsOf(row)];
  });
}

function betterLine(storm: Storm, all: readonly StormRow[]): string[] {
  const better = betterElsewhere(rowsOf(storm, all));
  return better.length === 0 ? [] : [`- ${storm.name}: ${better.join('; ')}`];
}

function askedRow(storm: Storm, all: readonly StormRow[]): string {
  const { name, title, asked } = storm;
  const candor = rowsOf(storm, all).find(({ gateway }) => gateway === 'candor');
  const verdict = candor === undefined || asked.length === 0 ? '' : judgementText(judge(asked, candor));
  return `| ${name} | ${title} | ${asked.map((one) => one.asked).join('; ')} | ${verdict} |`;
}

interface Measure {
  readonly what: string;
  readonly of: (figures: StormFigures) => number | null;
  /** A smaller difference, absolute and as a part of Candor's, is a tie. */
  readonly tie: number;
  readonly share: number;
  readonly unit?: string;
  /** Says nothing of a gateway that failed more: it did less. */
  readonly needsFewerFailures?: true;
}

const recovery = ({ fullAgainMs, recoveredMs }: StormFigures): number | null => {
  const recovered = fullAgainMs ?? recoveredMs;
  return recovered === 'never' ? Infinity : recovered;
};

/** Less is better. */
const measures: readonly Measure[] = [
  { what: 'failed requests', of: ({ requests, ok }) => requests - ok, tie: 1, share: 0.02 },
  { what: 'wrong statuses', of: ({ wrongStatuses }) => wrongStatuses, tie: 0, share: 0 },
  { what: 'POSTs executed twice', of: ({ executedTwice }) => executedTwice, tie: 0, share: 0 },
  {
    what: 'attempts per request',
    of: ({ amplification }) => amplification,
    tie: 0.03,
    share: 0,
    needsFewerFailures: true,
  },
  { what: 'p99', of: ({ p99Ms }) => p99Ms, tie: 10, share: 0.2, unit: ' ms' },
  { what: 'time until well', of: recovery, tie: 200, share: 0.1, unit: ' ms' },
];

/** What others do better, beyond what one run can tell apart: "HAProxy in p99 (48 ms, Candor 90 ms)". */
export function betterElsewhere(rows: readonly StormRow[]): string[] {
  const candor = rows.find(({ gateway }) => gateway === 'candor');
  if (candor === undefined) return [];
  return rows
    .filter(({ gateway }) => gateway !== 'candor')
    .flatMap((row) => {
      const said = measures.flatMap((measure) => comparedText(measure, row, candor));
      return said.length === 0 ? [] : [`${titles[row.gateway]} in ${said.join(', ')}`];
    });
}

function comparedText(measure: Measure, row: StormRow, candor: StormRow): string[] {
  const { what, of, tie, share, unit = '', needsFewerFailures } = measure;
  if (needsFewerFailures && row.requests - row.ok > candor.requests - candor.ok) return [];
  const [theirs, ours] = [of(row), of(candor)];
  if (theirs === null || ours === null) return [];
  if (!(ours - theirs > Math.max(tie, Number.isFinite(ours) ? ours * share : 0))) return [];
  const text = (value: number): string =>
    value === Infinity ? 'never' : `${Number.isInteger(value) ? value : value.toFixed(value < 10 ? 2 : 0)}${unit}`;
  return [`${what} (${text(theirs)}, Candor ${text(ours)})`];
}
