import type { Finding } from './finding.ts';
import type { Example } from './summary-report.ts';

/** A failure that was counted, with the lines about it since then. */
export interface ReportedFailure {
  finding: Finding;
  readonly example: Example;
  /** The upstream and failure of each of its lines. A line that repeats one of them belongs to another failure. */
  readonly said: Set<string>;
}

/** Lines of one failure are written within this time. */
const windowMs = 10_000;

/** For lines without a time: at most this many lines lie between two lines of one failure. */
const windowLines = 1000;

/** Failures that are remembered: at least this many, and at most twice as many. Ten seconds at a thousand a second. */
const failuresMin = 10_000;

/** Different lines about one failure: more than the endpoints of a large upstream. */
const saidMax = 32;

/** Finds the failure that an earlier line has reported already: by `joins`, by the request, and by what the line adds. */
export class JoinedFailures {
  #reported = new Map<string, ReportedFailure>();
  #reportedBefore = new Map<string, ReportedFailure>();

  /** Null if the line reports a new failure, which is then remembered. */
  find(finding: Finding, example: Example): ReportedFailure | null {
    if (finding.joins === null) return null;
    const key = `${finding.gateway} ${finding.joins}`;
    const earlier = this.#reported.get(key) ?? this.#reportedBefore.get(key);
    const saying = `${finding.upstream} ${finding.shape} ${finding.type} ${finding.stage} ${finding.evidence[0]}`;
    if (earlier !== undefined && isSame(earlier, finding, example) && !earlier.said.has(saying)) {
      if (earlier.said.size < saidMax) earlier.said.add(saying);
      return earlier;
    }
    this.#reported.set(key, { finding, example, said: new Set([saying]) });
    if (this.#reported.size >= failuresMin) {
      this.#reportedBefore = this.#reported;
      this.#reported = new Map();
    }
    return null;
  }
}

function isSame(earlier: ReportedFailure, finding: Finding, example: Example): boolean {
  const { finding: before } = earlier;
  if (before.request !== null && finding.request !== null && before.request !== finding.request) return false;
  if (certaintyOf(before) === 3 && certaintyOf(finding) === 3 && before.shape !== finding.shape) return false;
  if (before.atMs === null || finding.atMs === null) return example.line - earlier.example.line <= windowLines;
  return Math.abs(finding.atMs - before.atMs) <= windowMs;
}

/** How much a finding knows of the cause. Of the lines of one failure, the one that knows most is counted. */
export function certaintyOf({ shape, isConsequence }: Pick<Finding, 'shape' | 'isConsequence'>): 0 | 1 | 2 | 3 {
  if (isConsequence) return 0;
  if (shape === 'unknown') return 1;
  return shape === 'app_error' ? 2 : 3;
}
