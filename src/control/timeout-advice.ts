import type { RouteSpec } from '../core/route-spec.ts';
import type { KeptIncident } from '../core/live-incident.ts';
import type { ResponseTimes, TroubledTime } from '../core/response-times.ts';
import { adviseTimeouts, type TimeoutAdvice } from '../policy/fitting-timeouts.ts';
import type { TimeoutStatus } from '../core/schemas/status.ts';

interface Observations {
  readonly observed: readonly ResponseTimes[];
  readonly troubled: readonly TroubledTime[];
  readonly wallMs: number;
}

/** Nothing is advised while an incident is open, nor for so long afterwards: figures of a well time mislead then. */
const quietMs = 3_600_000;

/** Incidents that are listed in any case: earlier ones may be forgotten. */
const listedMax = 100;

/** The times of incidents, and that of which no incident is known any more. */
export function troubledTimes(
  incidents: readonly Pick<KeptIncident, 'firstRequestAt' | 'startedAt' | 'resolvedAt'>[],
  wallMs: number,
): readonly TroubledTime[] {
  const times = incidents.map(({ firstRequestAt, startedAt, resolvedAt }) => ({
    from: Math.min(firstRequestAt, startedAt),
    until: resolvedAt ?? wallMs,
  }));
  if (times.length < listedMax) return times;
  return [...times, { from: 0, until: Math.min(...times.map(({ from }) => from)) }];
}

/** Timeouts of routes that do not fit what is stored, in sentences; none in a time of trouble. */
export function timeoutStatus(
  routes: readonly Pick<RouteSpec, 'id' | 'timeouts'>[],
  { observed, troubled, wallMs }: Observations,
): readonly TimeoutStatus[] {
  if (troubled.some(({ from, until }) => from <= wallMs && until > wallMs - quietMs)) return [];
  const limits = routes.map(({ id, timeouts: { responseHeadMs, exchangeMs } }) => ({
    route: id,
    responseHeadMs,
    exchangeMs,
  }));
  return adviseTimeouts(limits, observed).map((advice) => {
    const { route, kind, limitMs, advisedMs } = advice;
    const reason = `${problemOf(advice)}${evidenceOf(advice)}.`;
    return { route, kind, limitMs, advisedMs, reason, nextStep: stepOf(advice) };
  });
}

function problemOf({ route, kind, limitMs }: TimeoutAdvice): string {
  const limit = `\`response_head\` of ${route} (${settingOf(limitMs)})`;
  if (kind === 'never_fires') return `${limit} never fires: \`timeouts.exchange\` ends the request before`;
  if (kind === 'cuts_ordinary') return `${limit} ends ordinary requests`;
  return `${limit} lets requests that hang wait for long`;
}

function stepOf({ route, advisedMs }: TimeoutAdvice): string {
  if (advisedMs !== null) return `Set \`timeouts: { response_head: ${settingOf(advisedMs)} }\` in the route ${route}.`;
  return `Set \`timeouts.response_head\` of the route ${route} below its \`timeouts.exchange\`, and above what its slowest responses need; or set \`exchange\` higher.`;
}

function evidenceOf({ evidence }: TimeoutAdvice): string {
  if (evidence === null) return '';
  const { answered, since, p999Ms, longestMs, timedOut, wellHours } = evidence;
  const cut = timedOut === 0 ? '' : `, and it ended ${timedOut}`;
  const span = `in ${wellHours} hours without an incident or a timeout (since ${new Date(since).toISOString().slice(0, 19)}Z)`;
  return `; ${span}, 99.9 % of ${answered} responses began within ${Math.ceil(p999Ms)} ms, the longest stored one after ${Math.ceil(longestMs)} ms${cut}`;
}

/** As in a configuration. */
function settingOf(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${Math.round(ms)}ms`;
}
