import type { ClientLimits } from '../core/listener-spec.ts';
import type { WorkerCounts } from '../core/counters.ts';
import { fail, type Failure } from '#failures/failure.ts';
import type { AddressSemaphores, Semaphore } from '../core/semaphores.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import type { ConnectionAdmission } from '../downstream/ports.ts';
import { AddressRate } from '../policy/address-rate.ts';
import { FloodDelays } from '../policy/flood-delays.ts';
import { addressKey } from '../policy/ip-address.ts';
import { isPrivateAddress } from '../policy/private-address.ts';

interface AdmissionParts {
  readonly clock: Clock;
  readonly counts: WorkerCounts;
  /** Client connections of all workers together. */
  readonly connections: Semaphore;
  readonly addresses: AddressSemaphores;
  /** Trusted peers carry the connections of many clients. */
  readonly isTrusted: (address: string) => boolean;
}

/**
 * Each try waits some 20 ms for the thread that holds the lock. On a busy machine the system may suspend that
 * thread for longer. A delay of less than half a second is better than a needless reset. The
 * worker does nothing else meanwhile, and the main thread gives up a worker that does not answer for three
 * seconds.
 */
const tryMs = 20;
const waitMsMax = 400;

/** After a wait in vain no client waits for this time, because the next clients have already come. */
const pauseMs = 1000;
const pausedTryMs = 1;

/**
 * How many refused connections a worker answers at a time. Each may hold as much as a request head; further ones
 * are reset, so that a flood costs no more than before.
 */
const refusalsMax = 64;

/** A client that receives this closes other connections, or waits for its turn. */
const retryAfterS = 5;

/**
 * Requests that clients abandon with their connections: 10,000 at once, which a load test may have in flight when it ends, then 200 a
 * second. Without a limit a client could begin 128 requests for the price of each connection.
 */
const abandonedPerS = 200;
const abandonedBurstMs = 50_000;

/** An office that opens its browsers, or clients that come back after a restart, begin as many TLS handshakes at once as otherwise in this time. */
const handshakesBurstMs = 5000;

/** Clients with this key are not counted. */
const uncountedKey = '';

/**
 * Decides which clients may connect: up to the limit of all workers together, and up to a limit for one address. A
 * connection beyond that is counted, reported, and answered with the reason, or reset while `refusalsMax` are
 * being answered.
 */
export class WorkerAdmission implements ConnectionAdmission {
  readonly #parts: AdmissionParts;
  readonly #handshakes = new AddressRate();
  readonly #floods = new FloodDelays();
  readonly #abandoned = new AddressRate();
  #pausesUntil: Instant;
  /** Why the last connection was refused; null if the connection is reset without a response. */
  #refusal: Failure | null = null;
  #refusals = 0;

  constructor(parts: AdmissionParts) {
    this.#parts = parts;
    this.#pausesUntil = parts.clock.now();
  }

  acquire(address: string, limits: ClientLimits): string | null {
    const { clock, connections } = this.#parts;
    const beganAt = clock.now();
    while (!connections.tryAcquire(limits.connectionsMax, clock.now(), this.#tryMs(beganAt))) {
      if (!connections.hasRoom(limits.connectionsMax)) return this.#refusedAtMax(address, limits);
      if (!this.#mayWait(beganAt)) return this.#refused(address, 'refusedUncounted');
    }
    const key = this.#acquireAddress(address, limits, beganAt);
    if (key === null) connections.release(limits.connectionsMax, pausedTryMs);
    return key;
  }

  acquireAddress(address: string, limits: ClientLimits): string | null {
    return this.#acquireAddress(address, limits, this.#parts.clock.now());
  }

  #acquireAddress(
    address: string,
    { connectionsPerAddressMax, ipv6PrefixBits }: ClientLimits,
    beganAt: Instant,
  ): string | null {
    const { addresses, isTrusted } = this.#parts;
    if (connectionsPerAddressMax === null || isTrusted(address)) return uncountedKey;
    const key = addressKey(address, ipv6PrefixBits);
    for (;;) {
      const answer = addresses.tryAcquire(key, connectionsPerAddressMax, this.#tryMs(beganAt));
      if (answer === 'acquired') return key;
      // A full table counts as an address at its limit: a client that cannot be counted cannot be limited.
      if (answer !== 'busy') return this.#refusedAtAddressMax(address, connectionsPerAddressMax);
      if (!this.#mayWait(beganAt)) return this.#refused(address, 'refusedUncounted');
    }
  }

  #tryMs(beganAt: Instant): number {
    return beganAt < this.#pausesUntil ? pausedTryMs : tryMs;
  }

  /** Whether a client that came at `beganAt` and found the lock held may try again. */
  #mayWait(beganAt: Instant): boolean {
    if (beganAt < this.#pausesUntil) return false;
    const now = this.#parts.clock.now();
    if (now - beganAt < waitMsMax) return true;
    this.#pausesUntil = after(now, pauseMs);
    return false;
  }

  #refused(address: string, why: 'refusedAtMax' | 'refusedAtAddressMax' | 'refusedUncounted'): null {
    const { counts } = this.#parts;
    counts[why]++;
    counts.clientConnectionsRefused++;
    counts.lastRefusedAddress = address;
    this.#refusal = null;
    return null;
  }

  #refusedAtMax(address: string, { connectionsMax: limit }: ClientLimits): null {
    this.#refused(address, 'refusedAtMax');
    this.#refusal = fail('too_many_connections', 'request', { limit, retryAfterS });
    return null;
  }

