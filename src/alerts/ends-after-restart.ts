import type { Alert, AlertKind } from '../core/alert.ts';
import { resolvedPrefix } from './alert-json.ts';
import type { OpenAlert } from './alert-ledger.ts';

/**
 * How long after its start a gateway has reported what still goes on. What an earlier process has reported and this one has not by then is over:
 * most often the restart has ended it. Null: such an alert goes on. Incidents have an end of their own, and the next attempt to obtain a certificate may be
 * hours away.
 */
export const settledAfterMs: Readonly<Record<AlertKind, number | null>> = {
  incident: null,
  certificate: null,
  gateway: 60_000,
  disk: 60_000,
  records: 60_000,
  slo: 60_000,
  // An instance may take minutes until it has failed, or has failed several times.
  release: 900_000,
  application: 900_000,
  // Reported again a minute after the start, or by the `release` of its application.
  upstream: 900_000,
};

/** The ends of what an earlier process has reported and this one, which started at the wall time `startedAt`, has not. `kinds`: those that are settled. */
export function endsAfterRestart(
  open: ReadonlyMap<string, OpenAlert>,
  seen: ReadonlySet<string>,
  kinds: readonly AlertKind[],
  { startedAt, now }: { readonly startedAt: number; readonly now: number },
): readonly Alert[] {
  return [...open].flatMap(([key, { alert }]): readonly Alert[] => {
    // What has a key of its own each time has no end.
    if (alert === undefined || seen.has(key) || key !== alert.about) return [];
    if (alert.kind === 'test' || !kinds.includes(alert.kind)) return [];
    const since = new Date(startedAt).toISOString();
    const ended: Alert = {
      ...alert,
      id: `${alert.id}-restart-${startedAt}`,
      key,
      at: now,
      change: 'resolved',
      severity: 'info',
      title: `${resolvedPrefix}${alert.title}`,
      text: `The gateway has started again at ${since}, and has not seen this since.`,
      evidence: [],
      nextStep: null,
      steps: [],
    };
    return [ended];
  });
}
