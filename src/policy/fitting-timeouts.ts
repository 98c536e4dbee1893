import type { ResponseTimes } from '../core/response-times.ts';

/** What a route has as its limits. */
interface RouteTimeouts {
  readonly route: string;
  /** `timeouts.response_head`. */
  readonly responseHeadMs: number;
  /** `timeouts.exchange`; null: none. */
  readonly exchangeMs: number | null;
}

/** A timeout that does not fit. */
export interface TimeoutAdvice {
  readonly route: string;
  /**
   * 'never_fires': another limit ends the exchange before. 'cuts_ordinary': it ends requests that would have been answered soon.
   * 'longer_than_needed': requests that hang are held for much longer than any is answered.
   */
  readonly kind: 'never_fires' | 'cuts_ordinary' | 'longer_than_needed';
  readonly limitMs: number;
  /** What `timeouts.response_head` should be; null: not known, or longer than `exchange`. */
  readonly advisedMs: number | null;
  /** What the advice rests on; null: on the configuration alone. */
  readonly evidence: ResponseTimes | null;
}

/** Fewer exchanges do not show what the slowest thousandth takes. */
const exchangesMin = 1000;

/** Fewer do not show what a day brings: its peak, its backup, its reports. */
const wellHoursMin = 24;

/** With fewer stored times a handful is slower than 99.9 %, and may be a path of its own: then the longest counts. */
const samplesMin = 10_000;

/** What ordinary requests take at most, as far as it is known. */
function ordinaryMs({ p999Ms, longestMs, samples }: ResponseTimes): number {
  return samples < samplesMin ? longestMs : p999Ms;
}

/** Values that people write, in seconds. */
const usualSeconds = [1, 2, 3, 5, 8, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 900, 1800, 3600];

/** A limit is slightly above what ordinary requests take: a quarter more. */
const marginFactor = 1.25;

/** A limit that is less than twice what is advised is left alone. */
const longerFactor = 2;

/** Ordinary requests come so close to a limit that cuts them. */
const nearFactor = 0.5;

/** Which timeouts do not fit what was observed in well hours, at most one for each route. None is advised below what responses take now. */
export function adviseTimeouts(routes: readonly RouteTimeouts[], observed: readonly ResponseTimes[]): TimeoutAdvice[] {
  const times = new Map(observed.map((one) => [one.route, one]));
  return routes.flatMap((route) => {
    const advice = adviseOne(route, times.get(route.route) ?? null);
    return advice === null ? [] : [advice];
  });
}

function adviseOne(
  { route, responseHeadMs, exchangeMs }: RouteTimeouts,
  times: ResponseTimes | null,
): TimeoutAdvice | null {
  const fitting = times !== null && isKnown(times) ? usualAbove(ordinaryMs(times) * marginFactor) : null;
  if (exchangeMs !== null && exchangeMs <= responseHeadMs) {
    const advisedMs = fitting !== null && fitting < exchangeMs ? fitting : null;
    const evidence = fitting === null ? null : times;
    return { route, kind: 'never_fires', limitMs: responseHeadMs, advisedMs, evidence };
  }
  if (times === null || fitting === null) return null;
  if (times.timedOut > 0 && times.p999Ms >= responseHeadMs * nearFactor) {
    // How long they would have taken is not known.
    const advisedMs = Math.max(fitting, usualAbove(responseHeadMs * longerFactor));
    return { route, kind: 'cuts_ordinary', limitMs: responseHeadMs, advisedMs, evidence: times };
  }
  if (responseHeadMs < fitting * longerFactor) return null;
  return { route, kind: 'longer_than_needed', limitMs: responseHeadMs, advisedMs: fitting, evidence: times };
}

/** Whether what was observed says what requests take, and they take no longer now. */
function isKnown(times: ResponseTimes): boolean {
  if (times.answered < exchangesMin || times.wellHours < wellHoursMin || times.isTroubled) return false;
  return times.lastHourP99Ms === null || times.lastHourP99Ms <= ordinaryMs(times);
}

function usualAbove(ms: number): number {
  const seconds = usualSeconds.find((one) => one * 1000 >= ms) ?? Math.ceil(ms / 3_600_000) * 3600;
  return seconds * 1000;
}
