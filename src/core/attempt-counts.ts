/** Responses of one endpoint by method and status: those since the last batch, or totals. */
export interface EndpointResponses {
  readonly upstream: string;
  readonly endpoint: string;
  /** That the endpoint runs; absent: none. */
  readonly release?: string;
  readonly method: CountedMethod;
  /** 100 to 999; 0: an attempt that got no response. */
  readonly status: number;
  readonly count: number;
}

/** Every other method is counted as `other`: clients may send any. */
export const countedMethods = [
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'CONNECT',
  'TRACE',
  'other',
] as const;
export type CountedMethod = (typeof countedMethods)[number];

export const countedMethodOf = (method: string): CountedMethod =>
  countedMethods.find((one) => one === method) ?? 'other';

/**
 * The stages of an exchange at an upstream whose times are counted. Each begins where the one before has ended, except the last: `first_byte` is the time from
 * the begin of the exchange to the head of the response.
 */
export const timedStages = ['queue', 'dns', 'connect', 'tls', 'send', 'wait', 'body', 'first_byte'] as const;
export type TimedStage = (typeof timedStages)[number];

/** Upper bounds of the histogram of a stage, in milliseconds; one more cell is for longer times. */
export const stageBoundsMs = [
  0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000,
] as const;

/** The times of one stage at one upstream: those since the last batch, or totals. */
export interface StageTimes {
  readonly upstream: string;
  readonly stage: TimedStage;
  sumMs: number;
  /** One cell for each bound and one for the rest; not cumulative. */
  readonly cells: number[];
  /** An exchange of each cell, the first since the last batch; null: none is known. */
  readonly exemplars: (StageExemplar | null)[];
}

interface StageExemplar {
  /** '': the request belonged to no trace. */
  readonly traceId: string;
  readonly requestId: string;
  readonly ms: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}
