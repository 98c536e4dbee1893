import type { ProxyErrorType } from '../../failures/src/proxy-error.ts';
import type { Whose } from '../../failures/src/shape.ts';
import type { Stage } from '../../failures/src/stage.ts';
import type { ApplicationEventKind, Born, FindingShape, Fix, GatewayProduct } from './finding.ts';
import { type SnakeCased, snakeCased } from '../../failures/src/json-case.ts';

/** Times of the report, which are milliseconds since the Unix epoch in code. */
const timeKeys: Readonly<Record<string, string>> = {
  first_ms: 'first_at',
  last_ms: 'last_at',
  start_ms: 'start_at',
  end_ms: 'end_at',
  at_ms: 'at',
};

/** The report as JSON for programs: keys in snake_case, times in ISO 8601. `docs/explain/report.md` describes it. */
export function reportJson(report: SummaryReport): unknown {
  return withTimes(snakeCased(report) satisfies SnakeCased<SummaryReport>);
}

function withTimes(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withTimes);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const timeKey = timeKeys[key];
      return timeKey === undefined ? [key, withTimes(inner)] : [timeKey, timeText(inner)];
    }),
  );
}

function timeText(ms: unknown): string | null {
  return typeof ms === 'number' ? new Date(ms).toISOString() : null;
}

/**
 * The report on a whole log, as printed by `candor explain --json` and described in docs/explain/report.md. Plain values
 * of bounded size for any log. If a list is truncated, a number beside it says how much was left out.
 */
export interface SummaryReport {
  /** Incremented when a member changes its meaning or is removed. */
  readonly version: 3;
  /** `recognised` + `unrecognised` + `blank`. */
  readonly lines: number;
  readonly recognised: number;
  readonly unrecognised: number;
  /** Lines of white space only. */
  readonly blank: number;
  /** Failures between a gateway and its application; they cause exit code 1. A failure in several lines counts once. */
  readonly failures: number;
  /** Failed requests of which the log cannot show whose failure it was: shape `unknown`. Not in `failures`. */
  readonly unclear: number;
  /** Requests that a rule or a limit denied. Not in `failures`. */
  readonly denials: number;
  /** The application's own 5xx. Not in `failures`. */
  readonly appErrors: number;
  readonly clientAborts: number;
  /** Failed attempts whose request was answered all the same, by another server or from a cache. Not in `failures`. */
  readonly retried: number;
  /** Lines about a failure that another line has reported; they are counted nowhere else. */
  readonly repeats: number;
  /** Failures that only follow from earlier ones (`no live upstreams`); included in `failures`. */
  readonly consequences: number;
  readonly clock: ClockReport;
  readonly files: readonly FileTotal[];
  readonly byGateway: readonly GatewayTotal[];
  /** Shapes that occurred, the most frequent first, without `none`. */
  readonly byShape: readonly ShapeTotal[];
  readonly byCause: readonly CauseTotal[];
  /** Causes beyond those in `byCause`, and the number of their failures. */
  readonly causesLeftOut: LeftOut;
  readonly timeline: TimelineReport;
  readonly incidents: readonly Incident[];
  readonly incidentsLeftOut: LeftOut;
  /** Upstreams with the most failures. */
  readonly upstreams: readonly UpstreamTotal[];
  readonly upstreamsLeftOut: LeftOut;
  /** What the failed attempts in `retried` were. */
  readonly retries: readonly RetriedTotal[];
  readonly retriesLeftOut: LeftOut;
  /** Of failures and unclear ones: the most frequent paths, hosts and clients. */
  readonly paths: readonly NameTotal[];
  readonly hosts: readonly NameTotal[];
  readonly clients: readonly NameTotal[];
  readonly suspects: readonly Suspect[];
  /** Changes to the log's format or level that would explain its `unknown` failures. */
  readonly hints: readonly Hint[];
  /** Events of gateways and upstreams: health checks, ejections, restarts. */
  readonly events: readonly EventTotal[];
  readonly eventsLeftOut: LeftOut;
}

/** How times were understood. */
export interface ClockReport {
  /** The zone in which times without a zone were read: '+02:00', from another line of these logs; null if they count as UTC. */
  readonly zone: string | null;
  /** Formats that write times without a zone. */
  readonly withoutZone: readonly string[];
  /** Formats that write times without a year. */
  readonly withoutYear: readonly string[];
}

export interface FileTotal {
  readonly name: string | null;
  readonly lines: number;
}

export interface NameTotal {
  readonly name: string;
  readonly count: number;
}

