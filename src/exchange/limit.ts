import { fail, type Failure } from '../core/failure.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import type { ExchangeState } from './state.ts';

export interface LimitedExchange {
  onLimitReached(): void;
}

/** Calls back when the exchange, from the first byte of its request on, has taken `limitMs`. */
export function limitExchange(clock: Clock, exchange: ExchangeState & LimitedExchange, limitMs: number): Timer {
  return clock.schedule(after(exchange.startedAt, limitMs), reached, exchange);
}

function reached(exchange: LimitedExchange): void {
  exchange.onLimitReached();
}

/** No time is left, whoever is slow. `isSuspended`: a filter has the request. */
export function exchangeTimeout(exchange: ExchangeState, address: string | null, isSuspended: boolean): Failure {
  const limitMs = exchange.routeFound().timeouts.exchangeMs ?? 0;
  const stage = isSuspended ? 'filter' : exchange.committed ? 'body' : 'response';
  return fail('exchange_timeout', stage, { address, limitMs });
}
