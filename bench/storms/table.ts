import type { StormFigures } from './figures.ts';
import type { Storm } from './storms.ts';

const columns = ['failed', 'wrong', 'twice', 'att/req', 'good/s', 'p50 ms', 'p99 ms', 'recover', 'told'] as const;
const widths = [14, 6, 6, 8, 7, 7, 7, 8, 9];
const nameWidth = 8;

/** The figures of a storm, a line for each gateway and one for the kinds of its failures, in 80 columns. */
export function stormTable(storm: Storm, figures: readonly StormFigures[]): string {
  const head = ''.padEnd(nameWidth) + columns.map((name, index) => name.padStart(widths[index] as number)).join('');
  const rows = figures.flatMap((one) => {
    const cells = cellsOf(one).map((cell, index) => cell.padStart(widths[index] as number));
    return [one.gateway.padEnd(nameWidth) + cells.join(''), ...kindLines(one)];
  });
  const candor = figures.find(({ gateway }) => gateway === 'candor');
  const verdict = candor === undefined ? [] : [`Candor: ${storm.isMet(candor) ? 'met' : 'missed'}`];
  return [`${storm.name}: ${storm.title}`, head, ...rows, `asked: ${storm.asked}`, ...verdict].join('\n');
}

/** In the order of `columns`. */
export function cellsOf(one: StormFigures): string[] {
  const failed = one.requests - one.ok;
  const recovered = one.fullAgainMs ?? one.recoveredMs;
  return [
    `${failed} (${((100 * failed) / one.requests).toFixed(1)}%)`,
    String(one.wrongStatuses),
    String(one.executedTwice),
    one.amplification.toFixed(2),
    one.goodPerSecond.toFixed(0),
    one.p50Ms.toFixed(0),
    one.p99Ms.toFixed(0),
    recovered === null ? 'never' : `${(recovered / 1000).toFixed(2)}s`,
    one.refusals === 0 ? '-' : `${one.refusalsWithRetryAfter}/${one.refusals}`,
  ];
}

const indent = ' '.repeat(10);

/** Failures by kind, and of Candor the causes that it names: lines of at most 80 columns. */
function kindLines({ failures, causes }: StormFigures): string[] {
  return [failures, causes].flatMap((counts) => {
    const lines: string[] = [];
    for (const [kind, count] of Object.entries(counts)) {
      const text = `${kind}: ${count}`;
      const longer = `${lines.at(-1) ?? ''}, ${text}`;
      if (lines.length > 0 && longer.length <= 80) lines[lines.length - 1] = longer;
      else lines.push(indent + text);
    }
    return lines;
  });
}

export const legend = `failed: requests without a complete 200. wrong: statuses that do not say what
happened, or bodies of other requests. twice: POSTs that were executed twice.
att/req: requests and refused connections at origins, per request of a client.
p50, p99: of those that went well, from when they were due. recover: from the
beginning of trouble to the last failure; after an outage, until as many as
before go well. told: refusals (503, 429) with Retry-After, of all refusals.`;
