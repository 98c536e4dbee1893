import type { Failure } from '#failures/failure.ts';
import type { AddressUse } from '../core/pooled-connection.ts';
import { isRefusal } from '../core/refusal.ts';
import type { EndpointSemaphores, Semaphore } from '../core/semaphores.ts';
import type { EndpointCondition } from '../core/schemas/gateway-state.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import type { Instant, Clock } from '../core/time.ts';
import { connectionsReserve, hasLittle, longLivedReserve } from '../policy/address-share.ts';
import { longLivedMax, type PoolSettings } from './pool-settings.ts';
import type { UpstreamPorts } from './ports.ts';
import { refusalBackoffMs } from './refusal.ts';
import { localEndpointSemaphores } from '../core/local-semaphore.ts';
import { ProbePermit } from '../core/probe-permit.ts';

/**
 * This worker's permits for requests in flight at an endpoint, where `connections.requests_max` bounds them over all workers: one for each request that has
 * a stream or is about to get one. `inFlight` is the number of those requests.
 */
class RequestPermits {
  #held = 0;
  /** Under which bound permits were acquired last. */
  #max = 1;

  get isHeld(): boolean {
    return this.#held > 0;
  }

  /** Whether a permit is held that no request in flight needs: it is for the first request that waits. */
  hasSpare(inFlight: number): boolean {
    return this.#held > inFlight;
  }

  /** Whether there is a permit for one more request, which came at `since`. */
  tryAcquire(requests: Semaphore, inFlight: number, max: number, since: Instant): boolean {
    this.#max = max;
    if (this.hasSpare(inFlight)) return true;
    if (!requests.tryAcquire(max, since)) return false;
    this.#held++;
    return true;
  }

  /** The caller looks at its queue after this. */
  releaseUnused(requests: Semaphore, inFlight: number): void {
    for (; this.#held > inFlight; this.#held--) requests.release(this.#max);
  }
}

/** Main judges by three answers, and hears of them within a tenth of a second: until then more would be at risk for nothing. */
const enough = 3;
const verdictMs = 1000;

/** Longer than nearly all requests take: what lasts longer, such as a download, keeps no endpoint out. */
const earlierMs = 5000;

/**
 * An endpoint on probation gets one request at a time, over all workers, or as many as its breaker lets through while it is half-open: this worker's
 * permits for them. `load` is the number of requests that the endpoint has in flight in this worker, without streams and tunnels: these last for hours.
 */
class ProbationPermit {
  readonly #clock: Clock;
  #permits: ProbePermit[] = [];
  /** Requests in flight that have taken so long that they have given their permit back. */
  #overdue = 0;
  /** Requests that it has got, and when the last one began. */
  #given = 0;
  #lastAt: Instant | null = null;
  /** Since when requests that came before the probation keep others back; null: they do not. */
  #blockedSince: Instant | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get isHeld(): boolean {
    return this.#permits.length > 0;
  }

  /** Whether `releaseUnused` has something to do. */
  get isInUse(): boolean {
    return this.#permits.length > 0 || this.#overdue > 0;
  }