  #refusedAtAddressMax(address: string, limit: number): null {
    this.#refused(address, 'refusedAtAddressMax');
    this.#parts.counts.lastAddressAtMax = address;
    const isPrivate = isPrivateAddress(address);
    this.#refusal = fail('too_many_connections_from_address', 'request', { address, limit, isPrivate, retryAfterS });
    return null;
  }

  tryBeginRefusal(): Failure | null {
    if (this.#refusal === null || this.#refusals >= refusalsMax) return null;
    this.#refusals++;
    return this.#refusal;
  }

  endRefusal(): void {
    this.#refusals--;
  }

  handshakeDelayMs(address: string, { handshakesPerSecondMax: max, ipv6PrefixBits, headMs }: ClientLimits): number {
    const { clock, isTrusted, counts } = this.#parts;
    if (max === null || isTrusted(address)) return 0;
    const key = addressKey(address, ipv6PrefixBits);
    // As much of `head_timeout` is left for the handshake itself.
    const delayMs = this.#handshakes.takeWithin(headMs / 2, key, max, clock.now(), 1, handshakesBurstMs);
    if (delayMs > 0 && delayMs < Infinity) {
      counts.handshakesDelayed++;
      counts.lastDelayedHandshake = address;
    }
    return delayMs;
  }

  noteFlood(address: string, { ipv6PrefixBits }: ClientLimits): number {
    const { clock, isTrusted } = this.#parts;
    return isTrusted(address) ? 0 : this.#floods.note(addressKey(address, ipv6PrefixBits), clock.now());
  }

  noteAbandoned(address: string, count: number, limits: ClientLimits): number {
    const { clock, isTrusted } = this.#parts;
    if (isTrusted(address)) return 0;
    const key = addressKey(address, limits.ipv6PrefixBits);
    const isAllowed = this.#abandoned.tryTake(key, abandonedPerS, clock.now(), count, abandonedBurstMs);
    return isAllowed ? 0 : this.noteFlood(address, limits);
  }

  hasFlooded(address: string, limits: ClientLimits): boolean {
    return this.#delayOf(address, limits) > 0;
  }

  delayMs(address: string, limits: ClientLimits): number {
    const delayMs = this.#delayOf(address, limits);
    if (delayMs > 0) this.#parts.counts.clientConnectionsDelayed++;
    return delayMs;
  }

  #delayOf(address: string, { ipv6PrefixBits }: ClientLimits): number {
    if (this.#floods.size === 0) return 0; // Nearly always.
    const { clock, isTrusted } = this.#parts;
    return isTrusted(address) ? 0 : this.#floods.delayOf(addressKey(address, ipv6PrefixBits), clock.now());
  }

  release(key: string, limits: ClientLimits): void {
    this.releaseAddress(key);
    this.#parts.connections.release(limits.connectionsMax);
  }

  releaseAddress(key: string): void {
    if (key !== uncountedKey) this.#parts.addresses.release(key);
  }
}
