import type { TrafficTimeline } from '../core/schemas/traffic.ts';
import type { Clock } from '../core/time.ts';
import { resolutions, type SeriesKey, type TrafficHistory } from '../record/traffic-history.ts';

/** Times are milliseconds since the Unix epoch. */
export interface TrafficRequest {
  readonly series: SeriesKey;
  readonly since: number;
  readonly until: number;
  /** Seconds; the next longer one that is kept is taken. Null: the shortest that covers the time. */
  readonly stepS: number | null;
}

export function timelineOf(
  request: TrafficRequest,
  history: Pick<TrafficHistory, 'steps'>,
  clock: Clock,
): TrafficTimeline {
  const { series, since, until } = request;
  // The history knows the monotonic clock alone. A wall clock that has jumped shifts old steps with it.
  const offset = clock.wallTime() - clock.now();
  const stepS = request.stepS === null ? stepFor(clock.wallTime() - since) : atLeast(request.stepS);
  const steps = history.steps(series, stepS, since - offset, until - offset);
  return {
    stepS,
    since: new Date(since).toISOString(),
    until: new Date(until).toISOString(),
    steps: steps.map(({ startedAt, ...step }) => ({ at: stepText(startedAt + offset, stepS), ...step })),
  };
}

/** Both clocks are read one after the other and with fractions: without rounding, answers would differ by a millisecond. */
function stepText(startedAt: number, stepS: number): string {
  const stepMs = stepS * 1000;
  return new Date(Math.round(startedAt / stepMs) * stepMs).toISOString();
}

function stepFor(agoMs: number): number {
  const found = resolutions.find(({ stepS, kept }) => stepS * kept * 1000 >= agoMs);
  return (found ?? resolutions[resolutions.length - 1])?.stepS ?? 60;
}

function atLeast(wanted: number): number {
  return resolutions.find(({ stepS }) => stepS >= wanted)?.stepS ?? 60;
}
