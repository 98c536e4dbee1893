import type { Event } from '../core/event.ts';
import type { CountedCause, IncidentSuspect, LiveIncident } from '../core/live-incident.ts';
import type { SuspectContext } from './suspect-facts.ts';
import { rankSuspects } from './suspects.ts';
import type { WatchedUpstream } from './watched-upstream.ts';

/** An incident of the upstream `app` that has these failures. */
export function incidentOf(
  family: LiveIncident['family'],
  counts: readonly (readonly [CountedCause['cause'], number])[],
): LiveIncident {
  const failed = counts.reduce((sum, [, count]) => sum + count, 0);
  const [first] = counts;
  return {
    family,
    upstream: 'app',
    startedAt: Date.UTC(2026, 0, 1, 12),
    cause: first?.[0] === 'app_error' ? null : (first?.[0] ?? null),
    requests: failed,
    failed,
    attemptsFailed: failed,
    causes: counts.map(([cause, count]) => ({ cause, count, isConsequence: false })),
    routes: [],
    endpoints: [],
    upstreams: [{ upstream: 'app', failed }],
    additions: [],
    rate: { before: null, during: 1 },
  } as unknown as LiveIncident;
}

export function ranking(incident: LiveIncident, more: Partial<SuspectContext> = {}): readonly IncidentSuspect[] {
  return rankSuspects({
    incident,
    watched: { application: null, endpoints: [] },
    events: [],
    failedAt: new Map(),
    failedAtOffsetMs: 0,
    firstExits: new Map(),
    startedMs: 600_000,
    instances: new Map(),
    revisions: [],
    failedRevisions: new Set(),
    failedSinceMs: null,
    usualDurations: [],
    usualMaxMs: Infinity,
    slowDurations: [],
    held: null,
    staleReusesFailed: 0,
    answeredBetween: null,
    validBetween: null,
    steadyRateBefore: null,
    directLook: null,
    abandoned: null,
    waited: null,
    topClient: null,
    loopClient: null,
    refusedClient: null,
    busiest: null,
    demanding: null,
    silent: null,
    quickResets: null,
    slowConnects: null,
    retries: null,
    errorStatus: null,
    split: null,
    connectsAgain: null,
    part: null,
    pauses: null,
    newestFailure: null,
    ...more,
  });
}

/** An event as the tracker has it; `afterMs` the incident began. */
export function eventAt(afterMs: number, event: object): SuspectContext['events'][number] {
  return { event: { reason: 'It happened.', from: null, to: null, ...event } as unknown as Event, afterMs };
}

/** An endpoint of the upstream `app`, healthy where nothing else is said. */
export function endpointOf(
  id: string,
  more: Partial<WatchedUpstream['endpoints'][number]> = {},
): WatchedUpstream['endpoints'][number] {
  return { ...{ id, name: null, state: 'healthy', reason: 'answered 200', checkCause: null, advice: null }, ...more };
}
