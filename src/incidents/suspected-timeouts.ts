import type { Cause } from '#failures/failure.ts';
import type { SuspectKind } from '../core/live-incident.ts';
import { changedText } from './suspected-releases.ts';
import {
  type Rule,
  type SeenOf,
  type SuspectContext,
  type SuspectFinding,
  beforeText,
  changeMs,
  commonDuration,
  duration,
  failedBefore,
  isOf,
  lateMs,
  listOf,
  nearness,
  percent,
  usualWithin,
  seen,
  shareAbove,
} from './suspect-facts.ts';
import { type SettingName, settingText } from './present-settings.ts';
import type { RouteLimits } from './watched-upstream.ts';

/** Timers and a step of the histogram make so much of a difference. */
const sameLimitMax = 0.3;

/** A response that takes longer than the limit is usual if so many took longer before. */
const usualShareMin = 0.01;

/** Of the failures, those of the routes with a lowered limit. */
const loweredShareMin = 0.5;

const settings: ReadonlyMap<Cause | null, { readonly key: SettingName; readonly limit: keyof RouteLimits }> = new Map([
  ['response_head_timeout', { key: 'timeouts.response_head', limit: 'responseHeadMs' }],
  ['attempt_timeout', { key: 'retry.attempt_timeout', limit: 'attemptMs' }],
  ['exchange_timeout', { key: 'timeouts.exchange', limit: 'exchangeMs' }],
]);

/** A timeout that ends requests which the application would have answered. */
export const timeouts = {
  timeout_too_short: (context) => {
    if (!isOf(context.incident, 'slow')) return null;
    return lowered(context) ?? nearUsual(context) ?? directlyAnswered(context);
  },
} satisfies Partial<Record<SuspectKind, Rule>>;

/** Usual responses take nearly as long as the timeout. */
function nearUsual(context: SuspectContext): SuspectFinding | null {
  const limitMs = commonDuration(context.slowDurations);
  const usualMs = usualWithin(context, 0.99);
  if (limitMs === null || usualMs === null || usualMs < limitMs * 0.5 || usualMs > limitMs * (1 + sameLimitMax))
    return null;
  const configured = configuredLimit(context, limitMs);
  const limit = configured === null ? `about ${duration(limitMs)}` : duration(configured);
  return {
    fit: 0.82,
    sentence: `The timeout of ${limit} cuts requests that are not unusual: one in a hundred takes ${duration(usualMs)} or more.`,
    evidence: [
      `most of the failed requests ended after about ${duration(configured ?? limitMs)}`,
      `99 % of the others took up to ${duration(usualMs)}`,
    ],
    nextStep: raiseStep(context, (configured ?? limitMs) * 2),
  };
}

/** A direct request was answered, after more than the timeout; responses were not faster before, as far as is known. */
function directlyAnswered(context: SuspectContext): SuspectFinding | null {
  const observedMs = commonDuration(context.slowDurations);
  const limitMs = observedMs === null ? null : configuredLimit(context, observedMs);
  if (limitMs === null || !isAnsweredAfter(context, limitMs) || isUsuallyLonger(context, limitMs) === false)
    return null;
  return {
    fit: 0.7,
    sentence: `The timeout of ${duration(limitMs)} may be too short: a direct request was answered after ${duration(context.directLook?.tookMs ?? 0)}.`,
    evidence: [...usualText(context, limitMs), ...directText(context, limitMs)],
    nextStep: raiseStep(context, (context.directLook?.tookMs ?? limitMs) * 2),
  };
}

const raiseStep = (context: SuspectContext, ms: number): string =>
  `Set the route's ${settingText(settings.get(context.incident.cause)?.key ?? 'timeouts.response_head', context)} to more than ${duration(ms)}, or make these requests faster.`;

/** The timeout that all routes of the incident have and that ended its requests after `observedMs`, a bound of the histogram; null: not known. */
function configuredLimit({ incident, watched: { limitsOf } }: SuspectContext, observedMs: number): number | null {
  const setting = settings.get(incident.cause);
  if (setting === undefined) return null;
  const found = incident.routes.map(({ route }) => limitsOf?.(route)?.[setting.limit]);
  const [limit = null] = found;
  if (limit === null || found.some((one) => one !== limit)) return null;
  // Another timeout, such as one that the client asked for, has ended them.
  return isSameLimit(observedMs, limit) ? limit : null;
}

const isSameLimit = (observedMs: number, limitMs: number): boolean =>
  Math.abs(observedMs - limitMs) <= sameLimitMax * limitMs;

