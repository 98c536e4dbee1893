import { fail, type Failure } from '../core/failure.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import type { ExchangeState } from './state.ts';

export interface TimedExchange {
  onExchangeTimeout(): void;
}

/** Calls `onExchangeTimeout` when `limitMs` have passed since the first byte of the exchange's request. */
export function scheduleExchangeTimeout(clock: Clock, exchange: ExchangeState & TimedExchange, limitMs: number): Timer {
  return clock.schedule(after(exchange.startedAt, limitMs), reached, exchange);
}

function reached(exchange: TimedExchange): void {
  exchange.onExchangeTimeout();
}

/** The time for the whole exchange is over. `isSuspended`: a filter has the request. */
export function exchangeTimeoutFailure(exchange: ExchangeState, address: string | null, isSuspended: boolean): Failure {
  const limitMs = exchange.requireRoute().timeouts.exchangeMs ?? 0;
  const stage = isSuspended ? 'filter' : exchange.committed ? 'body' : 'response';
  return fail('exchange_timeout', stage, { address, limitMs });
}
