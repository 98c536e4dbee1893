import { countText } from '#failures/quantity-text.ts';
import type { VerdictState } from './service-verdict.ts';
import type { ServiceVerdict } from './schemas/status.ts';

/** What is known besides a verdict, which looks at the last seconds first. */
export interface ShownTraffic {
  /** Of the last minute. */
  readonly requests: number;
  readonly errors: number;
  /** Incidents that go on. */
  readonly incidents: number;
}

/** More failed requests than this are never shown as well. */
const errorShareMax = 0.01;

/** Whether more requests of the last minute failed than may be shown as well. One among others says little. */
export function failedTooMany({ requests, errors }: Pick<ShownTraffic, 'requests' | 'errors'>): boolean {
  return errors > requests * errorShareMax && (errors > 1 || requests === 1);
}

const overruled: readonly VerdictState[] = ['ok', 'idle', 'unknown'];

/**
 * The verdict as people see it, with the same word in the terminal and on pages. It is never good while requests of the last minute
 * failed, or while an incident goes on, although the requests of the last seconds went well.
 */
export function shownVerdict(verdict: ServiceVerdict, traffic: ShownTraffic): ServiceVerdict {
  if (!overruled.includes(verdict.state)) return verdict;
  const { requests, errors, incidents } = traffic;
  if (failedTooMany(traffic))
    return { state: 'degraded', reason: `${errors} of ${countText(requests, 'request')} failed in the last minute` };
  if (incidents === 0) return verdict;
  const reason = incidents === 1 ? 'an incident goes on' : `${incidents} incidents go on`;
  return { state: 'degraded', reason };
}