interface LoweredRoute {
  readonly route: string;
  readonly failed: number;
  readonly before: number | null;
  readonly after: number;
  /** It may have been raised again. */
  readonly now: number | null;
}

/** A new configuration has lowered the timeout of these routes below what responses took. */
function lowered(context: SuspectContext): SuspectFinding | null {
  const all = seen(context, 'configuration_applied', () => true, changeMs);
  for (const applied of all.filter(({ afterMs }) => afterMs <= lateMs).toReversed()) {
    const routes = loweredBy(context, applied.event.revision);
    const [most] = routes;
    if (most === undefined || failedBefore(context, applied.afterMs)) continue;
    const observedMs = commonDuration(context.slowDurations);
    if (observedMs !== null && !isSameLimit(observedMs, most.after)) continue;
    if (isUsuallyLonger(context, most.after) ?? isAnsweredAfter(context, most.after))
      return loweredFinding(context, applied, routes, most);
  }
  return null;
}

/** The routes with most of the failures, the worst first; empty: they are others. */
function loweredBy({ incident, watched, events }: SuspectContext, revision: number): readonly LoweredRoute[] {
  const { limitsOf, limitsBefore } = watched;
  const limit = settings.get(incident.cause)?.limit;
  if (limit === undefined || limitsBefore === undefined) return [];
  const later = events.flatMap(({ event }) =>
    event.kind === 'configuration_applied' && event.revision > revision ? [event.revision] : [],
  );
  const routes = incident.routes.flatMap(({ route, failed }): readonly LoweredRoute[] => {
    const before = limitsBefore(route, revision);
    const [next] = later.flatMap((one) => limitsBefore(route, one) ?? []);
    const now = limitsOf?.(route) ?? null;
    const after = (next ?? now)?.[limit] ?? null;
    if (before === null || after === null || after >= (before[limit] ?? Infinity)) return [];
    return [{ route, failed, before: before[limit], after, now: now?.[limit] ?? null }];
  });
  const sum = (all: readonly { readonly failed: number }[]): number =>
    all.reduce((total, one) => total + one.failed, 0);
  if (sum(routes) < loweredShareMin * sum(incident.routes)) return [];
  return routes.toSorted((a, b) => b.failed - a.failed);
}

function loweredFinding(
  context: SuspectContext,
  applied: SeenOf<'configuration_applied'>,
  routes: readonly LoweredRoute[],
  { before, after, now }: LoweredRoute,
): SuspectFinding {
  const same = routes.filter((one) => one.before === before && one.after === after).map(({ route }) => route);
  const key = `\`${settings.get(context.incident.cause)?.key}\` of ${listOf(same)}`;
  const [old, current] = [before === null ? 'no limit' : duration(before), duration(after)];
  return {
    // What responses took speaks for it, however long ago the change was.
    fit: Math.max(0.8, nearness(applied.afterMs, 0.95)),
    sentence: `A new configuration lowered ${key} from ${old} to ${current} ${beforeText(applied.afterMs)} the first failure, to less than responses take.`,
    evidence: [changedText(applied), ...usualText(context, after), ...directText(context, after)],
    nextStep:
      now !== null && now <= after
        ? `Set ${key} to ${before === null ? 'a longer time' : `${old} again`} and run \`candor reload\`; a timeout must be longer than what responses usually take.`
        : `The timeout is ${now === null ? 'removed' : duration(now)} now: see in \`candor incidents\` whether requests still fail.`,
  };
}

/** Whether responses took longer than the limit so often before that the failures are no more than that; null: not known. */
function isUsuallyLonger({ incident, usualDurations }: SuspectContext, limitMs: number): boolean | null {
  const share = shareAbove(usualDurations, limitMs);
  const failing = incident.failed / Math.max(1, incident.requests);
  return share === null ? null : share >= Math.max(usualShareMin, 0.5 * failing);
}

const isAnsweredAfter = ({ directLook }: SuspectContext, limitMs: number): boolean =>
  directLook !== null && (directLook.tookMs ?? 0) > limitMs;

function usualText({ usualDurations }: SuspectContext, limitMs: number): readonly string[] {
  const share = shareAbove(usualDurations, limitMs);
  return share === null
    ? []
    : [`${percent(share)} of the upstream's responses took longer than ${duration(limitMs)} before`];
}

function directText(context: SuspectContext, limitMs: number): readonly string[] {
  const { directLook } = context;
  if (directLook === null || directLook.tookMs === null || !isAnsweredAfter(context, limitMs)) return [];
  return [`a direct request to ${directLook.endpoint} ${directLook.answer} after ${duration(directLook.tookMs)}`];
}
