import { upperFirst } from '#failures/first-letter.ts';
import { addressText, type EndpointState } from '../core/endpoint.ts';
import type { EventSink } from '../core/event.ts';
import type { EndpointSnapshot, UpstreamSnapshot } from '../core/snapshot.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';

/** An application that is started again after an exit, or a name that leads elsewhere, needs no operator. */
const persistsMs = 10_000;

/** The endpoints of an upstream may be started after the gateway. */
const firstMs = 60_000;

/** A circuit breaker that is half-open for so long has met no failure since: nothing says that requests would fail. */
const triedMs = 60_000;

/** Changes within this time are looked at together. */
const lookAfterMs = 500;

/** An end shows in the states of endpoints, but routes can be closed meanwhile, and incidents can open, without a change of these. */
const lookAgainMs = 5000;

type WatchedUpstream = Pick<UpstreamSnapshot, 'id' | 'application' | 'endpoints'>;

/** Sources of `UpstreamWatch`, which are read at each look. */
interface UpstreamSources {
  readonly upstreams: () => readonly WatchedUpstream[];
  /** Whether requests may come: it has a route that is neither in maintenance nor paused. */
  readonly isOpen: (upstream: string) => boolean;
  /** Whether an alert about the same outage has been sent already: an incident, a crash loop, a release. */
  readonly isReported: (upstream: WatchedUpstream) => boolean;
}

interface Outage {
  readonly since: Instant;
  isReported: boolean;
}

/**
 * Reports upstreams of which no endpoint is available: also where no client sends a request, so that no incident
 * opens. Of an application that was never ready, `ApplicationWatch` reports.
 */
export class UpstreamWatch {
  readonly #clock: Clock;
  readonly #events: EventSink;
  readonly #sources: UpstreamSources;
  /** Upstreams that have had an available endpoint. */
  readonly #wereAvailable = new Set<string>();
  readonly #outages = new Map<string, Outage>();
  #timer: Timer | null = null;
  #dueAt: number = Infinity;
  #isClosed = false;

  constructor(clock: Clock, events: EventSink, sources: UpstreamSources) {
    this.#clock = clock;
    this.#events = events;
    this.#sources = sources;
  }

  /** To be called after each change of an endpoint. */
  noteChange(): void {
    this.#lookWithin(lookAfterMs);
  }

  /** Since when no endpoint of the upstream has been available; null: one is. */
  unavailableSince(id: string): Instant | null {
    return this.#outages.get(id)?.since ?? null;
  }

  /** The endpoints end because the gateway does. */
  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }

  #lookWithin(ms: number): void {
    const now = this.#clock.now();
    if (this.#isClosed || this.#dueAt <= now + ms) return;
    this.#timer?.cancel();
    this.#dueAt = now + ms;
    const look = (watch: UpstreamWatch): void => watch.#look();
    this.#timer = this.#clock.schedule(after(now, ms), look, this as UpstreamWatch);
  }

  #look(): void {
    this.#timer = null;
    this.#dueAt = Infinity;
    const now = this.#clock.now();
    const upstreams = this.#sources.upstreams();
    for (const upstream of upstreams) this.#lookAt(upstream, now);
    for (const id of new Set([...this.#wereAvailable, ...this.#outages.keys()])) {
      if (upstreams.some((one) => one.id === id)) continue;
      this.#wereAvailable.delete(id);
      this.#end(id, null, 'removed');
    }
    if (this.#outages.size > 0) this.#lookWithin(lookAgainMs);
  }

  #lookAt(upstream: WatchedUpstream, now: Instant): void {
    const { id, endpoints } = upstream;
    const available = endpoints.find((one) => isAvailable(one, now));
    if (available !== undefined) {
      this.#wereAvailable.add(id);
      this.#end(id, available, 'available');
      return;
    }
    const known = this.#outages.get(id);
    const isOut =
      endpoints.length === 0 ||
      endpoints.some((one) => isUnavailable(one) || (known !== undefined && isClass(one, 'tried')));
    if (!isOut || !this.#sources.isOpen(id)) {
      // An operator has taken the endpoints out of use, or has closed the routes.
      this.#end(id, null, 'closed');
      return;
    }
    const outage = known ?? { since: now, isReported: false };
    this.#outages.set(id, outage);
    if (outage.isReported || now - outage.since < this.#persistsMs(upstream) || this.#sources.isReported(upstream))
      return;
    outage.isReported = true;
    this.#report(upstream);
  }

  #persistsMs({ id, application }: WatchedUpstream): number {
    if (this.#wereAvailable.has(id)) return persistsMs;
    return (application ?? null) === null ? firstMs : Infinity;
  }

  #report(upstream: WatchedUpstream): void {
    const { id, application, endpoints } = upstream;
    this.#events.emit({
      kind: 'upstream_unavailable',
      subject: `upstream:${id}`,
      to: 'unavailable',
      reason: reasonOf(upstream),
      evidence: { upstream: id, application: application ?? null, endpoints: endpoints.length, fix: fixOf(upstream) },
    });
  }

  #end(id: string, available: EndpointSnapshot | null, to: 'available' | 'closed' | 'removed'): void {
    const outage = this.#outages.get(id);
    this.#outages.delete(id);
    if (outage?.isReported !== true) return;
    const reasons = {
      available: available === null ? '' : availableReason(id, available),
      closed: `upstream ${id} was taken out of use by an operator`,
      removed: `the configuration has no upstream ${id} any more`,
    };
    this.#events.emit({
      kind: 'upstream_unavailable',
      subject: `upstream:${id}`,
      from: 'unavailable',
      to,
      reason: reasons[to],
      evidence: { upstream: id, application: null, endpoints: 0, fix: null },
    });
  }
}

