import { fail, type Failure } from '#failures/failure.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import type { ExchangeState } from './state.ts';
import { headerId } from '../core/header-names.ts';
import type { RequestHead } from '../core/message.ts';
import { grpcContentType } from './grpc-answer.ts';

const grpcTimeoutId = headerId('grpc-timeout');

/** How many milliseconds the client of a gRPC call, or of gRPC-Web, waits for its end; null if it does not say. */
function grpcTimeoutMs({ headers }: Pick<RequestHead, 'headers'>): number | null {
  if (!headers.hasId(grpcTimeoutId) || grpcContentType(headers.get('content-type')) === null) return null;
  return parseGrpcTimeout(headers.get('grpc-timeout') ?? '');
}

/**
 * The value of `grpc-timeout`: at most eight digits and a unit. Rounded up to whole milliseconds. Null if it is malformed,
 * which the application judges, or longer than a timer can run.
 */
export function parseGrpcTimeout(value: string): number | null {
  if (!/^\d{1,8}[HMSmun]$/.test(value)) return null;
  const ms = Math.ceil(Number(value.slice(0, -1)) * msOf(value.slice(-1)));
  return ms > timerMaxMs ? null : ms;
}

/** 24 days. */
const timerMaxMs = 2 ** 31 - 1;

function msOf(unit: string): number {
  switch (unit) {
    case 'H':
      return 3_600_000;
    case 'M':
      return 60_000;
    case 'S':
      return 1000;
    case 'm':
      return 1;
    case 'u':
      return 1e-3;
    default:
      return 1e-6;
  }
}

export interface TimedExchange {
  onExchangeTimeout(): void;
}

/**
 * Calls `onExchangeTimeout` when the time for the exchange has passed since the first byte of its request: the limit of its
 * route or the deadline of a gRPC client, whichever is earlier. Null: there is neither.
 */
export function scheduleExchangeTimeout(
  clock: Clock,
  exchange: ExchangeState & TimedExchange,
  routeMs: number | null,
): Timer | null {
  const limitMs = earlier(routeMs, grpcTimeoutMs(exchange.request));
  return limitMs === null ? null : clock.schedule(after(exchange.startedAt, limitMs), reached, exchange);
}

/** How long the exchange may still take; Infinity without a limit, or without a route. */
export function remainingMs(exchange: ExchangeState, now: Instant): number {
  const routeMs = exchange.matchedRoute?.timeouts.exchangeMs ?? null;
  const limitMs = earlier(routeMs, grpcTimeoutMs(exchange.request)) ?? Infinity;
  return exchange.startedAt + limitMs - now;
}

/**
 * The failure of a request whose time was over before an endpoint was chosen: in the queue of its connection, or by a gRPC deadline
 * such as `0S`. Null: it has time left.
 */
export function earlyTimeoutFailure(
  exchange: ExchangeState,
  queuedForMs: number | undefined,
  clock: Clock,
): Failure | null {
  if (remainingMs(exchange, clock.now()) > 0) return null;
  const evidence = { address: null, ...limitOf(exchange) };
  if (queuedForMs === undefined || queuedForMs < 0)
    return fail('exchange_timeout', 'route', { ...evidence, overAtStart: true });
  return fail('exchange_timeout', 'queue', { ...evidence, queuedMs: queuedForMs });
}

function earlier(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : Math.min(a, b);
}

function reached(exchange: TimedExchange): void {
  exchange.onExchangeTimeout();
}

/** The time for the whole exchange is over. `isSuspended`: a filter has the request. */
export function exchangeTimeoutFailure(exchange: ExchangeState, address: string | null, isSuspended: boolean): Failure {
  const stage = isSuspended ? 'filter' : exchange.committed ? 'body' : awaitsBody(exchange) ? 'request' : 'response';
  return fail('exchange_timeout', stage, { address, ...limitOf(exchange) });
}

function limitOf(exchange: ExchangeState): { limitMs: number; setBy?: 'client' } {
  const routeMs = exchange.requireRoute().timeouts.exchangeMs;
  const clientMs = grpcTimeoutMs(exchange.request);
  if (clientMs !== null && (routeMs === null || clientMs < routeMs)) return { limitMs: clientMs, setBy: 'client' };
  return { limitMs: routeMs ?? 0 };
}

function awaitsBody({ requestBuffer, requestComplete, attempts }: ExchangeState): boolean {
  return requestBuffer !== null && !requestComplete && attempts.length === 0;
}
