import { join } from 'node:path';
import type { ApplicationSpec } from '../core/configuration.ts';
import type { ArmName } from '../core/endpoint-release.ts';
import type { Release } from '../core/release.ts';
import { type ApplicationArm, oneArm } from '../deploy/application-arm.ts';
import { drawnShareOf, type Rollout } from '../deploy/rollout.ts';
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
  if (spec.of !== undefined) return [workerArm(spec, { folder, inForce, running })];
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

/** While a release is compared again it keeps the workers: they would change twice in a minute otherwise. */
const isWithWorkers: ReadonlySet<Rollout['state']> = new Set(['baking', 'comparing', 'promoted']);

/** A worker gets no requests of which it could have a share: it runs the new release as soon as that has all requests. */
function workerArm(
  spec: ApplicationSpec,
  { folder, inForce, running }: Pick<PresentReleases, 'folder' | 'inForce' | 'running'>,
): ApplicationArm {
  const release = running === null ? inForce : isWithWorkers.has(running.rollout.state) ? running.to : running.from;
  if (release === null) return { name: 'old', share: 1, spec };
  const ofRelease = specOfRelease(spec, release, folder);
  const { command, ownEnvironment = {} } = spec;
  // One that the release does not have was added since: it runs as the configuration says, with the files of the release.
  const released = release.workers?.[spec.id] ?? { command, environment: ownEnvironment };
  const environment = { ...ofRelease.environment, ...released.environment };
  return { name: 'new', share: 1, spec: { ...ofRelease, command: released.command, environment } };
}

/** Where the files of the release lie that gets requests, and of the one before while that is kept. Null: nothing was deployed. */
export function foldersOf({ folder, inForce, warm, running }: PresentReleases): {
  readonly present: string;
  readonly previous: string | null;
} | null {
  const of = (release: Release): string => directoryOf(release, folder);
  if (running !== null)
    return isWithWorkers.has(running.rollout.state)
      ? { present: of(running.to), previous: of(running.from) }
      : { present: of(running.from), previous: null };
  return inForce === null ? null : { present: of(inForce), previous: warm === null ? null : of(warm) };
}

export function directoryOf({ tree, directory }: Release, folder: string): string {
  return tree === null ? directory : join(folder, tree, directory);
}

/** The application as the release has it. */
export function specOfRelease(spec: ApplicationSpec, release: Release, folder: string): ApplicationSpec {
  const { command, environment, name } = release;
  const directory = directoryOf(release, folder);
  return { ...spec, command, environment, directory, release: name };
}
