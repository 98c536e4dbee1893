import { fail, type Failure } from '../core/failure.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import type { ExchangeState } from './state.ts';

export interface LimitedExchange {
  onLimitReached(): void;
}

/** Calls back when `limitMs` have passed since the first byte of the exchange's request. */
export function limitExchange(clock: Clock, exchange: ExchangeState & LimitedExchange, limitMs: number): Timer {
  return clock.schedule(after(exchange.startedAt, limitMs), reached, exchange);
}

function reached(exchange: LimitedExchange): void {
  exchange.onLimitReached();
}

/** The time for the whole exchange is over. `isSuspended`: a filter has the request. */
export function exchangeTimeout(exchange: ExchangeState, address: string | null, isSuspended: boolean): Failure {
  const limitMs = exchange.routeFound().timeouts.exchangeMs ?? 0;
  const stage = isSuspended ? 'filter' : exchange.committed ? 'body' : 'response';
  return fail('exchange_timeout', stage, { address, limitMs });
}
