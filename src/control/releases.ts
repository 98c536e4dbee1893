import { isDeepStrictEqual } from 'node:util';
import type { ApplicationSpec, Configuration } from '../core/configuration.ts';
import type { ApplicationId, UpstreamId } from '../core/endpoint.ts';
import type { EventSink } from '../core/event.ts';
import type { Launcher } from '../core/launch.ts';
import type { FeatureStates } from '../core/feature.ts';
import type { Random } from '../core/random.ts';
import type { RouteTraffic } from '../core/route-traffic.ts';
import type {
  ApplicationReleasesStatus,
  ReleaseLogText,
  ReleasePlan,
  RolloutStatus,
} from '../core/schemas/releases.ts';
import type { ApplicationStatus } from '../core/schemas/status.ts';
import type { Clock } from '../core/time.ts';
import type { WorkerBatch } from '../core/worker-messages.ts';
import { type ArmsOf, oneArm } from '../deploy/application-arm.ts';
import type { ReleaseFolders } from '../features/main-feature.ts';
import type { JobWatchdog } from '../deploy/release-job.ts';
import type { ReleaseRefusal } from '../deploy/release-refusal.ts';
import { ReleaseStore } from '../deploy/release-store.ts';
import type { TextRedactor } from '../redact/text-redactor.ts';
import { failWith, type Result, succeed } from '#failures/result.ts';
import { ApplicationReleases } from './application-releases.ts';
import { allChanged, commandText, hasSameProgram, notInForce, workersOf } from './program-changes.ts';
import type { DeployOrder, ReleaseMaking, RunJob } from './release-making.ts';
import { ReleasedApplication, type RunningApplications } from './released-application.ts';
import type { KeptRollout } from './running-rollout.ts';
import { busy } from './rollout-words.ts';

interface ReleasesParts extends RunningApplications {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  /** Whether the state folder is this process's. */
  readonly ownsFolder: () => boolean;
  /** A build, or what runs before a release, has printed a line. */
  readonly onJobLine: (application: ApplicationId, line: string) => void;
  readonly watchdog: () => JobWatchdog;
  readonly redactor: () => TextRedactor;
  readonly launcher: Launcher;
  readonly memoryBytes: number;
  /** The supervisor is to run other arms of the application. */
  readonly onArms: (application: ApplicationId) => void;
  /** The files of the application that serve lie in other folders, or it is known for the first time where. */
  readonly onFolders?: (application: ApplicationId, folders: ReleaseFolders) => void;
  /** Why a release whose files lie in this folder cannot serve; null or absent: nothing is against it. */
  readonly refuses?: (application: ApplicationId, folder: string) => Promise<string | null>;
}

export type RolloutChange =
  | { readonly kind: 'promote'; readonly application: string }
  | { readonly kind: 'abort'; readonly application: string; readonly reason: string | null }
  /** Null: to the release before. */
  | { readonly kind: 'rollback'; readonly application: string; readonly to: string | null };

export type RolloutOutcome = Result<RolloutStatus, ReleaseRefusal>;

/** Among the states of features. */
const stateName = 'releases';
const stateVersion = 1;

interface KnownApplication {
  readonly application: ReleasedApplication;
  readonly store: ReleaseStore;
  readonly releases: ApplicationReleases;
}

/** The releases of all applications: made, rolled out, judged and taken back. */
export class Releases {
  readonly #parts: ReleasesParts;
  readonly #known = new Map<string, KnownApplication>();
  /** From the process that has handed its applications over. */
  #imported: Readonly<Record<string, KeptRollout>> = {};
  /** By their applications. */
  readonly #making = new Map<string, ReleaseMaking>();
  readonly #failedBuilds = new Map<string, ApplicationReleasesStatus['failedBuild']>();
  /** Ends what is being made, and when all of that has ended. */
  #aborting = new AbortController();
  #made: Promise<unknown> = Promise.resolve();

  constructor(parts: ReleasesParts) {
    this.#parts = parts;
  }

  /** A worker runs the release of its application. */
  readonly armsOf: ArmsOf = (spec) => this.#known.get(spec.of ?? spec.id)?.releases.armsOf(spec) ?? oneArm(spec);

