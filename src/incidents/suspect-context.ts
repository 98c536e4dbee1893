import type { LiveIncident } from '../core/live-incident.ts';
import { clientHash } from '../core/route-traffic.ts';
import { shareAmong } from './failing-clients.ts';
import { claimedLoops } from './incident-facts.ts';
import type { OpenIncident } from './open-incident.ts';
import type { IncidentRetries } from './retried-routes.ts';
import type { BusyClient } from './route-rates.ts';
import type { SeenReleases } from './seen-releases.ts';
import type { FailingClient, SuspectContext } from './suspect-facts.ts';
import { ownExits } from './suspected-exits.ts';
import type { UpstreamFailures } from './upstream-failures.ts';
import type { WatchedUpstream } from './watched-upstream.ts';

/** How long connections are in use is looked at over so long a time. */
const heldS = 30;

/** Retries are told apart where no address has so much of the requests. */
const ofOneAddressMin = 0.4;

interface Surroundings {
  readonly open: OpenIncident;
  /** Of its first upstream. */
  readonly failures: UpstreamFailures;
  readonly watched: WatchedUpstream;
  readonly events: readonly { readonly event: SuspectContext['events'][number]['event']; readonly ms: number }[];
  readonly releases: SeenReleases;
  readonly failedRevisions: ReadonlySet<number>;
  /** The last second that is over. */
  readonly second: number;
}

/** What the suspects of an incident are looked for in. */
export function suspectContext(
  incident: LiveIncident,
  { open, failures, watched, events: all, releases, failedRevisions, second }: Surroundings,
): SuspectContext {
  const startedMs = open.startMs;
  const isAtOne = open.upstreams.length === 1;
  const { durations, rates, latencies } = failures;
  const events = all.map(({ event, ms }) => ({ event, afterMs: ms - startedMs }));
  return {
    incident,
    watched,
    events,
    failedAt: open.failedAt,
    failedAtOffsetMs: startedMs - open.startSecond * 1000,
    firstExits: open.firstExits.note(ownExits({ events, watched }), startedMs),
    startedMs,
    instances: releases.instances,
    rollouts: releases.rollouts,
    revisions: releases.revisions,
    failedRevisions,
    failedSinceMs: open.failedSinceMs === null ? null : open.failedSinceMs - startedMs,
    usualDurations: durations.usual,
    usualMaxMs: durations.maxMs,
    slowDurations: durations.slow,
    held: isAtOne ? failures.held(second, heldS) : null,
    staleReusesFailed: open.staleReusesFailed,
    answeredBetween: open.requests.answeredBetween('notHttp'),
    validBetween: open.requests.answeredBetween('invalid'),
    steadyRateBefore: open.steadyRateBefore,
    directLook: open.directLook,
    abandoned: latencies.abandoned(open.routeNames, second),
    waited: open.root === 'application' ? failures.waited(open.routeNames, second) : null,
    silent: failures.idleConnections.silentSince(open.startSecond),
    quickResets: failures.idleConnections.quickResetsSince(open.startSecond),
    slowConnects: failures.connectTimes.slowSince(open.startSecond, second),
    split: isAtOne ? failures.compared.split(open.root, open.routeNames, open.startSecond) : null,
    part:
      open.root === 'slow' || open.root === 'slower' ? latencies.part(open.routeNames, open.startSecond, second) : null,
    pauses: open.root === 'slower' ? latencies.pauses(second) : null,
    connectsAgain: connectsAgainOf(open, failures, second),
    errorStatus: failures.errorStatus(second),
    demanding: isAtOne ? rates.demanding(second) : null,
    busiest: isAtOne ? rates.busiest(second) : null,
    topClient: isAtOne ? topClientOf(open, failures, second) : null,
    loopClient: loopClientOf(open),
    refusedClient: refusedClientOf(open),
    retries: isAtOne ? retriesOf(open, rates.busiest(second)) : null,
    newestFailure: open.newestFailure,
    methods: new Map(
      [...failures.methods].map(([method, { firstMs, failed }]) => [method, { afterMs: firstMs - startedMs, failed }]),
    ),
  };
}

/** Null too where many requests come from one address, which may be a proxy of many clients: who retries is not known then. */
function retriesOf({ retries }: OpenIncident, busiest: BusyClient | null): IncidentRetries | null {
  return busiest !== null && busiest.share >= ofOneAddressMin ? null : retries;
}

function connectsAgainOf(
  { startSecond }: OpenIncident,
  { connectTimes, compared }: UpstreamFailures,
  second: number,
): SuspectContext['connectsAgain'] {
  const again = connectTimes.sentAgain(second);
  return again === null ? null : { ...again, slowShareOfUsed: compared.slowShareOfUsed(startSecond) };
}

/** Nearly all. */
const loopShareMin = 0.75;
const refusedShareMin = 0.9;

function loopClientOf(open: OpenIncident): SuspectContext['loopClient'] {
  const { top } = open.clients;
  const claimed = claimedLoops(open);
  if (top === null || claimed === 0) return null;
  const share = Math.min(1, top.count / claimed);
  return share < loopShareMin ? null : { client: top.name, share };
}

function refusedClientOf({ root, clients: { top }, requestsFailed }: OpenIncident): SuspectContext['refusedClient'] {
  if (root !== 'gateway' || top === null || top.count < refusedShareMin * requestsFailed) return null;
  return { client: top.name, share: Math.min(1, top.count / requestsFailed) };
}

function topClientOf(open: OpenIncident, failures: UpstreamFailures, second: number): FailingClient | null {
  const { requestsFailed, requests, routeNames } = open;
  const answering = failures.rates.answeredOn(routeNames);
  const top = open.root === 'slower' ? waitingOf(open, failures, second) : open.clients.top;
  const shareOfAnswered = top === null ? null : shareAmong(answering, top.name);
  if (top === null || shareOfAnswered === null) return null;
  const answered = Math.max(0, requests.ofRoutes - requestsFailed);
  return { client: top.name, failed: Math.min(top.count, requestsFailed), answered, shareOfAnswered };
}

/** Where nothing fails: whose requests wait long is known of some of them, by a hash that is looked for among the clients of these routes. */
function waitingOf(
  open: OpenIncident,
  { latencies, rates }: UpstreamFailures,
  second: number,
): OpenIncident['clients']['top'] {
  const waiting = latencies.waitingClient(open.routeNames, open.startSecond, second);
  if (waiting === null) return null;
  const { hash, share } = waiting;
  const names = [open.waiting?.name ?? [], ...rates.answeredOn(rates.names).map(({ counts }) => [...counts.keys()])];
  const name = names.flat().find((one) => clientHash(one) === hash);
  if (name === undefined) return null;
  open.waiting = { hash, name };
  return { name, count: Math.round(share * open.requestsFailed) };
}
