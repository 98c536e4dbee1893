import { isCause } from './failure-family.ts';
import type { Cause } from '#failures/failure.ts';
import type { CountedCause, FailureFamily, LiveIncident } from '../core/live-incident.ts';
import type { SuspectContext } from './suspect-facts.ts';
import { applicationsOf } from './watched-upstream.ts';

/** What all upstreams of a gateway share. Where it fails, requests of several upstreams fail for one reason. */
export type SharedFault = 'descriptors' | 'local_ports' | 'memory' | 'processor' | 'name_server' | 'network';

interface SharedFaultSpec {
  /** Its failures, whose incident it is. Null: those of applications. */
  readonly family: FailureFamily | null;
  /** Incidents that begin within so many seconds of each other have it in common. */
  readonly withinS: number;
}

export const sharedFaults: Readonly<Record<SharedFault, SharedFaultSpec>> = {
  descriptors: { family: 'gateway', withinS: Infinity },
  local_ports: { family: 'gateway', withinS: Infinity },
  memory: { family: null, withinS: 10 },
  processor: { family: null, withinS: 10 },
  // Addresses of names stay known for different times.
  name_server: { family: 'dns', withinS: Infinity },
  // An upstream may lose its host at any time: only what begins together has one reason.
  network: { family: 'network', withinS: 10 },
};

const byCause: Partial<Record<Cause, SharedFault>> = {
  descriptors_exhausted: 'descriptors',
  local_ports_exhausted: 'local_ports',
  shed: 'memory',
  dns_timeout: 'name_server',
  dns_failed: 'name_server',
  connect_timeout: 'network',
  connect_unroutable: 'network',
  connect_not_permitted: 'network',
};

/** A share of the failures that a few failures of another reason do not reach. */
const shareMin = 0.2;

/** What the failures of an incident say of the machine and the gateway; null: nothing. */
export function sharedFaultOf(context: SuspectContext): SharedFault | null {
  const { incident } = context;
  return ofFailures(incident.causes) ?? ofChecks(context) ?? ofEvents(context);
}

function ofFailures(causes: readonly CountedCause[]): SharedFault | null {
  const own = causes.filter(({ isConsequence }) => !isConsequence);
  const all = own.reduce((sum, { count }) => sum + count, 0);
  const counts = new Map<SharedFault, number>();
  for (const { cause, count } of own) {
    const fault = isCause(cause) ? byCause[cause] : undefined;
    if (fault !== undefined) counts.set(fault, (counts.get(fault) ?? 0) + count);
  }
  const [first] = [...counts].sort(([, a], [, b]) => b - a);
  return first !== undefined && first[1] >= shareMin * all ? first[0] : null;
}

/** No request was sent, because the checks of all endpoints met it. */
function ofChecks({ incident, watched }: SuspectContext): SharedFault | null {
  const unhealthy = watched.endpoints.filter(({ state }) => state === 'unhealthy');
  if (incident.family !== 'not_ready' || unhealthy.length === 0) return null;
  const met = new Set(unhealthy.map(({ checkCause }) => (checkCause === null ? null : (byCause[checkCause] ?? null))));
  const [fault = null] = met;
  return met.size === 1 ? fault : null;
}

/** How long before the first failure, and after it, an event is about it. */
const beforeMs = 15_000;
const lateMs = 5000;

function ofEvents({ incident, events, watched }: SuspectContext): SharedFault | null {
  const near = events.filter(({ afterMs }) => afterMs >= -beforeMs && afterMs <= lateMs);
  if (isOneOf(incident, ['gone', 'not_ready'])) {
    const prefixes = applicationsOf(watched).map((application) => `instance:${application}/`);
    const isKilled = near.some(
      ({ event }) =>
        event.kind === 'instance_exited' &&
        event.evidence.outOfMemory &&
        prefixes.some((prefix) => event.subject.startsWith(prefix)),
    );
    if (isKilled) return 'memory';
  }
  if (
    isOneOf(incident, ['slow', 'network', 'gone', 'full']) &&
    near.some(({ event }) => event.kind === 'worker_silent')
  )
    return 'processor';
  return null;
}

const isOneOf = ({ family }: LiveIncident, families: readonly FailureFamily[]): boolean => families.includes(family);