  /** Null: the configuration does not have it. */
  specInForce(application: string): ApplicationSpec | null {
    const spec = this.#parts.configuration().applications.find(({ id }) => id === application) ?? null;
    return spec === null ? null : (this.#known.get(application)?.releases.specInForce(spec) ?? spec);
  }

  /** Reads the journals of these applications. One that cannot be read is reported: its application runs as the configuration says. */
  async load({ applications, stateFolder }: Configuration, isHandedOff = false): Promise<void> {
    if (stateFolder === null || !this.#parts.ownsFolder()) return;
    for (const { id, of } of applications) {
      if (of !== undefined || this.#known.has(id)) continue;
      const { clock, random } = this.#parts;
      const opened = await ReleaseStore.open(stateFolder, id, { clock, random });
      if (!opened.ok) {
        this.#reportUnusable(stateFolder, `${opened.failure.reason} ${opened.failure.step}`);
        continue;
      }
      const { store, remarks } = opened.value;
      for (const remark of remarks) this.#reportUnusable(stateFolder, remark);
      const releases = this.#add(id, store);
      if (isHandedOff) await releases.takeOver(this.#imported[id] ?? null);
      else await releases.endInterrupted();
      this.#tellFolders(id, releases);
    }
  }

  #reportUnusable(folder: string, reason: string): void {
    this.#parts.events.emit({
      ...{ kind: 'state_unusable', subject: 'gateway', reason },
      evidence: { folder, file: null, errno: null },
    });
  }

  #add(id: ApplicationId, store: ReleaseStore): ApplicationReleases {
    const { clock, events, memoryBytes, redactor, onArms } = this.#parts;
    const application = new ReleasedApplication(id, this.#parts);
    const releases = new ApplicationReleases({
      ...{ clock, events, store, application, memoryBytes },
      runJob: this.#runJobOf(id),
      redact: (text) => redactor().redact(text),
      refuses: async (folder) => (await this.#parts.refuses?.(id, folder)) ?? null,
      onArms: () => {
        onArms(id);
        this.#tellFolders(id, releases);
      },
    });
    this.#known.set(id, { application, store, releases });
    return releases;
  }

  #tellFolders(id: ApplicationId, { folders }: ApplicationReleases): void {
    if (folders !== null) this.#parts.onFolders?.(id, folders);
  }

  #runJobOf(id: ApplicationId): RunJob {
    const { clock, onJobLine, watchdog, launcher, configuration } = this.#parts;
    return async (job, signal, onLine) => {
      const { runLaunched } = await import('../deploy/release-job.ts');
      const settings = configuration().applications.find((one) => one.id === id)?.features ?? {};
      const { kind, release, directory } = job;
      const program = { ...{ application: id, settings, kind, release, directory }, program: `${id} ${kind}` };
      const note = (line: string): void => {
        onJobLine(id, line);
        onLine?.(line);
      };
      return runLaunched(launcher, program, job, clock, note, signal, watchdog());
    };
  }

  /** Makes a release and begins to roll it out. */
  deploy(order: DeployOrder, actor: string): Promise<RolloutOutcome> {
    const deployed = this.#deploy(order, actor);
    this.#made = Promise.allSettled([this.#made, deployed]);
    return deployed;
  }

