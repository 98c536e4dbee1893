import type { Failure } from '#failures/failure.ts';
import type { ReadyWaiter } from '../core/stream.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import type { ExchangeState } from './state.ts';

export interface EndpointWaitOwner extends Pick<ExchangeState, 'waitedMs' | 'requireUpstream'> {
  /** An endpoint may get the request now. `failure`: as below. */
  onEndpointReady(failure: Failure | null): void;
  /** No endpoint has become ready in time. `failure`: of the last attempt; null if there was none. */
  onNoEndpointReady(failure: Failure | null): void;
}

/**
 * How long a process that ends may need to close its listener after its connections. With ten processes to a core, 9 of 150 requests that
 * lost their process and were repeated at once were accepted by it a second time, and lost again.
 */
export const processEndMs = 50;

/** The wait of an exchange before its next attempt: until an endpoint is ready, or until a process that may have ended has closed its listener. */
export class EndpointWait implements ReadyWaiter {
  readonly #owner: EndpointWaitOwner;
  readonly #clock: Clock;
  readonly #failure: Failure | null;
  readonly #since: Instant;
  #pending: { cancel(): void } | null = null;

  private constructor(owner: EndpointWaitOwner, clock: Clock, failure: Failure | null) {
    this.#owner = owner;
    this.#clock = clock;
    this.#failure = failure;
    this.#since = clock.now();
  }

  /** Null if the upstream lets no request wait now. */
  static begin(owner: EndpointWaitOwner, clock: Clock, failure: Failure | null): EndpointWait | null {
    const wait = new EndpointWait(owner, clock, failure);
    wait.#pending = owner.requireUpstream().waitUntilReady?.(wait, Math.max(0, owner.waitedMs)) ?? null;
    return wait.#pending === null ? null : wait;
  }

  /** Waits until a process that may have ended has had time to close its listener too. */
  static forProcessEnd(owner: EndpointWaitOwner, clock: Clock, failure: Failure): EndpointWait {
    const wait = new EndpointWait(owner, clock, failure);
    wait.#pending = clock.schedule(after(clock.now(), processEndMs), becomesReady, wait);
    return wait;
  }

  onReady(): void {
    this.#end();
    this.#owner.onEndpointReady(this.#failure);
  }

  onNotReady(): void {
    this.#end();
    this.#owner.onNoEndpointReady(this.#failure);
  }

  cancel(): void {
    if (this.#pending === null) return;
    this.#pending.cancel();
    this.#end();
  }

  #end(): void {
    this.#pending = null;
    this.#owner.waitedMs = Math.max(0, this.#owner.waitedMs) + (this.#clock.now() - this.#since);
  }
}

function becomesReady(wait: EndpointWait): void {
  wait.onReady();
}
