import type { RouteTimelines, TrafficTimeline } from '../core/schemas/traffic.ts';
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
  const stepS = stepOf(request, clock);
  const steps = history.steps(series, stepS, since - offset, until - offset);
  return {
    stepS,
    since: new Date(since).toISOString(),
    until: new Date(until).toISOString(),
    steps: steps.map(({ startedAt, ...step }) => ({ at: stepText(startedAt + offset, stepS), ...step })),
  };
}

/** Of each of these routes that has had requests. Steps are those of the wall clock, without the one that goes on. */
export function routeTimelinesOf(
  { since, until, stepS: wanted }: Omit<TrafficRequest, 'series'>,
  routes: readonly string[],
  history: Pick<TrafficHistory, 'steps' | 'has'>,
  clock: Clock,
): RouteTimelines {
  const stepS = stepOf({ since, stepS: wanted }, clock);
  const stepMs = stepS * 1000;
  const [from, to] = [Math.ceil(since / stepMs), Math.floor(until / stepMs)];
  return {
    stepS,
    since: new Date(from * stepMs).toISOString(),
    routes: routes.flatMap((id) => {
      const series = `route:${id}` as const;
      if (!history.has(series)) return [];
      const { steps } = timelineOf({ series, since, until, stepS }, history, clock);
      const byNumber = new Map(steps.map((step) => [Date.parse(step.at) / stepMs, step]));
      const numbers = Array.from({ length: Math.max(0, to - from) }, (_, index) => byNumber.get(from + index));
      const [requests, errors] = [numbers.map((step) => step?.requests ?? 0), numbers.map((step) => step?.errors ?? 0)];
      return [{ id, requests, errors }];
    }),
  };
}

/** Both clocks are read one after the other and with fractions: without rounding, answers would differ by a millisecond. */
function stepText(startedAt: number, stepS: number): string {
  const stepMs = stepS * 1000;
  return new Date(Math.round(startedAt / stepMs) * stepMs).toISOString();
}

function stepOf({ since, stepS }: Pick<TrafficRequest, 'since' | 'stepS'>, clock: Clock): number {
  return stepS === null ? stepFor(clock.wallTime() - since) : atLeast(stepS);
}

function stepFor(agoMs: number): number {
  const found = resolutions.find(({ stepS, kept }) => stepS * kept * 1000 >= agoMs);
  return (found ?? resolutions[resolutions.length - 1])?.stepS ?? 60;
}

function atLeast(wanted: number): number {
  return resolutions.find(({ stepS }) => stepS >= wanted)?.stepS ?? 60;
}
