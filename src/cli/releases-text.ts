import type { NotInForce, RolloutStatus } from '../core/schemas/releases.ts';
import { rolloutText } from '../diagnose/rollout-text.ts';

/** 'The configuration has another command and another environment (LOG_LEVEL) than r2, which is in force: …'. */
export function notInForceText({ command, environment }: NotInForce, inForce: string): string {
  const parts = [
    ...(command ? ['another command'] : []),
    ...(environment.length === 0 ? [] : [`another environment (${environment.join(', ')})`]),
  ];
  return `The configuration has ${parts.join(' and ')} than ${inForce}, which is in force: the next deployment uses it.`;
}

/** What `candor status` says of an application that was deployed. */
export function releasesText(inForce: string, rollout: RolloutStatus | null): string {
  const next = rollout === null ? '' : `; ${rollout.to} ${rolloutText(rollout)}`;
  return `${inForce} is in force${next}`;
}
