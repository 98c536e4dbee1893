import type { Cause } from '../core/failure.ts';
import { type ExchangeCount, startOfDuration } from '../core/counters.ts';
import { quantile, type ValueRange } from '../core/quantile.ts';

/** An operator has closed the route, or holds its requests. */
const closedByOperator: ReadonlySet<string> = new Set<Cause>(['maintenance', 'pause_timeout', 'pause_full']);

/** Whether the gateway refused the requests because of a maintenance or a pause. */
export function isClosedByOperator({ cause }: Pick<ExchangeCount, 'cause'>): boolean {
  return closedByOperator.has(cause);
}

/** Any 5xx, and truncated responses. A client that left is not an error, and neither is what an operator has closed. */
export function isFailedCount(counted: ExchangeCount): boolean {
  if (isClosedByOperator(counted)) return false;
  const { shape, end, statusClass } = counted;
  return statusClass === '5xx' || (end === 'truncated' && shape !== 'client_abort');
}

/** The duration below which `share` of all are; null: there are none. */
export function quantileMs(cells: Float64Array, share: number, range: Readonly<ValueRange>): number | null {
  return quantile({ cells, startOf: startOfDuration, placement: 'spread', range }, share);
}
