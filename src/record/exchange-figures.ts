import type { Cause } from '../core/failure.ts';
import { durationBoundsMs, type ExchangeCount } from '../core/counters.ts';

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

/** Between the bounds of the cell in which it lies, as if its durations were spread evenly there. */
export function percentileMs(durations: Float64Array, share: number): number | null {
  let total = 0;
  for (const count of durations) total += count;
  if (total === 0) return null;
  const wanted = share * total;
  let below = 0;
  for (let cell = 0; cell < durations.length; cell++) {
    const count = durations[cell] as number;
    if (count > 0 && below + count >= wanted) {
      const from = cell === 0 ? 0 : (durationBoundsMs[cell - 1] as number);
      const to = durationBoundsMs[cell] ?? from;
      return round(from + ((to - from) * (wanted - below)) / count, 2);
    }
    below += count;
  }
  return null;
}

export function round(value: number, digits: number): number {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor;
}