  async #deploy(order: DeployOrder, actor: string): Promise<RolloutOutcome> {
    // Loaded where it is needed: most gateways make no release.
    const { ReleaseMaking, wantedSource } = await import('./release-making.ts');
    const found = this.#deployable(order.application);
    if (!found.ok) return found;
    const { spec, application, store, releases } = found.value;
    const { clock, redactor } = this.#parts;
    const { settings } = application;
    const { persistent } = settings;
    const strategy = order.strategy ?? settings.strategy;
    const making = new ReleaseMaking({
      ...{ clock, redactor, store, strategy, application: spec.id, name: order.name },
      runJob: this.#runJobOf(spec.id),
    });
    this.#making.set(spec.id, making);
    this.#failedBuilds.delete(spec.id);
    try {
      const { command, secretWords, environment } = spec;
      const workers = workersOf(this.#parts.configuration(), spec.id);
      const wanted = { command, secretWords, environment, workers, persistent, actor, configuration: null };
      await releases.begins({ ...wanted, name: null, directory: spec.directory });
      const wantedRelease = { ...wanted, name: order.name, directory: '' };
      const made = await store.make(wantedSource(order.from), wantedRelease, {
        build: making.buildOf(settings),
        onProgress: making.onProgress,
        signal: AbortSignal.any([this.#aborting.signal, making.signal]),
      });
      if (!made.ok) {
        const { kind, reason } = made.failure;
        if (kind === 'build') this.#failedBuilds.set(spec.id, { number: store.history.nextRelease, reason });
        return made;
      }
      const { release: to, remarks } = made.value;
      const { answersMayChange = false } = order;
      return await releases.begin({ to, strategy, rollbackFor: null, actor, remarks, answersMayChange });
    } finally {
      this.#making.delete(spec.id);
    }
  }

  /** What `deploy` would release. Changes nothing. */
  async plan(order: DeployOrder): Promise<Result<ReleasePlan, ReleaseRefusal>> {
    const found = this.#deployable(order.application);
    if (!found.ok) return found;
    const { spec, application, store, releases } = found.value;
    const { releasePlan } = await import('./release-making.ts');
    const { inForce } = releases;
    const workers = workersOf(this.#parts.configuration(), spec.id);
    return releasePlan(
      order,
      { spec, workers, settings: application.settings, store, inForce },
      this.#parts.redactor(),
    );
  }

  /** Refused where no release of the application can be made now. */
  #deployable(application: string): Result<KnownApplication & { readonly spec: ApplicationSpec }, ReleaseRefusal> {
    const known = this.#known.get(application);
    const spec = known?.application.spec ?? null;
    if (spec === null || known === undefined) return failWith(this.#unknown(application));
    if (spec.port !== null) return failWith(fixedPort(spec.port));
    if (spec.instances === 0 && spec.command.length > 0) return failWith(isStopped(spec.id));
    const { rollingOut } = known.releases;
    if (rollingOut !== null || this.#making.has(spec.id)) return failWith(busy(rollingOut?.name ?? 'A release'));
    return succeed({ ...known, spec });
  }

  async change(change: RolloutChange, actor: string): Promise<RolloutOutcome> {
    const known = this.#known.get(change.application);
    if (known === undefined) return failWith(this.#unknown(change.application));
    const { application, releases, store } = known;
    const making = this.#making.get(change.application);
    if (making !== undefined && change.kind !== 'promote' && !('to' in change && change.to !== null)) {
      const reason = change.kind === 'abort' ? (change.reason ?? `aborted by ${actor}`) : `rolled back by ${actor}`;
      making.end(reason);
      await this.#made;
      if (releases.rollingOut === null) return succeed(making.ended(reason, actor));
    }
    switch (change.kind) {
      case 'promote':
        return releases.promote();
      case 'abort':
        return releases.abort(change.reason ?? `aborted by ${actor}`);
      case 'rollback': {
        if (releases.rollingOut !== null && change.to === null) return releases.abort(`rolled back by ${actor}`);
        const { noSuchRelease, releaseNamed } = await import('./release-lookup.ts');
        const to = releaseNamed(store, change.to);
        if (to === null) return failWith(noSuchRelease(store, change.to, application.settings.keepMax));
        return releases.begin({ to, strategy: 'blue_green', rollbackFor: `rolled back by ${actor}`, actor });
      }
    }
  }

  /** What the configuration says of a deployed application has changed: that is a release, with the files of the one in force. */
  async onReload(before: Configuration, next: Configuration, actor: string): Promise<void> {
    for (const spec of next.applications) {
      const known = this.#known.get(spec.id);
      const old = before.applications.find(({ id }) => id === spec.id);
      const inForce = known?.releases.inForce ?? null;
      if (known === undefined || old === undefined || inForce === null) continue;
      const workers = workersOf(next, spec.id);
      if (hasSameProgram(old, spec) && isDeepStrictEqual(workersOf(before, spec.id), workers)) continue;
      const { application, store, releases } = known;
      const { persistent, strategy } = application.settings;
      const { command, secretWords, environment } = spec;
      const directory = inForce.tree === null ? spec.directory : inForce.directory;
      const wanted = {
        command,
        secretWords,
        environment,
        workers,
        directory,
        persistent,
        actor,
        configuration: null,
        name: null,
      };
      this.#making.get(spec.id)?.end('the configuration of the application has changed');
      if (releases.rollingOut !== null) await releases.abort('the configuration has changed');
      const made = await store.make({ kind: 'configuration', path: 'candor.yaml' }, wanted);
      const begun = made.ok
        ? await releases.begin({ to: made.value.release, strategy, rollbackFor: null, actor })
        : made;
      if (!begun.ok) this.#reportUnusable(store.folder, `${begun.failure.reason} ${begun.failure.step}`);
    }
  }

  /** Another process goes on, or this one ends: nothing is begun or ended any more, until `resume`. */
  async pause(): Promise<void> {
    // The journal and the trees are the successor's from then on.
    this.#aborting.abort();
    await this.#made;
    await Promise.all([...this.#known.values()].map(({ releases }) => releases.pause()));
  }

  resume(): void {
    this.#aborting = new AbortController();
    for (const { releases } of this.#known.values()) releases.resume();
  }

  /** What a successor goes on with besides the journals. */
  export(): FeatureStates {
    const kept = Object.fromEntries([...this.#known].map(([id, { releases }]) => [id, releases.kept()]));
    return { [stateName]: { version: stateVersion, bytes: new TextEncoder().encode(JSON.stringify(kept)) } };
  }

  import({ [stateName]: state }: FeatureStates): void {
    if (state?.version !== stateVersion) return;
    this.#imported = JSON.parse(new TextDecoder().decode(state.bytes)) as Record<string, KeptRollout>;
  }

  /** An instance was added, changed or removed, or an endpoint is not what it was for requests. */
  noteChange(): void {
    for (const { releases } of this.#known.values()) releases.look();
  }

  onBatch({ routes, counts: { worker } }: WorkerBatch): void {
    for (const {
      application: { upstreams },
      releases,
    } of this.#known.values()) {
      const isOfIt = ({ upstream }: RouteTraffic): boolean => upstreams.has(upstream as UpstreamId);
      const traffic = { worker, routes: routes.filter(isOfIt) };
      if (traffic.routes.length > 0) releases.onTraffic(traffic);
    }
  }

  status(): readonly ApplicationReleasesStatus[] {
    const redactor = this.#parts.redactor();
    return [...this.#known].map(([application, { store, releases }]) => {
      const { history } = store;
      return {
        application,
        inForce: history.inForce?.name ?? null,
        previous: history.previous?.name ?? null,
        warm: releases.warm?.name ?? null,
        rollout: releases.status(),
        making: this.#making.get(application)?.status() ?? null,
        failedBuild: this.#failedBuilds.get(application) ?? null,
        notInForce: this.brief(application)?.notInForce ?? null,
        last: releases.last,
        releases: history.releases.map(({ release, bytes }, index) => ({
          ...{ number: release.number, name: release.name, digest: release.digest },
          command: commandText(release, redactor),
          environment: Object.keys(release.environment),
          environmentChanged: allChanged(
            (history.releases[index + 1]?.release ?? release).environment,
            release.environment,
          ),
          ...{ from: release.from, createdAt: release.createdAt, actor: release.actor },
          ...{ configuration: release.configuration, bytes, builtMs: release.built?.ms ?? null },
        })),
        rollouts: history.rollouts.map(({ source: _source, share: _share, ...one }) => one),
      };
    });
  }

  /** Null: the application was never deployed. */
  brief(application: string): NonNullable<ApplicationStatus['releases']> | null {
    const known = this.#known.get(application);
    const inForce = known?.releases.inForce ?? null;
    if (known === undefined || inForce === null) return null;
    const rollout = known.releases.status();
    const spec = rollout === null ? known.application.spec : null;
    return { inForce: inForce.name, rollout, notInForce: spec && notInForce(spec, inForce) };
  }

  /** Of the build of a release, or of one that was not made, by its number. Null: there is none. */
  async log(application: string, name: string): Promise<ReleaseLogText | null> {
    const store = this.#known.get(application)?.store;
    if (store === undefined) return null;
    const { logNumber } = await import('./release-lookup.ts');
    const number = logNumber(store, name);
    if (number === null) return null;
    const { readReleaseLog } = await import('../deploy/release-log.ts');
    const text = readReleaseLog(store.folder, number);
    return text === null ? null : { application, number, text };
  }

  #unknown(application: string): ReleaseRefusal {
    const { applications, stateFolder } = this.#parts.configuration();
    const names = applications.flatMap(({ id, of }) => (of === undefined ? [id] : []));
    const worker = applications.find(({ id, of }) => id === application && of !== undefined);
    if (worker?.of !== undefined)
      return {
        kind: 'source',
        reason: `${application} is a worker: it runs the release of ${worker.of}.`,
        step: `Name ${worker.of} in its place.`,
      };
    if (stateFolder === null)
      return {
        kind: 'source',
        reason: 'The gateway has no state folder, in which releases are kept.',
        step: 'Add `state: /var/lib/candor` to the configuration and restart the gateway.',
      };
    return {
      kind: 'source',
      reason: `The configuration has no application ${application}.`,
      step: names.length === 0 ? 'It has none.' : `It has ${names.join(', ')}.`,
    };
  }
}

/** No instance would show whether the release is any good. */
const isStopped = (application: string): ReleaseRefusal => ({
  kind: 'source',
  reason: `The application ${application} is stopped.`,
  step: `Start it first: candor app start ${application}.`,
});

const fixedPort = (port: number): ReleaseRefusal => ({
  kind: 'source',
  reason: `The application has the fixed port ${port}, on which two releases cannot run at the same time.`,
  step: 'Remove `port`, and let it listen on the port in PORT, or write {port} in its command.',
});

/** `why`: a sentence. */
export const notNow = (why: string): ReleaseRefusal => ({
  ...{ kind: 'system', reason: why, step: 'Ask again when it serves (`candor status`).' },
});
