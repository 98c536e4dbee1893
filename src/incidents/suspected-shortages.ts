import { chanceExponent } from './chance.ts';
import { familyOfCause, isCause } from './failure-family.ts';
import { upperFirst } from '#failures/first-letter.ts';
import { connectionRefusals } from '../core/connection-refusals.ts';
import { applicationDescriptorsStep, descriptorsStep } from '../core/descriptor-need.ts';
import type { ConnectionRefusalReason } from '../core/event.ts';
import type { EndpointState } from '../core/endpoint.ts';
import type { CountedEndpoint, LiveIncident, SuspectKind } from '../core/live-incident.ts';
import type { Cause } from '#failures/failure.ts';
import type { CountedFailure } from './upstream-failures.ts';
import { instanceOf } from './seen-releases.ts';
import { settingText } from './present-settings.ts';
import { noReasonFit } from './suspected-release.ts';
import { releases } from './suspected-releases.ts';
import {
  type Rule,
  type SeenOf,
  type SuspectContext,
  type SuspectFinding,
  checksFound,
  shownMax,
  soonMs,
  full,
  refused,
  races,
  latestBefore,
  mostFrequentOf,
  seen,
  isOf,
  shareOf,
  shareText,
  sheds,
  sum,
  beforeText,
  isEndpointOf,
  times,
  rate,
  duration,
  usualWithin,
  listOf,
} from './suspect-facts.ts';

/** Requests each second that are a rate of its own, and by how many it must have grown. */
const steadyMin = 1;
const growthMin = 5;
/** Where the application itself refuses what is too much for it, less growth says why. */
const shedFactorMin = 1.4;

/** Of all failed attempts, those at the bad endpoints. */
const apartShareMin = 0.9;

/** The others fail at most by this part as often. */
const wellShareMax = 0.25;

/** Failures that would be expected at the others. */
const expectedMin = 5;

/** States of endpoints that get no requests any more. */
const leaving: ReadonlySet<string> = new Set<EndpointState>(['draining', 'gone']);

/** States of endpoints that serve no requests. */
const unused: ReadonlySet<string> = new Set<EndpointState>(['unhealthy', 'starting', 'draining', 'gone']);

/** The bounds that a request may have met at an endpoint: that of requests only where it is set. */
const isOfNamesOrTls = (cause: Cause): boolean =>
  cause !== 'tls_timeout' && (familyOfCause(cause) === 'tls' || familyOfCause(cause) === 'dns');

function connectionBounds(context: SuspectContext): string {
  const connections = settingText('connections.max', context);
  if (context.watched.settings?.requestsMax === undefined) return connections;
  return `${connections} or ${settingText('connections.requests_max', context)}`;
}

/** What to say of the time that requests wait, where most of them have waited in vain. */
function longerQueue(context: SuspectContext): string {
  const most = mostFrequentOf(context.incident, full);
  if (most !== 'queue_timeout' && most !== 'concurrency_timeout') return '';
  const name = most === 'queue_timeout' ? 'connections.queue_timeout' : 'concurrency.queue_timeout';
  return `; a longer ${settingText(name, context)} helps only with bursts`;
}

/** How long answered requests have a connection, and what the bound of connections serves then. Empty: not known. */
function useOf(context: SuspectContext): readonly string[] {
  const { incident, watched, held } = context;
  if (held === null || held.meanMs < 1) return [];
  const usualMs = usualWithin(context, 0.5);
  const usual = usualMs === null ? '' : ` (half of the responses used to take up to ${duration(usualMs)})`;
  const takes = `an answered request takes ${duration(held.meanMs)} on average${usual}`;
  const { connectionsMax, requestsMax } = watched.settings ?? {};
  const max = requestsMax ?? connectionsMax;
  const serving = watched.endpoints.filter(({ state, isRemoved }) => !isRemoved && !unused.has(state)).length;
  const possible = ((max ?? 0) * serving * 1000) / held.meanMs;
  // A connection that carries several requests, as in HTTP/2, serves more.
  if (shareOf(incident, bounded) > 0 || possible === 0 || held.perS > 1.2 * possible) return [takes];
  const what = requestsMax === undefined ? 'connections' : 'requests at a time';
  // The others hold theirs without an answer: the time of those that were answered says nothing of them.
  if (held.perS < 0.5 * possible)
    return [`${takes}; ${rate(held.perS)} were answered, and ${rate(incident.rate.during)} come`];
  const all = serving === 1 ? `${max} ${what}` : `${serving} times ${max} ${what}`;
  return [`${takes}: ${all} serve ${rate(possible)}, and ${rate(incident.rate.during)} come`];
}

/** A request waited for its turn, or was not let in; the others waited for a connection. */
const bounded: ReadonlySet<CountedFailure> = new Set([
  'concurrency_limit',
  'concurrency_timeout',
  'deadline_unreachable',
]);

