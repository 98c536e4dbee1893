import type { LiveInstance } from '../core/live-instance.ts';
import type { Release } from '../core/release.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import type { Instant } from '../core/time.ts';
import type { ReleaseRefusal } from '../deploy/release-refusal.ts';
import type { Rollout } from '../deploy/rollout.ts';

/** What keeps an instance from being ready and lasts may still be a program that has not loaded all of itself. */
const lastingMs = 10_000;

export const isEjected = ({ state }: EndpointSnapshot): boolean =>
  state === 'ejected' || state === 'probation' || state === 'circuit_open' || state === 'half_open';

/** `release`: the one that is being rolled out; null: none is, since there is none. */
export const busy = (release: string | null): ReleaseRefusal =>
  release === null
    ? { kind: 'source', reason: 'The application has no release yet.', step: 'Deploy one with `candor deploy`.' }
    : {
        kind: 'source',
        reason: `${release} is being rolled out.`,
        step: 'Wait for its end (`candor releases`), or abort it (`candor rollback`).',
      };

export const sameReason = 'it was already, with the same files, command and environment; nothing was changed';

export const same = ({ name }: Release): ReleaseRefusal => ({
  ...{ kind: 'source', reason: `The release ${name} is in force already.` },
  step: 'See what can be gone back to with `candor releases`.',
});

export const handedOver: ReleaseRefusal = {
  kind: 'aborted',
  reason: 'Another process takes over, or the gateway stops.',
  step: 'Nothing was changed. Ask again when it serves (`candor status`).',
};

export const nothingToDo: ReleaseRefusal = {
  kind: 'source',
  reason: 'No release is being rolled out.',
  step: 'See what was with `candor releases`.',
};

/** Why an instance will not be ready, whatever the time that is left. */
export function hopelessText({ id, state, reason, finding, sinceInstant }: LiveInstance, now: Instant): string | null {
  if (state === 'healthy' || finding === null) return null;
  // Its last line is known when it waits for its next start.
  const endsAgain = (finding.exits ?? 0) >= 2 && finding.startsAtInstant !== undefined;
  const lasts = finding.lasting && now - sinceInstant >= lastingMs;
  if (endsAgain || lasts) return `${id} is not ready: ${reason}`;
  return null;
}

export function stepText(rollout: Rollout, { name }: Release, share: number): string {
  switch (rollout.state) {
    case 'shifting':
      return share === 0
        ? `${name} gets the requests of canary_for`
        : `${name} gets ${Math.round(100 * share)} % of the requests`;
    case 'comparing':
      return `${name} looks worse than before: three quarters of the requests go to the release before it, to compare them`;
    default:
      return `${name} gets all requests`;
  }
}
