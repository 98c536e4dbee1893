import type { WorkerCounts } from '../core/counters.ts';
import { meaningOf } from '#failures/errno-meaning.ts';
import { tlsAlertOf } from '../core/tls-codes.ts';

/**
 * A lost client connection has the same consequence whatever its error code is. A code that the tables do not have is counted
 * nevertheless, so that it is found and added.
 */
export function noteLoss(errno: string | null, counts: WorkerCounts): void {
  if (errno === null || errno.startsWith('ERR_SSL_') || tlsAlertOf(errno) !== null) return; // What a TLS client says at its end.
  if (meaningOf(errno) === null) counts.unclassifiedTotal++;
}
