import type { RetriedTotal } from '../summary-report.ts';
import { findingShapeWords, gatewayWords, timeAfter, timeText } from './finding-words.ts';

/** 'nginx: unreachable (connection_refused) at 10.0.0.1:3000, 2026-11-21 12:03:07 to 12:05:09'. */
export function retriedWords({ gateway, upstream, shape, type, firstMs, lastMs }: RetriedTotal): string {
  const what = `${findingShapeWords[shape]}${type === null ? '' : ` (${type})`}`;
  const where = upstream === null ? '' : ` at ${upstream}`;
  return `${gatewayWords[gateway]}: ${what}${where}${spanOf(firstMs, lastMs)}`;
}

function spanOf(firstMs: number | null, lastMs: number | null): string {
  if (firstMs === null || lastMs === null) return '';
  const [first, last] = [timeText(firstMs), timeText(lastMs)];
  return first === last ? `, ${first}` : `, ${first} to ${timeAfter(lastMs, firstMs)}`;
}
