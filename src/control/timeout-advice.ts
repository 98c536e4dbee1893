import type { RouteSpec } from '../core/route-spec.ts';
import { elapsedText } from '#failures/quantity-text.ts';
import type { ResponseTimes } from '../core/response-times.ts';
import { adviseTimeouts, type TimeoutAdvice } from '../policy/fitting-timeouts.ts';
import type { TimeoutStatus } from '../core/schemas/status.ts';

/** Timeouts of routes that do not fit what is stored, in sentences. */
export function timeoutStatus(
  routes: readonly Pick<RouteSpec, 'id' | 'timeouts'>[],
  observed: readonly ResponseTimes[],
  wallMs: number,
): readonly TimeoutStatus[] {
  const limits = routes.map(({ id, timeouts: { responseHeadMs, exchangeMs } }) => ({
    route: id,
    responseHeadMs,
    exchangeMs,
  }));
  return adviseTimeouts(limits, observed).map((advice) => {
    const { route, kind, limitMs, advisedMs } = advice;
    const nextStep = `Set \`timeouts: { response_head: ${settingOf(advisedMs)} }\` in the route ${route}.`;
    return { route, kind, limitMs, advisedMs, reason: `${problemOf(advice)}${evidenceOf(advice, wallMs)}.`, nextStep };
  });
}

function problemOf({ route, kind, limitMs }: TimeoutAdvice): string {
  const limit = `\`response_head\` of ${route} (${settingOf(limitMs)})`;
  if (kind === 'never_fires') return `${limit} never fires: \`timeouts.exchange\` ends the request before`;
  if (kind === 'cuts_ordinary') return `${limit} ends ordinary requests`;
  return `${limit} lets requests that hang wait for long`;
}

function evidenceOf({ evidence }: TimeoutAdvice, wallMs: number): string {
  if (evidence === null) return '';
  const { answered, since, p999Ms, longestMs, timedOut } = evidence;
  const cut = timedOut === 0 ? '' : `, and it ended ${timedOut}`;
  const span = `in the last ${elapsedText((wallMs - since) / 1000)} (since ${new Date(since).toISOString().slice(0, 19)}Z)`;
  return `; ${span}, 99.9 % of ${answered} responses began within ${Math.ceil(p999Ms)} ms, the longest stored one after ${Math.ceil(longestMs)} ms${cut}`;
}

/** As in a configuration. */
function settingOf(ms: number): string {
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${Math.round(ms)}ms`;
}
