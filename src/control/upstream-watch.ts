import { upperFirst } from '../core/first-letter.ts';
import { addressText, type EndpointState } from '../core/endpoint.ts';
import type { EventSink } from '../core/event.ts';
import type { EndpointSnapshot, UpstreamSnapshot } from '../core/snapshot.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';

/** An application that is started again after an exit, or a name that leads elsewhere, needs no operator. */
const persistsMs = 10_000;

/** The endpoints of an upstream may be started after the gateway. */
const firstMs = 60_000;

/** Changes within this time are looked at together. */
const lookAfterMs = 500;

/** An end shows in the states of endpoints, but routes can be closed meanwhile, and incidents can open, without a change of these. */
const lookAgainMs = 5000;

type WatchedUpstream = Pick<UpstreamSnapshot, 'id' | 'application' | 'endpoints'>;

/** Sources of `UpstreamWatch`, which are read at each look. */
export interface UpstreamSources {
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
    const available = endpoints.find(({ state }) => classes[state] === 'available');
    if (available !== undefined) {
      this.#wereAvailable.add(id);
      this.#end(id, available, 'available');
      return;
    }
    const isOut = endpoints.length === 0 || endpoints.some((one) => isUnavailable(one));
    if (!isOut || !this.#sources.isOpen(id)) {
      // An operator has taken the endpoints out of use, or has closed the routes.
      this.#end(id, null, 'closed');
      return;
    }
    const outage = this.#outages.get(id) ?? { since: now, isReported: false };
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
      available: `the endpoint ${available === null ? '' : nameOf(available)} of upstream ${id} is available`,
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

/** `left_out`: an operator, an endpoint or failed requests have taken it out; what follows for requests is an incident. */
const classes: Readonly<Record<EndpointState, 'available' | 'unavailable' | 'left_out'>> = {
  healthy: 'available',
  unchecked: 'available',
  probation: 'available',
  half_open: 'available',
  ejected: 'left_out',
  circuit_open: 'left_out',
  draining: 'left_out',
  unknown: 'unavailable',
  starting: 'unavailable',
  unhealthy: 'unavailable',
  gone: 'unavailable',
};

function isUnavailable({ state, takenOutBy }: EndpointSnapshot): boolean {
  return classes[state] === 'unavailable' && takenOutBy === undefined;
}

const nameOf = ({ instance, address }: EndpointSnapshot): string => instance ?? addressText(address);

function reasonOf({ id, endpoints }: WatchedUpstream): string {
  const first = endpoints.find((one) => isUnavailable(one));
  if (first === undefined) return `upstream ${id} has no endpoint any more`;
  const [count, what] = [endpoints.length, first.instance === undefined ? 'endpoint' : 'instance'];
  const none =
    count === 1
      ? `the only ${what} of upstream ${id} is not available`
      : `none of the ${count} ${what}s of upstream ${id} is available`;
  return `${none}; ${nameOf(first)}: ${first.reason.replace(/\.$/, '')}`;
}

function fixOf({ application, endpoints }: WatchedUpstream): string {
  const fix = endpoints.find(({ finding }) => finding?.fix != null)?.finding?.fix ?? null;
  if (fix !== null) return `${upperFirst(fix)}.`;
  return application === null || application === undefined
    ? 'See whether the endpoints run and can be reached: `candor status` has what the check of each one found.'
    : 'See in `candor status` why its instances are not ready.';
}