const spent: ReadonlySet<CountedFailure> = new Set(['descriptors_exhausted', 'local_ports_exhausted']);

/** Limits of the gateway itself, at which it refuses clients and requests. */
const refusalsOf: Partial<Record<Cause, ConnectionRefusalReason>> = {
  too_many_connections: 'connections_max',
  shed: 'memory',
};
const limitCauses: ReadonlySet<CountedFailure> = new Set(Object.keys(refusalsOf) as Cause[]);

const late = {
  sentence: 'A worker had more requests than it could serve in time.',
  nextStep:
    'See with `candor top` which route gets them, and with `top` whether the gateway has its cores; `workers.delay_max` is the limit.',
} as const;

/** The gateway's shortage of descriptors that went on, or had ended a moment before. */
function scarcity(context: SuspectContext): SeenOf<'descriptors_exhausted'> | null {
  const isScarce = latestBefore(context, 'descriptors_exhausted', ({ to }) => to !== 'enough', Infinity);
  const isOver = latestBefore(context, 'descriptors_exhausted', ({ to }) => to === 'enough', Infinity);
  if (isScarce === null || isOver === null || isOver.afterMs < isScarce.afterMs) return isScarce;
  return isOver.afterMs >= -soonMs ? isScarce : null;
}

/** A check that fails shows no overload. An application with too much to do still answers some requests; one that hangs answers none. */
function showsOverload(incident: LiveIncident): boolean {
  if (isOf(incident, 'not_ready')) return false;
  return !isOf(incident, 'slow') || incident.failed < 0.95 * incident.requests;
}

/** Where few attempts fail, chance must explain that they are at these endpoints by less than e^-n. */
const rareShareMax = 0.5;
const rareChanceMin = 7;

const failedOf = (endpoints: readonly CountedEndpoint[]): number =>
  endpoints.reduce((all, { failed }) => all + failed, 0);

/** `bad`: one endpoint, or fewer than half of them, where nearly all attempts failed that did; empty: there are no such. */
function apart(endpoints: readonly CountedEndpoint[]): {
  bad: readonly CountedEndpoint[];
  others: readonly CountedEndpoint[];
} {
  const sorted = endpoints.toSorted((a, b) => b.failed - a.failed);
  const all = failedOf(sorted);
  let count = 1;
  while (failedOf(sorted.slice(0, count)) < apartShareMin * all) count += 1;
  if (all === 0 || (count > 1 && count * 2 >= sorted.length)) return { bad: [], others: sorted };
  return { bad: sorted.slice(0, count), others: sorted.slice(count) };
}

/**
 * Whether attempts at the others fail much more seldom, and enough were made to see that: as many were answered as failed at the bad
 * ones, or so many that a few would have failed if they failed as often. An endpoint that answers at once with an error gets more requests.
 */
function answerWell(others: readonly CountedEndpoint[], bad: readonly CountedEndpoint[]): boolean {
  const [failed, attempts] = [failedOf(others), sum(others)];
  const share = failedOf(bad) / sum(bad);
  if (failed > wellShareMax * share * attempts) return false;
  const all = attempts + sum(bad);
  if (share < rareShareMax && chanceExponent(failedOf(bad), failed + failedOf(bad), sum(bad) / all) < rareChanceMin)
    return false;
  return attempts - failed >= Math.min(failedOf(bad), expectedMin / share);
}

/** Without those of the bad endpoints' own instances: one that was restarted has another address, and is the same instance. */
function ofOtherInstances(
  { incident, instances }: SuspectContext,
  bad: readonly CountedEndpoint[],
  others: readonly CountedEndpoint[],
): readonly CountedEndpoint[] {
  const nameOf = ({ endpoint }: CountedEndpoint): string => instanceOf(incident.upstream, endpoint);
  const own = new Set(bad.map(nameOf).filter((name) => instances.has(name)));
  return own.size === 0 ? others : others.filter((one) => !own.has(nameOf(one)));
}

/** The fit of the suspected release, where only its instances are bad; 1 elsewhere. */
function fitOfTheirRelease(
  context: SuspectContext,
  bad: readonly CountedEndpoint[],
  others: readonly CountedEndpoint[],
): number {
  const { incident, instances } = context;
  const revisions = (endpoints: readonly CountedEndpoint[]): readonly number[] =>
    endpoints.flatMap(({ endpoint }) => instances.get(instanceOf(incident.upstream, endpoint))?.revision ?? []);
  if (Math.min(...revisions(bad)) <= Math.max(...revisions(others)) || revisions(bad).length < bad.length) return 1;
  const release = releases.release(context);
  return release === null || release.fit <= noReasonFit ? 1 : release.fit;
}

