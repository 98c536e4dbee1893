import type { AdminRole } from '../core/admin-roles.ts';
import type { JobStatus } from '../core/schemas/jobs.ts';
import type { StatusResponse } from '../core/schemas/status.ts';
import type { ApplicationReleasesStatus } from '../core/schemas/releases.ts';
import type { ConfigurationJson, ConfigurationSummaryJson } from '../core/schemas/configurations.ts';
import type { RouteJson } from '../admin/route-api.ts';
import type { EventJson } from '../core/event-json.ts';
import type { SnakeCased } from '#failures/json-case.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import type { OutputLineJson, RequestContextJson } from '../core/schemas/output.ts';
import type { RouteTimelines } from '../core/schemas/traffic.ts';
import type { CostAnswer, UsageSeries } from '../core/schemas/usage.ts';
import type { Shape } from '#failures/shape.ts';
import type { StoreFailingJson } from '../core/schemas/values.ts';

/** Answers of the admin API as the page reads them. */

type FullStatus = SnakeCased<StatusResponse>;

/** What the gateway gives an age, as of when it was sent. */
export interface Dated {
  /** Milliseconds since the Unix epoch, by the clock of the page: `status-follower.ts` adds it. */
  readonly since: number;
}

export interface StatusJson extends Omit<FullStatus, 'upstreams' | 'problems' | 'dependencies'> {
  readonly dependencies: readonly DependencyJson[];
  readonly problems: readonly ProblemJson[];
  readonly upstreams: readonly UpstreamJson[];
}

/** What the gateway says of itself, or of an upstream. */
export type VerdictJson = FullStatus['verdict'];

type FullUpstream = FullStatus['upstreams'][number];

export interface UpstreamJson extends Omit<FullUpstream, 'endpoints'> {
  readonly endpoints: readonly EndpointJson[];
}

type FullEndpoint = FullUpstream['endpoints'][number];
export type EndpointJson = FullEndpoint & Dated;
export type CheckTranscript = NonNullable<FullEndpoint['last_check']>;

export type IncidentJson = FullStatus['incidents'][number];
export type IncidentAdditionJson = IncidentJson['additions'][number];
export type SuspectJson = IncidentJson['suspects'][number];
export type ProblemJson = FullStatus['problems'][number] & Dated;
export type DependencyJson = FullStatus['dependencies'][number] & Dated;
export type RouteFigures = FullStatus['routes'][number];
export type ObjectiveJson = FullStatus['objectives'][number];
export type UsageSeriesJson = SnakeCased<UsageSeries>;
export type UsageStepJson = UsageSeriesJson['series'][number]['steps'][number];
export type CostJson = SnakeCased<CostAnswer>;
export type RouteTimelinesJson = SnakeCased<RouteTimelines>;
export type OverlayEntryJson = FullStatus['overlay']['entries'][number];

export type ApplicationReleasesJson = SnakeCased<ApplicationReleasesStatus>;
export type ReleaseJson = ApplicationReleasesJson['releases'][number];
export type PastRolloutJson = ApplicationReleasesJson['rollouts'][number];
export type RolloutJson = NonNullable<ApplicationReleasesJson['rollout']>;
export type JudgementJson = NonNullable<RolloutJson['judgement']>;

export type JobJson = SnakeCased<JobStatus>;

export interface JobsJson {
  readonly jobs: readonly JobJson[];
}

export interface ReleasesJson {
  readonly applications: readonly ApplicationReleasesJson[];
}

export interface SessionJson {
  readonly actor: string;
  readonly role: AdminRole;
  readonly ends_at: string | null;
}

/** A record that a search found. */
export type FoundExchange = ExchangeRecord & { readonly stands_for: number };

/** What the page of a request shows. */
export interface ShownRequest {
  readonly record: ExchangeRecord;
  /** Null: not there yet. */
  readonly context: RequestContextJson | null;
}

export interface ExchangePage {
  readonly exchanges: readonly FoundExchange[];
  readonly cursor: string | null;
  readonly end: string;
  /** Since when the store cannot be written, so that what is newer is not found. */
  readonly store_failing: StoreFailingJson | null;
}

/** The newest first. */
export interface OutputPageJson {
  readonly lines: readonly OutputLineJson[];
}

export interface EventPage {
  readonly events: readonly EventJson[];
  readonly cursor: string | null;
}

export interface TimelineJson {
  readonly step_s: number;
  readonly since: string;
  readonly until: string;
  readonly steps: readonly ShownStep[];
}

export interface ShownStep {
  readonly at: string;
  readonly requests: number;
  readonly errors: number;
  /** Only shapes that occurred, without `none`. */
  readonly shapes: Readonly<Partial<Record<Shape, number>>>;
  readonly p50_ms: number | null;
  readonly p99_ms: number | null;
}

export type { ConfigurationJson, ConfigurationSummaryJson, RouteJson };

export interface ConfigurationList {
  readonly configurations: readonly ConfigurationSummaryJson[];
}