  /** Requests that came before the probation must end first, or take long. `max`: at a time; `most`: until the verdict. */
  tryAcquire({ probation }: EndpointSemaphores, load: number, max: number, most: number): boolean {
    const inFlight = load - Math.min(this.#overdue, load);
    if (inFlight < this.#permits.length) return true;
    const now = this.#clock.now();
    const earlier = inFlight - this.#permits.length;
    if (earlier > 0) {
      this.#blockedSince ??= now;
      if (now - this.#blockedSince < earlierMs) return false;
      this.#overdue += earlier;
    }
    this.#blockedSince = null;
    if (this.#given >= most && this.#lastAt !== null && now - this.#lastAt < verdictMs) return false;
    if (!probation.tryAcquire(max, now)) return false;
    this.#given += 1;
    this.#lastAt = now;
    const permit: ProbePermit = new ProbePermit(this.#clock, () => {
      this.#permits = this.#permits.filter((one) => one !== permit);
      this.#overdue++;
      probation.release(max);
    });
    this.#permits.push(permit);
    return true;
  }

  /** The next probation begins anew. */
  end(): void {
    this.releaseUnused(0);
    this.#given = 0;
    this.#blockedSince = null;
  }

  /** Releases the permits that no request in flight needs. */
  releaseUnused(load: number): void {
    while (this.#permits.length > 0 && this.#permits.length + this.#overdue > load) {
      this.#permits[0]?.giveBack();
      this.#overdue--;
    }
    this.#overdue = Math.min(this.#overdue, load);
  }
}

/** The pool, as its permits see it. */
export interface PermitUser {
  /** Requests that have a stream, or wait for a connection that is being made or asked; none that is long-lived. */
  readonly inFlight: number;
  /** The same, and those in the queue. */
  readonly shortLived: number;
  /** Whether it has neither connections nor dials nor waiting requests. */
  readonly isEmpty: boolean;
  /** A permit may be free, or another worker needs that of an idle connection. */
  onWake(): void;
}

export type PoolCondition = Omit<EndpointCondition, 'endpoint' | 'state' | 'since_ms' | 'reason' | 'refusing'>;

/** The permits of one worker's pool, which all workers share: of connections, of requests in flight, of waiting requests, of probes; and the connect gate. */
export class PoolPermits {
  semaphores: EndpointSemaphores;
  #snapshot: EndpointSnapshot;
  #settings: PoolSettings;
  readonly #ports: UpstreamPorts;
  readonly #user: PermitUser;
  readonly #probation: ProbationPermit;
  readonly #requests = new RequestPermits();

  constructor(snapshot: EndpointSnapshot, settings: PoolSettings, ports: UpstreamPorts, user: PermitUser) {
    this.#snapshot = snapshot;
    this.#settings = settings;
    this.#ports = ports;
    this.#user = user;
    this.semaphores = semaphoresOf(snapshot, ports, () => user.onWake());
    this.#probation = new ProbationPermit(ports.clock);
  }

  update(snapshot: EndpointSnapshot, settings: PoolSettings): void {
    this.#moveSemaphores(snapshot);
    this.#snapshot = snapshot;
    this.#settings = settings;
    // The probation is over. In the next one another worker may test the endpoint, so the permit is released.
    if (snapshot.state !== 'probation' && snapshot.state !== 'half_open') this.#probation.end();
    if (settings.requestsMax === undefined) this.#requests.releaseUnused(this.semaphores.requests, 0);
  }

  /**
   * If `snapshot` names other semaphores, switches the pool to them as soon as it holds no permit. Until then the pool keeps the
   * old semaphores: the main thread gives them to another endpoint only when no worker holds a permit of them.
   */
  #moveSemaphores(snapshot: EndpointSnapshot): void {
    if (haveSameSemaphores(snapshot, this.#snapshot) || !this.#user.isEmpty) return;
    this.#releaseTurns();
    if (this.#probation.isHeld) return;
    closeSemaphores(this.semaphores);
    this.semaphores = semaphoresOf(snapshot, this.#ports, () => this.#user.onWake());
  }

  close(): void {
    closeSemaphores(this.semaphores);
  }

  /** What all workers hold of them together. */
  get condition(): PoolCondition {
    const { connections, longLived, requests, waitingRequests } = this.semaphores;
    const { total } = longLived;
    const { connectionsMax, requestsMax } = this.#settings;
    return {
      ...{ open: connections.total, idle: connections.idleTotal, waiting: waitingRequests.total },
      open_max: connectionsMax,
      ...(total === 0 ? {} : { long_lived: total, long_lived_max: this.longLivedMax }),
      ...(requestsMax === undefined ? {} : { in_flight: requests.total, in_flight_max: requestsMax }),
    };
  }

  /** Of the endpoint; undefined: its processes are not known to be stopped. */
  get stoppedPids(): readonly number[] | undefined {
    return this.#snapshot.stoppedPids;
  }

  // Refusals.

  /** Milliseconds since the endpoint refused a connection; null if the caller may connect. */
  msSinceRefusal(now: Instant): number | null {
    return this.semaphores.connectGate.msSinceRefusal(now, this.#refusalBackoffMs);
  }

  /** Whether the endpoint refused the last connection, less than `withinMs` ago. */
  refuses(withinMs = this.#refusalBackoffMs): boolean {
    return this.semaphores.connectGate.isClosed(this.#ports.clock, withinMs);
  }

  get #refusalBackoffMs(): number {
    return refusalBackoffMs(this.#snapshot.state !== 'unchecked');
  }

  noteFailedDial({ cause }: Failure): void {
    if (!isRefusal(cause)) return this.semaphores.connectGate.reopen(); // The dial failed, but was not refused.
    this.semaphores.connectGate.noteRefusal(this.#ports.clock.now());
    this.#ports.onRefused?.(this.#snapshot.id);
  }

  // Connections.

  tryConnect(waitingSince: Instant): boolean {
    return this.semaphores.connections.tryAcquire(this.#settings.connectionsMax, waitingSince);
  }

  releaseConnection(): void {
    this.semaphores.connections.release(this.#settings.connectionsMax);
  }

  get hasConnection(): boolean {
    return this.semaphores.connections.hasRoom(this.#settings.connectionsMax);
  }

  /**
   * Whether a request of this address must leave the connections that are free to other addresses. `inHand`: so many are about to become
   * free.
   */
  mustLeave(use: AddressUse | null, inHand: number, now: Instant): boolean {
    if (use === null) return false;
    const { connectionsMax } = this.#settings;
    const { connections, addresses } = this.semaphores;
    // The first question answers it for nearly all requests.
    if (connections.total < connectionsMax - connectionsReserve(connectionsMax, true)) return false;
    const reserve = connectionsReserve(connectionsMax, addresses.areSeveral(now));
    if (reserve === 0 || hasLittle(use.connections, reserve, addresses.workers)) return false;
    return connections.total - connections.idleTotal - inHand >= connectionsMax - reserve;
  }

  /** How many connections one address may have now. */
  addressMax(now: Instant): number {
    const { connectionsMax } = this.#settings;
    return connectionsMax - connectionsReserve(connectionsMax, this.semaphores.addresses.areSeveral(now));
  }

  // Long-lived connections.

  get longLivedMax(): number {
    return this.#ports.longLivedMax ?? longLivedMax;
  }

  /** The same of long-lived ones. */
  longLivedAddressMax(now: Instant): number {
    return this.longLivedMax - longLivedReserve(this.longLivedMax, this.semaphores.addresses.areSeveral(now));
  }

  /** Whether one more may be. 'all': there are as many as may be; 'address': the address has its share of them. */
  longLivedFull(use: AddressUse | null, now: Instant): 'all' | 'address' | null {
    const { longLived, addresses } = this.semaphores;
    const { total } = longLived;
    const max = this.longLivedMax;
    if (total >= max) return 'all';
    if (use === null || total < max - longLivedReserve(max, true)) return null;
    const reserve = longLivedReserve(max, addresses.areSeveral(now));
    return total < max - reserve || hasLittle(use.longLived, reserve, addresses.workers) ? null : 'address';
  }

  /** A connection that is in use becomes long-lived: then it is one of `connections.max` no more. False: it stays one. */
  tryLongLived(use: AddressUse | null, now: Instant): boolean {
    const { longLived } = this.semaphores;
    if (this.longLivedFull(use, now) !== null || !longLived.tryAcquire(this.longLivedMax, now)) return false;
    this.releaseConnection();
    return true;
  }

  releaseLongLived(): void {
    this.semaphores.longLived.release(this.longLivedMax);
  }

  // The queue.

  /** Whether a request may wait. 'full': as many wait as may; 'address': the rest of the queue is left to other addresses. */
  tryWait(use: AddressUse | null, now: Instant): 'waits' | 'full' | 'address' {
    const { queueMax } = this.#settings;
    const { waitingRequests, addresses } = this.semaphores;
    const reserve = connectionsReserve(queueMax, true);
    if (use !== null && reserve > 0 && waitingRequests.total >= queueMax - reserve) {
      // What it has waiting, and not its connections: these may all be another worker's.
      if (!hasLittle(use.waiting, reserve, addresses.workers) && addresses.areSeveral(now)) return 'address';
    }
    return waitingRequests.tryAcquire(queueMax, now) ? 'waits' : 'full';
  }

  endWait(): void {
    this.semaphores.waitingRequests.release(this.#settings.queueMax);
  }

  get mayWait(): boolean {
    return this.semaphores.waitingRequests.hasRoom(this.#settings.queueMax);
  }

  /**
   * Tells the other workers since when the first request waits for its turn or for a connection; null: none waits. True if a permit has become free
   * meanwhile: try again.
   */
  reportOldestWaiter(since: Instant | null): boolean {
    const { connectionsMax, requestsMax } = this.#settings;
    const { connections, requests } = this.semaphores;
    const hasTurn = this.hasTurn;
    const isFree = requestsMax !== undefined && requests.reportOldestWaiter(hasTurn ? null : since, requestsMax);
    return connections.reportOldestWaiter(hasTurn ? since : null, connectionsMax) || isFree;
  }

  // Requests in flight, and probes.

  /** Whether a request that came at `since` may be in flight now: then it has its permit. */
  mayBegin(since: Instant): boolean {
    const { requestsMax } = this.#settings;
    if (requestsMax === undefined) return true;
    return this.#requests.tryAcquire(this.semaphores.requests, this.#user.inFlight, requestsMax, since);
  }

  /** The same as far as this worker knows. */
  get mightBegin(): boolean {
    const { requestsMax } = this.#settings;
    return requestsMax === undefined || this.semaphores.requests.hasRoom(requestsMax);
  }

  /** Whether the request that is next lacks no permit but that of a connection. */
  get hasTurn(): boolean {
    return this.#settings.requestsMax === undefined || this.#requests.hasSpare(this.#user.inFlight);
  }

  /** Tries to get a permit for a request that tests an endpoint in probation. If true, the caller must send it at once. */
  tryProbation(route: string | undefined): boolean {
    const { state, probesMax = 1, probationRoutes: only } = this.#snapshot;
    if (only !== undefined && route !== undefined && !only.includes(route)) return false;
    // Where a breaker is half-open, requests have no other endpoint.
    const most = state === 'half_open' ? Infinity : Math.max(enough, probesMax);
    return this.#probation.tryAcquire(this.semaphores, this.#user.shortLived, probesMax, most);
  }

  /** Releases the permits that no request needs any more. The caller looks at its queue after this. */
  releaseUnused(): void {
    if (this.#probation.isInUse) this.#probation.releaseUnused(this.#user.shortLived);
    this.#releaseTurns();
  }

  #releaseTurns(): void {
    if (this.#requests.isHeld) this.#requests.releaseUnused(this.semaphores.requests, this.#user.inFlight);
  }
}

/** The semaphores that a snapshot names, which all workers share; without any, those of this worker alone. */
function semaphoresOf(
  { semaphores: handle }: EndpointSnapshot,
  ports: UpstreamPorts,
  onWake: () => void,
): EndpointSemaphores {
  return handle === undefined ? localEndpointSemaphores() : ports.semaphores.endpoint(handle, onWake);
}

function haveSameSemaphores({ semaphores: a }: EndpointSnapshot, { semaphores: b }: EndpointSnapshot): boolean {
  return a?.index === b?.index && a?.generation === b?.generation;
}

function closeSemaphores(semaphores: EndpointSemaphores): void {
  const { connections, longLived, requests, waitingRequests, probation } = semaphores;
  for (const semaphore of [connections, longLived, requests, waitingRequests, probation]) semaphore.close();
}