/** An endpoint goes out so shortly before the others, which get its requests, answer otherwise than it did. */
const takenOverMs = 30_000;

/** A spare host may have old data, or another version. Null: none has taken over, or what has answers as before. */
function takesOver(context: SuspectContext): SuspectFinding | null {
  const { incident, watched } = context;
  if (!isOf(incident, 'changed') || incident.upstreams.length > 1) return null;
  const isOut = ({ subject, to }: SeenOf<'endpoint_state'>['event']): boolean =>
    (to === 'unhealthy' || to === 'ejected') && isEndpointOf(subject, incident.upstream);
  const found = latestBefore(context, 'endpoint_state', isOut, takenOverMs);
  const id = found?.event.subject.slice('endpoint:'.length);
  if (found === null || !watched.endpoints.some((one) => one.id === id && one.state === found.event.to)) return null;
  const bad = incident.endpoints.filter(({ failed }) => failed > 0);
  if (bad.length === 0 || bad.some(({ endpoint }) => endpoint === id)) return null;
  const others = listOf(bad.map(({ endpoint }) => endpoint));
  return {
    fit: 0.95,
    sentence: `${id} went out ${beforeText(found.afterMs)} the first failure, and ${others} ${bad.length === 1 ? 'answers' : 'answer'} otherwise than it did.`,
    evidence: [
      `${id}: ${found.event.reason}`,
      ...bad
        .slice(0, shownMax)
        .map((one) => `${one.endpoint}: ${one.failed} of ${one.attempts} responses were none of the usual`),
    ],
    nextStep: `Bring ${id} back; see which version and which data ${others} ${bad.length === 1 ? 'has' : 'have'}.`,
  };
}

/** Only for what may still get requests: an instance that was replaced does not. */
function drainStep({ watched }: SuspectContext, bad: readonly CountedEndpoint[], what: string): string {
  const used = new Set(
    watched.endpoints
      .filter(({ state, isRemoved, takenOutBy }) => !isRemoved && !takenOutBy && !leaving.has(state))
      .map(({ id }) => id),
  );
  const [first, found] = [bad[0], bad.find(({ endpoint }) => used.has(endpoint))];
  if (found === undefined) return '';
  return `; \`candor drain ${found.endpoint}\` takes ${found === first ? what : 'that one'} out meanwhile`;
}

