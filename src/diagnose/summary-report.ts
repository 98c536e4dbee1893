import type { ProxyErrorType } from '../core/proxy-error.ts';
import type { Whose } from '../core/shape.ts';
import type { Stage } from '../core/stage.ts';
import type { Born, FindingShape, Fix, GatewayProduct } from './finding.ts';

/**
 * What a whole log says: the content of `candor explain --json`, described in docs/explain/report.md. Plain values only, of a
 * bounded size whatever the log's; where a list was cut, a number beside it says how much was left out.
 */
export interface SummaryReport {
  /** Grows by one when a field changes its meaning or goes away. */
  readonly version: 2;
  /** `recognised` + `unrecognised` + `blank`. */
  readonly lines: number;
  readonly recognised: number;
  readonly unrecognised: number;
  /** Lines of nothing but white space. */
  readonly blank: number;
  /** Failures of a gateway's way to its application: what exit code 1 is for. A failure that several lines tell of counts once. */
  readonly failures: number;
  /** Lines that tell again of a failure that another line has told of, and are counted nowhere else. */
  readonly repeats: number;
  /** Failures that only follow from earlier ones (`no live upstreams`); a part of `failures`. */
  readonly consequences: number;
  readonly byGateway: readonly GatewayTotal[];
  /** Shapes that occurred, the most frequent first; `none` is not among them. */
  readonly byShape: readonly ShapeTotal[];
  readonly byCause: readonly CauseTotal[];
  /** Causes that `byCause` has no room for, and the failures that they stand for. */
  readonly causesLeftOut: LeftOut;
  readonly timeline: TimelineReport;
  readonly bursts: readonly FailureBurst[];
  readonly burstsLeftOut: LeftOut;
  /** Upstreams with the most failures. */
  readonly upstreams: readonly UpstreamTotal[];
  readonly upstreamsLeftOut: LeftOut;
  readonly suspects: readonly Suspect[];
  /** What to change in a log so that it can tell what it could not tell this time. */
  readonly hints: readonly Hint[];
  /** What gateways say of themselves and of their upstreams: health checks, ejections, restarts. */
  readonly events: readonly EventTotal[];
  readonly eventsLeftOut: LeftOut;
}

/** `kinds`: null where they were too many to be told apart; `count` is exact. */
export interface LeftOut {
  readonly kinds: number | null;
  readonly count: number;
}

export interface GatewayTotal {
  readonly gateway: GatewayProduct;
  readonly format: string;
  readonly lines: number;
  readonly access: number;
  readonly error: number;
  readonly event: number;
  readonly failures: number;
}

export interface ShapeTotal {
  readonly shape: FindingShape;
  readonly count: number;
}

export interface CauseTotal {
  readonly gateway: GatewayProduct;
  readonly shape: FindingShape;
  readonly type: ProxyErrorType | null;
  readonly stage: Stage | null;
  readonly born: Born | null;
  readonly whose: Whose | null;
  /** Of the first line of this cause. */
  readonly sentence: string;
  readonly evidence: readonly string[];
  readonly fix: Fix | null;
  readonly count: number;
  readonly isConsequence: boolean;
  /** The first lines that told of it. */
  readonly examples: readonly Example[];
}

/** `line` counts from 1; `text` is cut after 300 characters. */
export interface Example {
  readonly line: number;
  readonly text: string;
}

/** Equal intervals without gaps, at most 120, whatever the log's span. */
export interface TimelineReport {
  /** Milliseconds since the Unix epoch, of the earliest and the latest line; null where no line has a time. */
  readonly firstMs: number | null;
  readonly lastMs: number | null;
  readonly intervalMs: number;
  readonly intervals: readonly TimelineInterval[];
  /** Recognised lines without a time. */
  readonly undated: number;
}

export interface TimelineInterval {
  readonly startMs: number;
  /** Lines of every kind. */
  readonly lines: number;
  readonly failures: number;
  readonly appErrors: number;
  readonly clientAborts: number;
}

/** Failures of one kind that came close upon each other: at least 5, and never more than 60 s between two. */
export interface FailureBurst {
  readonly gateway: GatewayProduct;
  readonly upstream: string | null;
  readonly shape: FindingShape;
  readonly type: ProxyErrorType | null;
  readonly stage: Stage | null;
  readonly startMs: number;
  readonly endMs: number;
  /** Failures with a cause of their own. */
  readonly count: number;
  /** Failures that followed from these: the gateway had taken the endpoint out. */
  readonly consequences: number;
  /** Of both, over the time from start to end, at least a second. */
  readonly perMinute: number;
  /** The line that it began with. `isConsequence`: the cause itself is not in this log. */
  readonly root: FailureBurstRoot;
}

export interface FailureBurstRoot extends Example {
  readonly isConsequence: boolean;
  readonly sentence: string;
  readonly evidence: readonly string[];
  readonly fix: Fix | null;
}

export interface UpstreamTotal {
  readonly gateway: GatewayProduct;
  readonly upstream: string;
  readonly failures: number;
  /** The shape of most of them, and how many have it. */
  readonly shape: FindingShape;
  readonly ofThatShape: number;
  readonly firstMs: number | null;
  readonly lastMs: number | null;
}

export type SuspectName =
  | 'keep_alive_race'
  | 'saturation'
  | 'header_too_large'
  | 'wrong_address_or_port'
  | 'sni'
  | 'dns'
  | 'deploy';

/** A pattern that many lines make together, and that none of them proves alone. */
export interface Suspect {
  readonly name: SuspectName;
  /** The failures that point to it. */
  readonly count: number;
  /** One sentence: what it probably is. */
  readonly sentence: string;
  readonly evidence: readonly string[];
  readonly fix: Fix | null;
}

export interface Hint {
  readonly gateway: GatewayProduct;
  readonly format: string;
  /** Lines that went unexplained for want of it. */
  readonly count: number;
  readonly fix: Fix;
}

export interface EventTotal {
  readonly gateway: GatewayProduct;
  readonly sentence: string;
  readonly count: number;
  readonly examples: readonly Example[];
}