/** `kinds`: null if there were too many to tell apart; `count` is exact. */
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
  /** The first lines of this cause. */
  readonly examples: readonly Example[];
}

/** `line` counts from 1 in each file; `text` is truncated to 300 characters. */
export interface Example {
  readonly file: string | null;
  readonly line: number;
  readonly text: string;
}

/** Equal intervals without gaps, at most 120, for any span of the log. */
export interface TimelineReport {
  /** Milliseconds since the Unix epoch, of the earliest and the latest line; null if no line has a time. */
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
  readonly unclear: number;
  readonly denials: number;
  readonly appErrors: number;
  readonly clientAborts: number;
}

/** Failures that belong together: at least 5 with never more than 60 s between two, or fewer with a known cause. */
export interface Incident {
  readonly gateway: GatewayProduct;
  readonly upstreams: readonly string[];
  /** Of the failure that began it. */
  readonly shape: FindingShape;
  readonly type: ProxyErrorType | null;
  readonly stage: Stage | null;
  readonly startMs: number;
  readonly endMs: number;
  /** Failures with a cause of their own. */
  readonly count: number;
  /** Failures that followed from these, since the gateway had taken the endpoint out. */
  readonly consequences: number;
  /** Failures and consequences per minute from start to end, counted over at least a second. */
  readonly perMinute: number;
  /** The line that began it. `isConsequence`: the cause itself is not in this log. */
  readonly root: IncidentRoot;
  /** What happened one after another: resets, then refusals, then consequences. */
  readonly parts: readonly IncidentPart[];
  /** What happened to the application; null if no line of its side explains it. */
  readonly cause: IncidentCause | null;
}

export interface IncidentPart {
  readonly shape: FindingShape;
  readonly type: ProxyErrorType | null;
  readonly isConsequence: boolean;
  readonly count: number;
  readonly startMs: number;
  readonly endMs: number;
}

export interface IncidentRoot extends Example {
  readonly isConsequence: boolean;
  readonly sentence: string;
  readonly evidence: readonly string[];
  readonly fix: Fix | null;
}

/** 'certain': the names agree, or nothing contradicts. 'likely': the times agree. 'possible': something contradicts. */
export type CauseConfidence = 'certain' | 'likely' | 'possible';

export interface IncidentCause extends Example {
  readonly confidence: CauseConfidence;
  /** Why it is not more certain, or why it is; for people. */
  readonly reason: string;
  readonly source: GatewayProduct;
  readonly kind: ApplicationEventKind;
  readonly atMs: number;
  readonly sentence: string;
  readonly fix: Fix | null;
}

export interface UpstreamTotal {
  readonly gateway: GatewayProduct;
  readonly upstream: string;
  /** Failures and unclear ones. */
  readonly failures: number;
  /** The most frequent shape, and how many failures have it. */
  readonly shape: FindingShape;
  readonly ofThatShape: number;
  readonly firstMs: number | null;
  readonly lastMs: number | null;
}

/** Failed attempts of one kind at one upstream. */
export interface RetriedTotal {
  readonly gateway: GatewayProduct;
  readonly upstream: string | null;
  readonly shape: FindingShape;
  readonly type: ProxyErrorType | null;
  readonly stage: Stage | null;
  readonly sentence: string;
  readonly fix: Fix | null;
  readonly count: number;
  readonly firstMs: number | null;
  readonly lastMs: number | null;
  /** One of their lines; null if none was kept. */
  readonly example: Example | null;
}

export type SuspectName =
  | 'keep_alive_race'
  | 'saturation'
  | 'header_too_large'
  | 'wrong_address_or_port'
  | 'sni'
  | 'dns'
  | 'deploy';

/** A pattern that many lines show together, and that no single line proves. */
export interface Suspect {
  readonly name: SuspectName;
  /** The failures that point to it. */
  readonly count: number;
  /** One sentence: the probable cause. */
  readonly sentence: string;
  readonly evidence: readonly string[];
  readonly fix: Fix | null;
}

export interface Hint {
  readonly gateway: GatewayProduct;
  readonly format: string;
  /** Lines that it would have explained. */
  readonly count: number;
  readonly fix: Fix;
}

export interface EventTotal {
  readonly gateway: GatewayProduct;
  readonly sentence: string;
  readonly count: number;
  /** Whether it is an event of the application's side. */
  readonly isApplication: boolean;
  readonly firstMs: number | null;
  readonly lastMs: number | null;
  readonly fix: Fix | null;
  readonly examples: readonly Example[];
}