/** What there was too little of: endpoints, permits, descriptors of the gateway or of the application. */
export const shortages = {
  one_endpoint: (context) => {
    const { incident } = context;
    const { endpoints } = incident;
    const instead = takesOver(context);
    if (instead !== null) return instead;
    if (endpoints.length < 2 || incident.upstreams.length > 1 || isOf(incident, 'full', 'gateway')) return null;
    const { bad, others: rest } = apart(endpoints);
    const others = ofOtherInstances(context, bad, rest);
    const [worst] = bad;
    if (worst === undefined || !answerWell(others, bad)) return null;
    const isOne = bad.length === 1;
    const isSlower = isOf(incident, 'slower');
    const happened = isSlower
      ? 'responses were late'
      : isOf(incident, 'changed')
        ? 'responses were none of the usual'
        : 'attempts failed';
    return {
      fit: Math.min(0.75, fitOfTheirRelease(context, bad, others) - 0.05),
      sentence: isSlower
        ? `Only ${listOf(bad.map(({ endpoint }) => endpoint))} ${isOne ? 'is' : 'are'} slow; the other endpoints answer as before.`
        : `Only ${listOf(bad.map(({ endpoint }) => endpoint))} ${isOf(incident, 'changed') ? `${isOne ? 'answers' : 'answer'} otherwise; the others answer as before` : `${isOne ? 'fails' : 'fail'}; the other endpoints answer`}.`,
      evidence: [
        ...bad.slice(0, shownMax).map((one) => `${one.endpoint}: ${one.failed} of ${one.attempts} ${happened}`),
        `the ${others.length === 1 ? 'other one' : `${others.length} others`}: ${failedOf(others)} of ${sum(others)} ${happened}`,
      ],
      nextStep: isOne
        ? `Look at ${worst.endpoint} itself${drainStep(context, bad, 'it')}.`
        : `Look at what these endpoints share, such as a host or a version${drainStep(context, bad, 'the first one')}.`,
    };
  },
  pool_full: (context) => {
    const { incident } = context;
    const share = shareOf(incident, full);
    if (share < 0.5) return null;
    return {
      fit: 0.75,
      sentence: 'All connections or requests that the configuration allows at the upstream are in use.',
      evidence: [shareText(incident, full), ...useOf(context)],
      nextStep:
        shareOf(incident, bounded) * 2 >= share
          ? `See under BOUNDS in \`candor status\` how many requests are in flight and wait; raise ${settingText('concurrency.max', context)} only if the application can bear more${longerQueue(context)}.`
          : `See in \`candor logs\`${context.watched.storesOutput === true ? '' : ' (needs a `store`)'} which requests take long; raise ${connectionBounds(context)} only if the endpoints can bear more${longerQueue(context)}.`,
    };
  },
  traffic_growth: (context) => {
    const { incident, steadyRateBefore: before, retries } = context;
    // What clients ask again because it has failed is an effect of the failures.
    const retried = retries?.share ?? 0;
    const during = incident.rate.during * (1 - retried);
    const isShed = sheds(context);
    // Traffic that begins, or grows by a few requests, is no load.
    if (before === null || before < steadyMin || during - before < growthMin) return null;
    const factor = during / before;
    if (factor < (isShed ? shedFactorMin : 2)) return null;
    if (
      isOf(incident, 'application')
        ? factor < 3 && !isShed
        : !isOf(incident, 'full', 'slow', 'slower', 'gone', 'gateway', 'not_ready')
    )
      return null;
    // What has waited for an endpoint comes at once when the wait is over; names and handshakes fail for other reasons than load.
    if (checksFound(context, isOfNamesOrTls)) return null;
    // An application with too much to do takes no connections, or ends; it does not cut its responses.
    if (isOf(incident, 'gone') && shareOf(incident, refused) + shareOf(incident, races) < 0.5) return null;
    return {
      fit: showsOverload(incident) || isShed ? Math.min(0.9, 0.7 + factor * 0.04) : 0.5,
      sentence: `${times(factor)} as many requests came as before.`,
      evidence: [
        `${rate(before)} before, ${rate(during)} since it started${retried > 0 ? ', without retries of clients' : ''}`,
      ],
      nextStep: `See with \`candor logs\`${context.watched.storesOutput === true ? '' : ' (needs a `store`)'} which clients and paths they come from; bound them with ${settingText('concurrency', context)}, or add endpoints.`,
    };
  },
  descriptors: (context) => {
    const { incident } = context;
    const share = shareOf(incident, spent);
    const isMet = share >= 0.2 || checksFound(context, (cause) => spent.has(cause));
    const found = scarcity(context);
    if (!isMet && found === null) return null;
    return {
      fit: isMet ? 0.96 : 0.6,
      sentence: 'The gateway had no file descriptor or local port left for another connection.',
      evidence: [...(found === null ? [] : [found.event.reason]), ...(share > 0 ? [shareText(incident, spent)] : [])],
      nextStep: descriptorsStep(found?.event.evidence ?? null),
    };
  },
  gateway_limit: (context) => {
    const { incident } = context;
    const cause = mostFrequentOf(incident, limitCauses);
    const why = cause === null || !isCause(cause) ? undefined : refusalsOf[cause];
    if (cause === null || why === undefined) return null;
    const met = new Set([cause]);
    const share = shareOf(incident, met);
    if (share < 0.2) return null;
    const isRefusal = ({ to, evidence }: SeenOf<'connections_refused'>['event']) =>
      to === 'refusing' && evidence.reason === why;
    const found = seen(context, 'connections_refused', isRefusal).at(-1) ?? null;
    const { reason, nextStep } = connectionRefusals[why];
    const evidence = [...(found === null ? [] : [found.event.reason]), shareText(incident, met)];
    // A worker without memory refuses connections first.
    if (cause === 'shed' && found === null) return { fit: 0.95, ...late, evidence };
    return {
      fit: 0.95,
      sentence: `${upperFirst(reason(found?.event.evidence.limit ?? null))}.`,
      evidence,
      nextStep: nextStep(null),
    };
  },
  application_descriptors: ({ incident, watched: { processes = [] } }) => {
    const found = processes.flatMap(({ instance, descriptors }) =>
      descriptors === undefined ? [] : [{ instance, ...descriptors }],
    );
    const [first] = found.toSorted((a, b) => b.open / b.max - a.open / a.max);
    if (first === undefined || isOf(incident, 'dns', 'tls', 'garbage', 'gateway')) return null;
    // Files and other services take some besides connections: the last few are none.
    const isSpent = first.open >= 0.97 * first.max;
    return {
      fit: isSpent ? 0.95 : 0.5,
      sentence: isSpent
        ? `${first.instance} has no descriptors left: it can accept no connection, open no file and reach no other service.`
        : `${first.instance} has nearly used up its descriptors: beyond the limit it can accept no connection.`,
      evidence: found
        .slice(0, shownMax)
        .map(({ instance, open, max }) => `${instance}: ${open} of ${max} descriptors are open`),
      nextStep: applicationDescriptorsStep(null),
    };
  },
} satisfies Partial<Record<SuspectKind, Rule>>;
