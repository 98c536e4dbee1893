import { join } from 'node:path';
import type { ApplicationSpec } from '../core/configuration.ts';
import type { ArmName } from '../core/endpoint-release.ts';
import type { Release } from '../core/release.ts';
import { type ApplicationArm, oneArm } from '../deploy/application-arm.ts';
import { drawnShareOf } from '../deploy/rollout.ts';
import type { RunningRollout } from './running-rollout.ts';

interface PresentReleases {
  /** Of the trees. */
  readonly folder: string;
  readonly inForce: Release | null;
  readonly warm: Release | null;
  readonly running: RunningRollout | null;
}

/** Which releases the supervisor is to run, each with its share of the requests. */
export function armsOf(
  spec: ApplicationSpec,
  { folder, inForce, warm, running }: PresentReleases,
): readonly [ApplicationArm, ...ApplicationArm[]] {
  const arm = (name: ArmName, release: Release, share: number | null): ApplicationArm => ({
    ...{ name, share },
    spec: specOfRelease(spec, release, folder),
  });
  if (running !== null) {
    const { from, to, rollout, plan } = running;
    if (rollout.state === 'preparing') return [arm('old', from, 1)];
    if (plan.strategy === 'rolling') return [arm('new', to, 1)];
    const share = drawnShareOf(rollout, plan);
    return [arm('old', from, 1 - (share ?? 0)), arm('new', to, share)];
  }
  if (inForce === null) return oneArm(spec);
  // Two releases cannot have one port.
  return warm === null || spec.port !== null ? [arm('new', inForce, 1)] : [arm('new', inForce, 1), arm('old', warm, 0)];
}

/** The application as the release has it. */
export function specOfRelease(spec: ApplicationSpec, release: Release, folder: string): ApplicationSpec {
  const { command, environment, name } = release;
  const directory = release.tree === null ? release.directory : join(folder, release.tree, release.directory);
  return { ...spec, command, environment, directory, release: name };
}
