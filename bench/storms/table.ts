import { judge, judgementText } from './criteria.ts';
import type { StormFigures } from './figures.ts';
import type { StormRow } from './results.ts';
import type { Storm } from './storms.ts';

const columns = ['failed', 'POSTs', 'wrong', 'twice', 'att/req', 'good/s', 'p50', 'p99', 'recover', 'told'] as const;
const widths = [13, 5, 5, 5, 7, 6, 4, 5, 7, 6];
const nameWidth = 7;

/** The figures of a storm, a line for each gateway and one for the kinds of its failures, in 80 columns. */
export function stormTable(storm: Storm, rows: readonly StormRow[]): string {
  const head = lineOf('', columns);
  const lines = rows.flatMap((row) => {
    const disturbed = row.disturbed === null ? [] : [`${indent}disturbed: ${row.disturbed}`];
    return [lineOf(row.gateway, cellsOf(row)), ...kindLines(row), ...disturbed];
  });
  return [`${storm.name}: ${storm.title}`, head, ...lines, ...verdictLines(storm, rows)].flatMap(wrapped).join('\n');
}

function lineOf(name: string, cells: readonly string[]): string {
  return [name.padEnd(nameWidth), ...cells.map((cell, index) => cell.padStart(widths[index] as number))].join(' ');
}

function verdictLines(storm: Storm, rows: readonly StormRow[]): string[] {
  if (storm.asked.length === 0) return [];
  const candor = rows.find(({ gateway }) => gateway === 'candor');
  const verdict = candor === undefined ? [] : [`Candor: ${judgementText(judge(storm.asked, candor))}`];
  return [`asked: ${storm.asked.map(({ asked }) => asked).join('; ')}`, ...verdict];
}

/** In the order of `columns`. */
export function cellsOf(one: StormFigures): string[] {
  const failed = one.requests - one.ok;
  return [
    `${failed} (${((100 * failed) / one.requests).toFixed(1)}%)`,
    String(failed - one.failedGets),
    String(one.wrongStatuses),
    String(one.executedTwice),
    one.amplification.toFixed(2),
    one.goodPerSecond.toFixed(0),
    one.p50Ms.toFixed(0),
    one.p99Ms.toFixed(0),
    recoveredText(one),
    toldText(one),
  ];
}

function toldText({ refusals, refusalsWithRetryAfter }: StormFigures): string {
  if (refusals === 0) return '-';
  if (refusalsWithRetryAfter === refusals) return 'all';
  return refusalsWithRetryAfter === 0 ? 'none' : `${refusalsWithRetryAfter}/${refusals}`;
}

function recoveredText({ fullAgainMs, recoveredMs }: StormFigures): string {
  const recovered = fullAgainMs ?? recoveredMs;
  if (recovered === null) return '-';
  return recovered === 'never' ? recovered : `${(recovered / 1000).toFixed(2)}s`;
}

const indent = ' '.repeat(10);

/** Failures by kind, and of Candor the causes that it names. */
function kindLines({ failures, causes }: StormFigures): string[] {
  return [failures, causes].flatMap((counts) => {
    const text = Object.entries(counts).map(([kind, count]) => `${kind}: ${count}`);
    return text.length === 0 ? [] : [indent + text.join(', ')];
  });
}

/** Lines of at most 80 columns, with the indent of the first. */
function wrapped(line: string): string[] {
  const before = ' '.repeat(line.length - line.trimStart().length);
  const lines: string[] = [];
  let text = line;
  while (text.length > 80) {
    const at = text.lastIndexOf(' ', 80);
    lines.push(text.slice(0, at));
    text = before + text.slice(at + 1);
  }
  return [...lines, text];
}

export const legend = `failed: requests without a complete 200; POSTs: how many of them are POSTs.
wrong: statuses that do not say what happened, or bodies of other requests.
twice: POSTs that were executed twice. att/req: requests and refused
connections at origins, per request of a client. p50, p99: milliseconds, of
requests that went well, from when they were due. recover: from the beginning of
trouble to the last failure; after an outage, until as many as before go well.
told: refusals (503, 429) with Retry-After, of all refusals.`;
