import type { RequestPriority } from '../core/route-spec.ts';
import type { AttemptFacts, ClientFacts } from '../core/exchange.ts';
import type { Failure } from '#failures/failure.ts';
import type { Instant } from '../core/time.ts';

export interface TurnWaiter {
  onTurn(): void;
  onNoTurn(failure: Failure): void;
}

/** What a gate is told of an exchange that it has let through. */
export interface AdmittedExchange {
  readonly startedAt: Instant;
  readonly attempts: readonly AttemptFacts[];
  readonly client: Pick<ClientFacts, 'address'>;
}

/** A request that waits for its turn. */
export interface GateTurn {
  /** It has neither got its turn nor left. */
  readonly isWaiting: boolean;
  cancel(): void;
}

/** What a request must pass before it is sent: the circuit breaker of its route, or a bound of requests in flight. */
export interface RequestGate {
  /** 'admitted': `leave` must follow. A turn: it waits, and hears of it. `remainingMs`: how long it may still take altogether. */
  enter(waiter: TurnWaiter, priority: RequestPriority, remainingMs: number): 'admitted' | GateTurn | Failure;
  leave(waiter: TurnWaiter): void;
  /** The request that was admitted at `admittedAt` needs no endpoint any more: `exchange` has its attempts. `leave` follows. */
  noteEnd(waiter: TurnWaiter, exchange: AdmittedExchange, admittedAt: Instant): void;
}

/** What requests of a route must pass, and in which order they do where others wait. */
export interface RouteBounds {
  readonly bounds: readonly RequestGate[];
  readonly priority: RequestPriority;
}
