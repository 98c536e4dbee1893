import type { Finding } from './finding.ts';
import type { LineParties } from './line-parties.ts';
import { TwoGenerations } from './two-generations.ts';

/** Failures whose copies are recognised: at least this many, and at most twice as many. */
const failuresMin = 20_000;

/**
 * Recognises lines that two of the logs have: a file and its compressed copy, a file and the journal. Lines with the
 * number of a connection or with a request id are copies if all their facts agree. Other lines may be equal by chance, as
 * when a load balancer checks two gateways in the same second: they are copies only in logs that begin with the same lines.
 */
export class CopiedLines {
  readonly #counts = new TwoGenerations<string, Map<string, number>>(failuresMin);
  readonly #sameLogs: ReadonlyMap<string, number>;

  /** By name: logs with the same number begin with the same lines. */
  constructor(sameLogs: ReadonlyMap<string, number>) {
    this.#sameLogs = sameLogs;
  }

  /** The n-th line with these facts is a copy if another log has had n of them. */
  isCopy(finding: Finding, { client }: LineParties, file: string): boolean {
    const { gateway, joins, atMs, request, upstream, shape, type, status, durationMs, evidence } = finding;
    const identity = joins ?? this.#sameLogs.get(file);
    if (identity === undefined || atMs === null) return false;
    const key = `${gateway} ${identity} ${atMs} ${client} ${request} ${upstream} ${shape} ${type} ${status} ${durationMs} ${evidence[0]}`;
    const counts = this.#counts.get(key);
    if (counts === undefined) {
      this.#counts.set(key, new Map([[file, 1]]));
      return false;
    }
    const count = (counts.get(file) ?? 0) + 1;
    counts.set(file, count);
    for (const [other, most] of counts) if (other !== file && most >= count) return true;
    return false;
  }
}

/** More lines are not compared. */
const comparedMax = 50;

/** Fewer lines in common may be chance. */
const comparedMin = 5;

/** By index: the number of the first log that begins with the same lines; logs without such a one are left out. */
export function logsWithSameBeginning(beginnings: readonly string[]): ReadonlyMap<number, number> {
  const same = new Map<number, number>();
  const lines = beginnings.map((text) => text.split(/\r?\n/, comparedMax + 1).slice(0, -1));
  for (const [index, own] of lines.entries())
    for (let other = 0; other < index; other++) {
      if (!areSame(own, lines[other] ?? [])) continue;
      const first = same.get(other) ?? other;
      same.set(other, first);
      same.set(index, first);
      break;
    }
  return same;
}

/** Equal, or with what a collector of logs has written before one of them. */
function areSame(some: readonly string[], others: readonly string[]): boolean {
  const compared = Math.min(some.length, others.length);
  if (compared < comparedMin) return false;
  return some.slice(0, compared).every((line, index) => {
    const other = others[index] ?? '';
    return line !== '' && other !== '' && (line.endsWith(other) || other.endsWith(line));
  });
}
