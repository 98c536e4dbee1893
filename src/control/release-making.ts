import type { ApplicationSpec } from '../core/configuration.ts';
import type { ApplicationReleasesStatus, ReleaseOrigin, ReleasePlan, RolloutStatus } from '../core/schemas/releases.ts';
import type { Release, ReleasedWorkers, RolloutStrategy } from '../core/release.ts';
import type { Clock, Instant } from '../core/time.ts';
import type { ReleaseBuild } from '../deploy/release-build.ts';
import type { CopyProgress } from '../deploy/release-copy.ts';
import type { EndedJob, ReleaseJob } from '../deploy/release-job.ts';
import { ReleaseLog } from '../deploy/release-log.ts';
import { type ReleaseRefusal, ReleaseRefused } from '../deploy/release-refusal.ts';
import type { ReleaseStore, WantedSource } from '../deploy/release-store.ts';
import type { ReleaseSettings } from '../features/releases/settings.ts';
import { type Result, succeed } from '#failures/result.ts';
import { LineRedactor, type TextRedactor } from '../redact/text-redactor.ts';
import { changedNames, commandText } from './program-changes.ts';

/** A program of a release. */
interface JobOfRelease extends ReleaseJob {
  readonly kind: 'build' | 'before';
  readonly release: string | null;
}

export type RunJob = (job: JobOfRelease, signal: AbortSignal, onLine?: (line: string) => void) => Promise<EndedJob>;

export interface DeployOrder {
  readonly application: string;
  readonly from: ReleaseOrigin;
  readonly name: string | null;
  /** Null: that of the configuration. */
  readonly strategy: RolloutStrategy | null;
  readonly answersMayChange?: boolean;
}

interface PlannedApplication {
  readonly workers: ReleasedWorkers;
  readonly spec: ApplicationSpec;
  readonly settings: ReleaseSettings;
  readonly store: ReleaseStore;
  readonly inForce: Release | null;
}

interface ReleaseMakingParts {
  readonly clock: Clock;
  readonly application: string;
  readonly store: ReleaseStore;
  /** That was ordered; null: by its number. */
  readonly name: string | null;
  readonly strategy: RolloutStrategy;
  readonly redactor: () => TextRedactor;
  readonly runJob: RunJob;
}

/** A release that is being made: how far that is, and what its build prints. */
export class ReleaseMaking {
  readonly #parts: ReleaseMakingParts;
  readonly #began: string;
  readonly #ending = new AbortController();
  #progress: CopyProgress = { files: 0, bytes: 0, filesTotal: 0, bytesTotal: 0 };
  #building: { readonly since: Instant; lastLine: string | null } | null = null;

  constructor(parts: ReleaseMakingParts) {
    this.#parts = parts;
    this.#began = new Date(parts.clock.wallTime()).toISOString();
  }

  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  /** `why`: a clause. */
  end(why: string): void {
    const reason = `The release was not made: ${why}.`;
    this.#ending.abort(new ReleaseRefused({ kind: 'aborted', reason, step: 'Nothing was changed. Deploy again.' }));
  }

  readonly onProgress = (progress: CopyProgress): void => {
    this.#building = null;
    this.#progress = progress;
  };

  /** Null: none is wanted. */
  buildOf({ build: command, buildMs: limitMs }: ReleaseSettings): ReleaseBuild | null {
    return command === null ? null : { command, limitMs, run: (job, signal) => this.#run(job, signal) };
  }

  /** What the build prints is output of the application, and is kept by the number that the release will have. */
  async #run(job: ReleaseJob, signal: AbortSignal): ReturnType<ReleaseBuild['run']> {
    const { application, clock, name, redactor, runJob, store } = this.#parts;
    const { nextRelease } = store.history;
    const log = new ReleaseLog(store.folder, nextRelease, clock);
    const lines = new LineRedactor(redactor());
    const building = { since: clock.now(), lastLine: null as string | null };
    this.#building = building;
    const ended = await runJob({ ...job, kind: 'build', release: name ?? `r${nextRelease}` }, signal, (line) => {
      building.lastLine = lines.redact(line);
      log.add(building.lastLine);
    });
    const failure = ended.failure === null ? null : redactor().redact(ended.failure);
    log.add(failure === null ? '✔ The build has ended with 0.' : `✖ The build has failed: ${failure}.`);
    await log.save();
    return { failure, seeLog: `See its log with \`candor releases ${application} --log r${nextRelease}\`.` };
  }

  status(): NonNullable<ApplicationReleasesStatus['making']> {
    const building = this.#building;
    const now = this.#parts.clock.now();
    return {
      ...this.#progress,
      build: building === null ? null : { forMs: Math.round(now - building.since), lastLine: building.lastLine },
    };
  }

  /** What an order that has ended it answers. */
  ended(reason: string, actor: string): RolloutStatus {
    const { name, strategy, store } = this.#parts;
    const { history } = store;
    return {
      ...{ id: history.nextRollout, from: history.inForce?.name ?? 'none', to: name ?? `r${history.nextRelease}` },
      ...{ strategy, state: 'aborted', beganAt: this.#began, actor, share: 0, shares: [], leftMs: null },
      ...{ reason, judgement: null, remarks: [] },
    };
  }
}

/** What `deploy` would release. */
export async function releasePlan(
  { from, name, strategy }: DeployOrder,
  { spec, workers, settings, store, inForce }: PlannedApplication,
  redactor: TextRedactor,
): Promise<Result<ReleasePlan, ReleaseRefusal>> {
  const { command, environment, directory } = spec;
  const { persistent, build } = settings;
  const wanted = { name, command, environment, workers, directory, persistent };
  const surveyed = await store.survey(wantedSource(from), wanted, build && { command: build });
  if (!surveyed.ok) return surveyed;
  const { files, bytes, text, same, remarks } = surveyed.value;
  const old = inForce ?? spec;
  return succeed({
    ...{ application: spec.id, inForce: inForce?.name ?? null, strategy: strategy ?? settings.strategy },
    ...{ from: text, files, bytes, same: same?.name ?? null, remarks, buildMs: settings.buildMs },
    build: build && commandText({ command: build }, redactor),
    command: { old: commandText(old, redactor), fresh: commandText(spec, redactor) },
    environment: changedNames(old.environment, spec.environment),
  });
}

export function wantedSource(from: ReleaseOrigin): Exclude<WantedSource, { kind: 'configuration' }> {
  switch (from.kind) {
    case 'folder':
      return from;
    case 'git':
      return { kind: 'git', repository: from.path, revision: from.revision };
    case 'archive':
      return { ...from, dropsTop: false };
  }
}
