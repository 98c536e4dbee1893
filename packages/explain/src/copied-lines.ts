import type { Finding } from './finding.ts';
import type { LineParties } from './line-parties.ts';
import { TwoGenerations } from './joined-failures.ts';
import { unwrap } from './wrappers/unwrap.ts';

/** Failures whose copies are recognised: at least this many, and at most twice as many. */
const failuresMin = 20_000;

/** A line with what tells it apart from equal lines of other logs. */
interface ComparedLine {
  readonly finding: Finding;
  readonly parties: LineParties;
  readonly identity: string | number;
  readonly file: string;
}

/** The first log with lines of a format, and these lines; null once a second log has some. */
interface FirstLog {
  readonly file: string;
  lines: ComparedLine[] | null;
}

/**
 * Recognises lines that two of the logs have: a file and its compressed copy, a file and the journal. Lines with the
 * number of a connection or with a request id are copies if all their facts agree. Other lines may be equal by chance, as
 * when a load balancer checks two gateways in the same second: they are copies only in logs that begin with the same lines.
 */
export class CopiedLines {
  readonly #counts = new TwoGenerations<string, Map<string, number>>(failuresMin);
  readonly #firsts = new Map<string, FirstLog>();
  readonly #sameLogs: ReadonlyMap<string, number>;

  /** By name: logs with the same number begin with the same lines. */
  constructor(sameLogs: ReadonlyMap<string, number>) {
    this.#sameLogs = sameLogs;
  }

  /**
   * The n-th line with these facts is a copy if another log has had n of them. Lines with a number are compared only once a
   * second log has lines of their format: until then, nothing can be a copy of them.
   */
  isCopy(finding: Finding, parties: LineParties, file: string): boolean {
    const { joins, atMs, format } = finding;
    const identity = joins ?? this.#sameLogs.get(file);
    if (identity === undefined || atMs === null) return false;
    if (joins === null) return this.#isCounted({ finding, parties, identity, file });
    const first = this.#firsts.get(format);
    if (first === undefined) this.#firsts.set(format, { file, lines: [{ finding, parties, identity, file }] });
    else if (first.lines !== null && first.file === file) keepLine(first.lines, { finding, parties, identity, file });
    else {
      for (const line of first.lines ?? []) this.#isCounted(line);
      first.lines = null;
      return this.#isCounted({ finding, parties, identity, file });
    }
    return false;
  }

  #isCounted({ finding, parties, identity, file }: ComparedLine): boolean {
    const { gateway, atMs, request, upstream, shape, type, status, durationMs, evidence } = finding;
    const key = `${gateway} ${identity} ${atMs} ${parties.client} ${request} ${upstream} ${shape} ${type} ${status} ${durationMs} ${evidence[0]}`;
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

function keepLine(lines: ComparedLine[], line: ComparedLine): void {
  lines.push(line);
  if (lines.length >= failuresMin * 2) lines.splice(0, failuresMin);
}

/** More lines are not compared. */
const comparedMax = 50;

/** Fewer lines in common may be chance. */
const comparedMin = 5;

/** By index: the number of the first log that begins with the same lines; logs without such a one are left out. */
export function logsWithSameBeginning(beginnings: readonly string[]): ReadonlyMap<number, number> {
  const same = new Map<number, number>();
  const lines = beginnings.map((text) =>
    text
      .split(/\r?\n/, comparedMax + 1)
      .slice(0, -1)
      .map(innermost),
  );
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

/** Without what a collector of logs has put around it: Docker's JSON quotes the line. */
function innermost(line: string): string {
  const [inner] = unwrap(line.length > unwrappedMax ? line.slice(0, unwrappedMax) : line);
  return (inner?.line ?? line).trimEnd();
}

const unwrappedMax = 4096;

/** Equal, or with what a collector of logs has written before one of them. */
function areSame(some: readonly string[], others: readonly string[]): boolean {
  const compared = Math.min(some.length, others.length);
  if (compared < comparedMin) return false;
  return some.slice(0, compared).every((line, index) => {
    const other = others[index] ?? '';
    return line !== '' && other !== '' && (line.endsWith(other) || other.endsWith(line));
  });
}
