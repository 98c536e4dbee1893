import type { StormFigures } from './figures.ts';

/** One number that is asked of Candor in a storm. */
export interface Criterion {
  readonly asked: string;
  /** Null: this run did not measure it. */
  readonly holds: (figures: StormFigures) => boolean | null;
}

/** What the criteria of a storm say of a run: which were missed, and which could not be measured. */
export interface Judgement {
  readonly verdict: 'met' | 'missed' | 'not measured';
  readonly missed: readonly string[];
  readonly notMeasured: readonly string[];
}

export function judge(criteria: readonly Criterion[], figures: StormFigures): Judgement {
  const said = criteria.map(({ asked, holds }) => ({ asked, holds: holds(figures) }));
  const missed = said.flatMap(({ asked, holds }) => (holds === false ? [asked] : []));
  const notMeasured = said.flatMap(({ asked, holds }) => (holds === null ? [asked] : []));
  const verdict = missed.length > 0 ? 'missed' : notMeasured.length > 0 ? 'not measured' : 'met';
  return { verdict, missed, notMeasured };
}

/** "Candor: missed: no GET fails". */
export function judgementText({ verdict, missed, notMeasured }: Judgement): string {
  const which = verdict === 'missed' ? missed : notMeasured;
  return which.length === 0 ? verdict : `${verdict}: ${which.join('; ')}`;
}

/** A criterion about `some`, which a run without any did not measure. */
function of(
  asked: string,
  some: (figures: StormFigures) => number,
  holds: (figures: StormFigures) => boolean | null,
): Criterion {
  return { asked, holds: (figures) => (some(figures) === 0 ? null : holds(figures)) };
}

/** Of runs that had requests, in which trouble began so often. */
function afterTrouble(asked: string, times: number, holds: (figures: StormFigures) => boolean | null): Criterion {
  return of(asked, ({ requests, troubles }) => (troubles >= times ? requests : 0), holds);
}

const failed = ({ requests, ok }: StormFigures): number => requests - ok;

export function noFailure(troubles: number): Criterion {
  return afterTrouble('no failure', troubles, (figures) => failed(figures) === 0);
}

export function noFailedGet(troubles: number): Criterion {
  return afterTrouble('no GET fails', troubles, ({ failedGets }) => failedGets === 0);
}

export const failedInFlightOnly = afterTrouble(
  'each failure is a POST in flight, a 502 that says sent_unknown',
  3,
  (figures) => {
    const { failures, causes, failedGets } = figures;
    const told = Object.entries(causes).filter(([cause]) => cause.endsWith(' sent_unknown'));
    const toldCount = told.reduce((sum, [, count]) => sum + count, 0);
    return failedGets === 0 && (failures['502'] ?? 0) === failed(figures) && toldCount === failed(figures);
  },
);

export const firstSecond = of(
  '<= 1 % of the GETs fail in the first second',
  ({ getsInFirstSecond }) => getsInFirstSecond,
  ({ failedGetsInFirstSecond, getsInFirstSecond }) => failedGetsInFirstSecond <= getsInFirstSecond / 100,
);

export const nothingLater = of(
  'no GET fails afterwards',
  ({ getsLater }) => getsLater,
  ({ failedGetsLater }) => failedGetsLater === 0,
);

export const noStorm = afterTrouble('<= 1.2 attempts per request', 1, ({ amplification, refusedConnections }) =>
  refusedConnections === null ? null : amplification <= 1.2,
);

export const fewConnections = afterTrouble('<= 5 connections/s to each origin', 1, ({ refusedPerOriginSecond }) =>
  refusedPerOriginSecond === null ? null : refusedPerOriginSecond <= 5,
);

export const fullWithin2s = afterTrouble('as many go well as before within 2 s', 1, ({ fullAgainMs }) =>
  fullAgainMs === null ? null : fullAgainMs !== 'never' && fullAgainMs <= 2000,
);

/** Load is `times` what the origin can do. */
export function goodputOf(percent: number, times: number): Criterion {
  return of(
    `>= ${percent} % of what the origin can do`,
    ({ requests }) => requests,
    ({ requests, goodPerSecond, seconds }) => goodPerSecond * seconds >= ((percent / 100) * requests) / times,
  );
}

export function p99Of(ms: number): Criterion {
  return of(
    `p99 <= ${ms} ms`,
    ({ ok }) => ok,
    ({ p99Ms }) => p99Ms <= ms,
  );
}

export const refusedWithRetryAfter = of(
  'each failure is a refusal with Retry-After',
  failed,
  (figures) => figures.refusals === failed(figures) && figures.refusalsWithRetryAfter === figures.refusals,
);

export const slowClientsStayed = of(
  'as many slow clients as asked for',
  ({ requests }) => requests,
  ({ slowClients }) => (slowClients === null ? null : slowClients.connected >= 0.99 * slowClients.asked),
);

export const overWithin3s = afterTrouble(
  'the last failure within 3 s',
  1,
  ({ recoveredMs }) => recoveredMs !== null && recoveredMs !== 'never' && recoveredMs <= 3000,
);

export const namedWithin3s = afterTrouble(
  'named within 3 s',
  1,
  ({ namedMs }) => namedMs !== null && namedMs !== 'never' && namedMs <= 3000,
);

export function attemptsOf(most: number): Criterion {
  return of(
    `<= ${most} attempts per request`,
    ({ requests }) => requests,
    ({ amplification }) => amplification <= most,
  );
}
