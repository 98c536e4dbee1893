import type { FaultKeys } from './fault-keys.ts';
import type { Finding } from './finding.ts';
import { Ranking } from './ranking.ts';
import { truncateFix, truncateText } from './report-texts.ts';
import type { Example, LeftOut, RetriedTotal } from './summary-report.ts';

/** Kinds that are counted separately, and those of them in a report. */
const [countedMax, reportedMax] = [1000, 20];

type Growing<T> = { -readonly [K in keyof T]: T[K] };

/** Totals of failed attempts whose request was answered all the same, by cause and upstream. */
export class RetriedFailures {
  readonly #totals = new Ranking<Growing<RetriedTotal>>(countedMax);

  add(finding: Finding, keys: FaultKeys, example: Example | null): void {
    const total = this.#totals.count(keyOf(keys), () => totalOf(finding, keys));
    if (total === null) return;
    total.example ??= example;
    if (finding.atMs === null) return;
    total.firstMs = Math.min(total.firstMs ?? finding.atMs, finding.atMs);
    total.lastMs = Math.max(total.lastMs ?? finding.atMs, finding.atMs);
  }

  /** A later line says that the request failed. */
  remove(keys: FaultKeys): void {
    this.#totals.uncount(keyOf(keys));
  }

  get report(): { readonly top: readonly RetriedTotal[]; readonly leftOut: LeftOut } {
    return this.#totals.top(reportedMax);
  }
}

const keyOf = ({ cause, endpoint }: FaultKeys): string => `${cause} ${endpoint}`;

function totalOf(finding: Finding, { endpoint }: FaultKeys): Growing<RetriedTotal> {
  const { gateway, shape, type, stage, sentence, fix } = finding;
  return {
    gateway,
    upstream: endpoint,
    shape,
    type,
    stage,
    sentence: truncateText(sentence),
    fix: truncateFix(fix),
    count: 0,
    firstMs: null,
    lastMs: null,
    example: null,
  };
}
