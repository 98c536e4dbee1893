import { commonDuration } from '../core/counters.ts';
import { reasonBesideState } from '../core/reason-beside-state.ts';
import type { SuspectKind } from '../core/live-incident.ts';
import {
  type SuspectContext,
  type SuspectFinding,
  type Rule,
  shownMax,
  seen,
  failedBefore,
  latestBefore,
  nearness,
  isOf,
  isAbout,
  listOf,
  beforeText,
  type SeenOf,
  changeMs,
  duration,
  lateMs,
  percent,
  usualWithin,
  shareAbove,
} from './suspect-facts.ts';
import { explainedMin, explainedShare, explainedText, datedLines } from './evidence-lines.ts';
import type { Cause } from '#failures/failure.ts';
import { changedText } from './earlier-revisions.ts';
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

/** What was changed shortly before: the configuration, a release, by an operator, in DNS; or a worker that ended. */
export const changes = {
  operator_action: (context) => {
    const { upstream, routes, cause } = context.incident;
    if (cause === 'pause_timeout' || cause === 'pause_full') return paused(context);
    const found = latestBefore(context, 'overlay_changed', ({ subject }) =>
      isAbout(
        subject,
        upstream,
        routes.map(({ route }) => route),
      ),
    );
    if (found === null || found.event.evidence.after === null || failedBefore(context, found.afterMs))
      return takenOut(context);
    const share = explainedShare(context, found.afterMs, 0);
    if (share < explainedMin) return takenOut(context);
    return {
      fit: nearness(found.afterMs, isOf(context.incident, 'not_ready', 'full') ? 0.96 : 0.8) * share,
      sentence: `An operator changed ${found.event.subject} ${beforeText(found.afterMs)} the first failure${explainedText(context, found.afterMs)}.`,
      evidence: [`${found.event.actor}: ${found.event.reason}`, ...takenOutLines(context)],
      nextStep: 'Run `candor restore` for it if this was not intended.',
    };
  },
  dns_change: (context) => {
    const known = new Set(context.watched.endpoints.map(({ name }) => name));
    const found = latestBefore(context, 'name_addresses', ({ evidence }) => known.has(evidence.name));
    if (found === null) return staleName(context, known);
    if (isOf(context.incident, 'full') || failedBefore(context, found.afterMs)) return null;
    const { name, added, removed } = found.event.evidence;
    return {
      fit: nearness(found.afterMs, 0.9),
      sentence: `${name} got other addresses ${beforeText(found.afterMs)} the first failure.`,
      evidence: [`added: ${listOf(added)}; removed: ${listOf(removed)}`],
      nextStep: `Check that the application listens at ${listOf(added)}; correct the DNS record if it does not.`,
    };
  },
  gateway_worker: (context) => {
    const found = seen(context, 'worker_lost', () => true);
    if (found.length === 0) return silentWorker(context);
    return {
      fit: isOf(context.incident, 'gateway') ? 0.9 : 0.3,
      sentence: 'A worker of the gateway ended, and with it the requests that it had in flight.',
      evidence: datedLines(found, ({ reason }) => reason),
      nextStep: 'Run `candor events` for its error; please report it.',
    };
  },
} satisfies Partial<Record<SuspectKind, Rule>>;

/** The gateway goes on with the last known addresses of a name that does not resolve any more: something else may have them now. */
function staleName(context: SuspectContext, known: ReadonlySet<string | null>): SuspectFinding | null {
  const found = latestBefore(context, 'name_state', ({ to, evidence }) => to === 'stale' && known.has(evidence.name));
  // What ceases to resolve only then has gone for the same reason.
  if (found === null || found.afterMs > 0 || isOf(context.incident, 'full') || failedBefore(context, found.afterMs))
    return null;
  const { name, addresses } = found.event.evidence;
  return {
    fit: nearness(found.afterMs, 0.85),
    sentence: `${name} does not resolve since ${beforeText(found.afterMs)} the first failure, and its last known addresses are used.`,
    evidence: [`last known: ${listOf(addresses)}`],
    nextStep: `See who has ${listOf(addresses)} now, and correct the DNS record of ${name}.`,
  };
}

/** Requests that wait for the end of a pause fail by it, however long ago it began. */
function paused({ incident, events }: SuspectContext): SuspectFinding {
  const began = events.flatMap(({ event }) =>
    event.kind === 'overlay_changed' && event.subject.startsWith('overlay:pause:') && event.evidence.after !== null
      ? [`${event.actor}: ${event.reason}`]
      : [],
  );
  return {
    fit: 0.97,
    sentence: `A pause of ${listOf(incident.routes.map(({ route }) => route))} goes on, and requests wait for its end for longer than they may.`,
    evidence: began.slice(-1),
    nextStep:
      'See in `candor status` who began the pause and end it with `candor restore`; if the work takes long, use `candor maintenance`.',
  };
}

const takenOutOf = ({ watched }: SuspectContext): SuspectContext['watched']['endpoints'] =>
  watched.endpoints.filter(({ takenOutBy }) => takenOutBy !== undefined);

const takenOutLines = (context: SuspectContext): readonly string[] =>
  takenOutOf(context)
    .slice(0, shownMax)
    .map(({ id, state, reason }) => `${id} is ${state}: ${reasonBesideState(state, reason)}`);

/** An endpoint that an operator has taken out stays out however long ago that was. */
function takenOut(context: SuspectContext): SuspectFinding | null {
  const { length } = takenOutOf(context);
  const all = context.watched.endpoints.length;
  if (length === 0 || !isOf(context.incident, 'not_ready', 'full')) return null;
  return {
    fit: length === all ? 0.96 : 0.65,
    sentence: `An operator has taken ${length === all ? 'all endpoints' : `${length} of ${all} endpoints`} out of use.`,
    evidence: takenOutLines(context),
    nextStep: 'Run `candor restore` for what may be used again.',
  };
}

/** A worker without processor time takes no bytes: whatever its requests wait for comes too late. */
function silentWorker(context: SuspectContext): SuspectFinding | null {
  const found = seen(context, 'worker_silent', () => true);
  if (found.length === 0 || !isOf(context.incident, 'slow', 'network', 'gone', 'full')) return null;
  return {
    fit: context.incident.upstreams.length > 1 ? 0.93 : 0.62,
    sentence: 'A worker of the gateway did not answer: it had no processor time, or was occupied.',
    evidence: datedLines(found, ({ reason }) => reason),
    nextStep: 'See with `top` what uses the processor of the machine, and in `candor status` how busy the workers are.',
  };
}