/**
 * `tried`: its circuit breaker lets single requests through, which shows whether it works: it neither begins nor ends an outage.
 * `left_out`: an operator or the endpoint itself has taken it out.
 */
const classes: Readonly<Record<EndpointState, 'available' | 'tried' | 'unavailable' | 'left_out'>> = {
  healthy: 'available',
  unchecked: 'available',
  probation: 'available',
  // Where no other endpoint is left, ejected ones get the requests.
  ejected: 'available',
  half_open: 'tried',
  circuit_open: 'unavailable',
  draining: 'left_out',
  unknown: 'unavailable',
  starting: 'unavailable',
  unhealthy: 'unavailable',
  gone: 'unavailable',
};

/** Operators take endpoints out under states of other reasons. */
function isClass({ state, takenOutBy }: EndpointSnapshot, one: (typeof classes)[EndpointState]): boolean {
  return classes[state] === one && takenOutBy === undefined;
}

const isUnavailable = (endpoint: EndpointSnapshot): boolean => isClass(endpoint, 'unavailable');

function isAvailable(endpoint: EndpointSnapshot, now: Instant): boolean {
  return isClass(endpoint, 'available') || (isClass(endpoint, 'tried') && now - endpoint.sinceInstant >= triedMs);
}

const nameOf = ({ instance, address }: EndpointSnapshot): string => instance ?? addressText(address);

function reasonOf({ id, endpoints }: WatchedUpstream): string {
  const first = endpoints.find(isUnavailable) ?? endpoints.find((one) => isClass(one, 'tried'));
  if (first === undefined) return `upstream ${id} has no endpoint any more`;
  const [count, what] = [endpoints.length, first.instance === undefined ? 'endpoint' : 'instance'];
  const none =
    count === 1
      ? `the only ${what} of upstream ${id} is not available`
      : `none of the ${count} ${what}s of upstream ${id} is available`;
  return `${none}; ${nameOf(first)}: ${first.reason.replace(/\.$/, '')}`;
}

function availableReason(id: string, endpoint: EndpointSnapshot): string {
  const which = `the endpoint ${nameOf(endpoint)} of upstream ${id}`;
  return isClass(endpoint, 'tried')
    ? `requests to ${which} are tried, and none has failed for a minute`
    : `${which} is available`;
}

function fixOf({ application, endpoints }: WatchedUpstream): string {
  const fix = endpoints.find(({ finding }) => finding?.fix != null)?.finding?.fix ?? null;
  if (fix !== null) return `${upperFirst(fix)}.`;
  if (endpoints.some(({ state }) => state === 'circuit_open' || state === 'half_open'))
    return 'See why its requests fail: `candor events` has their causes (`health_disagreement`). Three answers close the circuit breaker again.';
  const first = endpoints.find(isUnavailable);
  return application === null || application === undefined
    ? `See whether ${first === undefined ? 'the endpoints run' : `the program at ${addressText(first.address)} runs`} and can be reached from this machine; if so, correct the \`check\` of the upstream in the configuration.`
    : 'See why its instances are not ready: `candor events --full` has their last output. Then correct the application or its `readiness`.';
}
