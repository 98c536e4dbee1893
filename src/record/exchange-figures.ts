import { specOfCause } from '#failures/failure-texts.ts';
import type { Cause } from '#failures/failure.ts';
import { isGrpcServerError } from '../core/grpc-server-errors.ts';
import { type ExchangeCount, startOfDuration } from '../core/counters.ts';
import { quantile, type ValueRange } from '../core/quantile.ts';

/** An operator has closed the route, lets it answer nothing, or holds its requests. */
const closedByOperator: ReadonlySet<string> = new Set<Cause>([
  'maintenance',
  'closed_by_route',
  'pause_timeout',
  'pause_full',
]);

/** Whether the gateway refused the requests because an operator wants it so. */
export function isClosedByOperator({ cause }: Pick<ExchangeCount, 'cause'>): boolean {
  return closedByOperator.has(cause);
}

/**
 * Any 5xx, gRPC statuses that say the same, and truncated responses. A client that left is not an error, and neither is what an operator has closed, nor what
 * the gateway refuses since the request is wrong, such as with 501 or 505: every scanner sends some. What the client alone has caused is none of the service either.
 */
export function isFailedCount(counted: ExchangeCount): boolean {
  if (isClosedByOperator(counted) || counted.cause === 'request_refused' || counted.whose === 'client') return false;
  const { shape, end, statusClass } = counted;
  if (shape !== 'client_abort' && isFailedCall(counted)) return true;
  return statusClass === '5xx' || (end === 'truncated' && shape !== 'client_abort');
}

/**
 * Whether a gRPC response says that the server has failed: its HTTP status is 200. Of what the gateway answers itself, the failure decides: gRPC
 * has one status for a wrong request and a broken server.
 */
function isFailedCall({ grpcStatus, cause }: ExchangeCount): boolean {
  if (grpcStatus === null || grpcStatus === 'other') return false;
  if (cause !== 'none') {
    // Where the status depends on more than the cause, the request was wrong.
    const { status } = specOfCause(cause);
    return typeof status === 'number' && status >= 500;
  }
  return isGrpcServerError(grpcStatus === 'missing' ? -1 : Number(grpcStatus));
}

/** Whether the durations are of requests that were answered, and no lifetimes of tunnels and streams. */
export function hasLatency({ statusClass, isLongLived }: Pick<ExchangeCount, 'statusClass' | 'isLongLived'>): boolean {
  return statusClass !== '1xx' && isLongLived !== true;
}

/** The duration below which `share` of all are; null: there are none. */
export function quantileMs(cells: Float64Array, share: number, range: Readonly<ValueRange>): number | null {
  return quantile({ cells, startOf: startOfDuration, placement: 'spread', range }, share);
}
