import { socketConnector } from '../transport/connect.ts';
import { createNameResolver } from '../transport/resolve.ts';
import type { Configuration } from '../core/configuration.ts';
import { noCounts } from '../core/counters.ts';
import { Deadlines } from '../core/deadline.ts';
import type { HealthChecker } from '../core/health-checker.ts';
import { createHealthChecker } from '../upstream/health-check.ts';
import type { EventKind, NewEvent } from '../core/event.ts';
import type { OwnSocket } from '../core/passed-socket.ts';
import type { ExchangeRecord } from '../core/record.ts';
import type { Clock } from '../core/time.ts';
import { createEventHub, type EventHub } from '../record/event-hub.ts';
import { SharedCounts, sharedSizes } from '../limits/shared-counts.ts';
import { uuidV7 } from '../core/uuid.ts';
import { Applications } from './applications.ts';
import { changesBetween } from './changes.ts';
import { ConfigurationReport } from './configuration-report.ts';
import type {
  Gateway,
  GatewayStatus,
  OverlayOutcome,
  OverlayStatus,
  ReloadOutcome,
  StopOptions,
} from './gateway-status.ts';
import { Overlay } from './overlay.ts';
import type { OverlayChange } from './overlay-change.ts';
import { OverlayStore } from './overlay-store.ts';
import { Endpoints } from '../discovery/endpoints.ts';
import { LateExits } from './late-exits.ts';
import type { HandoffResult, HandoffSuccessor } from './application-handoff.ts';
import { ExchangeLog } from './exchange-log.ts';
import type { GatewayOptions } from './gateway-options.ts';
import { ActiveConfiguration } from './active-configuration.ts';
import { reportListeners } from './listener-events.ts';
import { type ProblemContext, CurrentProblems } from './current-problems.ts';
import { newApplications, reload } from './reload.ts';
import { Shutdown } from './shutdown.ts';
import { StartAbandoned, startFailureOf } from './start-failure.ts';
import { statusOf } from './status.ts';
import { availableCores, systemRandom } from '../system/system.ts';
import { version } from './version.ts';
import { Condition } from '../core/condition.ts';
import { endpointsWithoutSecrets, statusWithoutSecrets, withoutSecrets } from './instance-secrets.ts';
import type { ApplyResult } from './worker-handle.ts';
import { WorkerReports } from './worker-reports.ts';
import { type WantedWorkers, WorkerPool } from './worker-pool.ts';

/** Listeners open when every check has come back once, and in any case after this (design: an unknown endpoint
 * may still be tried while none is healthy). */
const firstChecksMs = 1000;

const aboutToEnd = 'This gateway is about to end.';
const handedOff = 'Another process has taken the applications over.';

export interface ControlPlaneOptions extends GatewayOptions {
  /** The file that a worker thread runs. */
  readonly workerModule: URL;
}

/**
 * The control plane on the main thread: it reads nothing of a request and writes nothing of a response. Workers
 * get snapshots and deltas, and send back records and counts.
 */
export class ControlPlane implements Gateway {
  readonly #clock: Clock;
  readonly #options: ControlPlaneOptions;
  readonly #startedWall: number;
  readonly #hub: EventHub;
  readonly #log: ExchangeLog;
  readonly #applications: Applications;
  readonly #checker: HealthChecker;
  readonly #endpoints: Endpoints;
  readonly #lateExits: LateExits;
  readonly #condition: Condition;
  readonly #shared: SharedCounts;
  readonly #workers: WorkerPool;
  readonly #active: ActiveConfiguration;
  readonly #overlay: Overlay;
  readonly #configurationReport: ConfigurationReport;
  readonly #reports: WorkerReports;
  readonly #problems: CurrentProblems;
  #checksUnclassified = 0;
  #state: GatewayStatus['state'] = 'starting';
  /** Reloads and replacements of a worker, one at a time, in the order in which they came up. */
  #steps: Promise<unknown> = Promise.resolve();
  #stopped: Promise<void> | null = null;
  #shutdown: Shutdown | null = null;
  /** No predecessor or successor writes to the same log. */
  #writesLogAlone: boolean;
  readonly #atOnce = Promise.withResolvers<void>();

  constructor(options: ControlPlaneOptions, clock: Clock) {
    this.#options = options;
    this.#writesLogAlone = options.adopt === undefined;
    this.#clock = clock;
    this.#startedWall = clock.wallTime();
    this.#active = new ActiveConfiguration(options.configuration);
    this.#condition = new Condition(clock);
    // Twice as many as at the start: where all are replaced, the old ones last a while.
    const workersMax = Math.max(sharedSizes.workersMax, 2 * wantedWorkers(options.configuration).count);
    this.#shared = new SharedCounts({ ...sharedSizes, workersMax }, clock, systemRandom);
    const { member } = options.configuration;
    const epoch = uuidV7(this.#startedWall, systemRandom);
    this.#hub = createEventHub({
      epoch,
      member,
      clock,
      revision: () => this.#active.revision,
      redactor: () => this.#active.redactor,
    });
    this.#configurationReport = new ConfigurationReport(this.#hub, this.#active, options.source);
    const { watcher } = options;
    if (watcher?.onEvent !== undefined) this.#hub.subscribe((event) => watcher.onEvent?.(event));
    this.#problems = new CurrentProblems(clock);
    this.#hub.subscribe((event) => this.#problems.onEvent(event));
    this.#log = new ExchangeLog(clock, this.#hub, () => this.#writesLogAlone);
    void options.adopt?.predecessorEnded.then(() => {
      this.#writesLogAlone = true;
    });
    this.#reports = this.#createReports();
    this.#checker = createHealthChecker({
      clock,
      deadlines: new Deadlines(clock),
      connector: socketConnector,
      onUnclassified: () => this.#countUnclassified(),
    });
    this.#applications = new Applications({
      options,
      clock,
      checker: this.#checker,
      events: this.#hub,
      condition: this.#condition,
      drainMs: () => this.#active.configuration.drain.timeoutMs,
      mayUse: (ending) => this.#workers.mayUse(ending),
      isEnding: () => this.#isEnding,
      onChecked: (application, instance, refused) => this.#endpoints.instanceChecked(application, instance, refused),
    });
    this.#overlay = this.#createOverlay();
    this.#endpoints = this.#createEndpoints();
    this.#lateExits = new LateExits(clock);
    this.#applications.supervisor.onChange(() => this.#instancesChanged());
    this.#workers = new WorkerPool({
      workerModule: options.workerModule,
      clock,
      events: this.#hub,
      member,
      processStartedWall: this.#startedWall,
      sharedAddresses: options.sharedAddresses ?? [],
      inheritedSockets: options.inheritedSockets ?? [],
      passedSockets: options.passedSockets ?? [],
      shared: this.#shared,
      drain: () => this.#active.configuration.drain,
      onBatch: (batch, done) => {
        this.#reports.onBatch(batch, done);
        this.#endpoints.onOutcomes(batch.outcomes);
        this.#problems.onWorkerCounts(batch.counts);
        if (batch.drained.length > 0) this.#applications.drained();
      },
      onLost: (loss) => this.#reports.onWorkerLost(loss),
      onGone: () => this.#applications.drained(),
      onMissing: () => void this.#enqueue(() => this.#restore()),
    });
  }

  #createReports(): WorkerReports {
    return new WorkerReports({
      clock: this.#clock,
      events: this.#hub,
      log: this.#log,
      startedWall: this.#startedWall,
      configuration: () => this.#active.configuration,
      workers: () => this.#workers.counts,
      watcher: this.#options.watcher ?? null,
    });
  }

  #countUnclassified(): void {
    this.#checksUnclassified += 1;
  }

  #createEndpoints(): Endpoints {
    const clock = this.#clock;
    return new Endpoints({
      watch: { clock, random: systemRandom, checker: this.#checker },
      names: createNameResolver(clock),
      onUnclassified: () => this.#countUnclassified(),
      events: this.#hub,
      shared: this.#shared,
      instances: {
        instances: (id) => withoutSecrets(this.#applications.supervisor.instances(id), this.#active.redactor),
        noteTraffic: (...traffic) => this.#applications.supervisor.noteTraffic(...traffic),
        onChange: (callback) => this.#applications.supervisor.onChange(callback),
      },
      configuration: () => this.#active.configuration,
      revision: () => this.#active.revision,
      listeners: () => this.#active.listeners,
      send: (delta) => this.#workers.sendEndpoints(delta),
      onChange: () => this.#condition.changed(),
      adjust: (endpoints) => this.#overlay.adjust(endpoints),
    });
  }

  #createOverlay(): Overlay {
    const { stateFolder } = this.#active.configuration;
    return new Overlay({
      clock: this.#clock,
      events: this.#hub,
      store: stateFolder === null ? null : new OverlayStore(stateFolder),
      targets: () => ({ routes: this.#active.configuration.routes, upstreams: this.#endpoints.upstreams() }),
      refusal: () => this.#overlayRefusal(),
      sendRoutes: (overlay) => this.#workers.sendOverlay(overlay),
      onEndpointsChanged: () => this.#endpoints.overlayChanged(),
      workers: () => wantedWorkers(this.#active.configuration).count,
    });
  }

  #overlayRefusal(): string | null {
    if (this.#state !== 'serving') return this.#state === 'starting' ? 'This gateway has not started yet.' : aboutToEnd;
    return this.#applications.hasHandedOff ? handedOff : null;
  }

  get events(): EventHub {
    return this.#hub;
  }

  emit<K extends EventKind>(event: NewEvent<K>): void {
    this.#hub.emit(event);
  }

  async start(): Promise<void> {
    const { configuration } = this.#active;
    await this.#log.use(await this.#log.open(configuration.log));
    const evidence = { pid: process.pid, version, node: process.version };
    this.#hub.emit({ kind: 'process_started', subject: 'gateway', reason: `candor ${version} started`, evidence });
    this.#endpoints.registry.activate(configuration);
    await this.#applications.adoptOrStart(configuration.applications);
    // After the handoff: until then a predecessor may change it.
    this.#overlay.load();
    await this.#condition.until(() => this.#isEnding || this.#endpoints.registry.isSettled, firstChecksMs);
    const applied = await this.#apply(configuration);
    if (!applied.ok) throw startFailureOf(applied);
    if (this.#isEnding) throw new StartAbandoned(aboutToEnd);
    this.#workers.startReplacing();
    this.#state = 'serving';
    this.#configurationReport.applied('gateway', ['everything']);
  }

  /** What was taken over goes back to the predecessor: it serves on, with its applications. */
  returnApplications(): Promise<void> {
    return this.#applications.returnToPredecessor();
  }

  listeningSockets(): readonly OwnSocket[] {
    return this.#workers.sockets;
  }

  handOff(successor: HandoffSuccessor): Promise<HandoffResult> {
    return this.#enqueue(() => this.#applications.handOff(successor, this.#active.configuration.applications));
  }

  rollBackHandoff(): Promise<boolean> {
    return this.#enqueue(async () => {
      // Nobody would end them any more; their guard does, since the heir has not come.
      if (this.#isEnding) return false;
      return this.#applications.rollBack(this.#active.configuration.applications);
    });
  }

  // Snapshots: each change of what is served is a step, and steps come one after the other.

  #enqueue<T>(step: () => Promise<T>): Promise<T> {
    const done = this.#steps.then(step);
    this.#steps = done.catch(() => undefined);
    return done;
  }

  /** Has the workers take a configuration; when they have, everything else follows. Before that nothing has changed. */
  async #apply(configuration: Configuration): Promise<ApplyResult> {
    const upstreams = this.#endpoints.upstreams(configuration.upstreams);
    const snapshot = this.#active.nextSnapshot(configuration, upstreams, this.#overlay.routes);
    const applied = await this.#workers.apply(snapshot, wantedWorkers(configuration));
    if (!applied.ok) return applied;
    this.#active.revision += 1;
    this.#active.activate(configuration);
    // First, since no endpoint may be one of them.
    const before = this.#active.listeners;
    this.#active.listeners = applied.listeners;
    this.#endpoints.use(configuration);
    this.#applications.supervisor.apply(configuration.applications);
    this.#endpoints.sendAll();
    reportListeners(this.#hub, before, applied.listeners);
    return applied;
  }

  /** After the loss of a worker: the next one takes what is in force. */
  async #restore(): Promise<void> {
    if (this.#state !== 'serving' || !this.#workers.isMissing) return;
    await this.#workers.restore(this.#active.currentSnapshot(this.#endpoints.upstreams(), this.#overlay.routes));
    this.#endpoints.sendAll();
  }

  #instancesChanged(): void {
    for (const { id, application } of this.#active.configuration.upstreams) {
      if (application !== null) this.#lateExits.note(this.#endpoints.registry.endpoints(id)?.values() ?? []);
    }
    this.#applications.noteChange();
    this.#condition.changed();
  }

  // What the control plane is asked.

  status(): GatewayStatus {
    const { configuration, revision, contentHash, listeners } = this.#active;
    const { deployment, member } = configuration;
    const applications = statusWithoutSecrets(this.#applications.supervisor.status(), this.#active.redactor);
    return statusOf({
      deployment,
      member,
      epoch: this.#hub.epoch,
      generation: this.#applications.generation,
      startedWall: this.#startedWall,
      wallTime: this.#clock.wallTime(),
      now: this.#clock.now(),
      revision,
      contentHash,
      source: this.#options.source,
      state: this.#state,
      drain: this.#shutdown?.progress ?? null,
      overlay: this.#overlay.status(),
      problems: this.#problems.list(this.#problemContext(applications)),
      configured: configuration.listeners,
      open: listeners,
      upstreams: endpointsWithoutSecrets(this.#endpoints.upstreams(), this.#active.redactor),
      lastMinute: this.#reports.lastMinute,
      countsAt: (semaphores) => this.#shared.countsAt(semaphores),
      clientConnectionsAt: (workerIndex) => this.#shared.clientConnectionsAt(workerIndex),
      applications,
      workers: this.#workers.all,
    });
  }

  overlay(): OverlayStatus {
    return this.#overlay.status();
  }

  changeOverlay(change: OverlayChange, actor: string, ifRevision: number | null = null): Promise<OverlayOutcome> {
    return this.#overlay.change(change, actor, ifRevision);
  }

  freshCounts(): Promise<void> {
    return this.#workers.freshCounts();
  }

  #problemContext(applications: GatewayStatus['applications']): ProblemContext {
    // One that ends misses none.
    const wanted = this.#state === 'serving' ? wantedWorkers(this.#active.configuration).count : 0;
    return { wanted, workers: this.#workers.all, logPath: this.#log.path, applications };
  }

  reload(actor: string): Promise<ReloadOutcome> {
    return this.#enqueue(() => this.#reload(actor));
  }

  async #reload(actor: string): Promise<ReloadOutcome> {
    const refused = (why: string): ReloadOutcome =>
      this.#configurationReport.rejected(actor, { kind: 'refused', errors: [why] });
    if (this.#state !== 'serving') return refused(aboutToEnd);
    const read = await this.#options.reloadConfiguration?.();
    if (read === undefined) return refused('There is no configuration file to read again.');
    if (!read.ok) return this.#configurationReport.rejected(actor, read);
    if (this.#state !== 'serving') return refused(aboutToEnd);
    if (this.#applications.hasHandedOff) return refused(handedOff);
    const held = this.#applications.claimStateFolder(read.configuration.applications);
    if (held !== null) return refused(`No application can be run: ${held}.`);
    const before = this.#active.configuration;
    const rejection = await reload(before, read.configuration, {
      registry: this.#endpoints.registry,
      supervisor: this.#applications.supervisor,
      log: this.#log,
      open: () => this.#active.listeners,
      untilReady: (next) => this.#untilReady(before, next),
      apply: (next) => this.#apply(next),
    });
    if (rejection !== null && this.#state !== 'serving') return refused(aboutToEnd);
    if (rejection !== null) return this.#configurationReport.rejected(actor, rejection);
    return this.#configurationReport.applied(actor, changesBetween(before, read.configuration), this.#overlay.notes());
  }

  /** What is to end waits for nothing new. */
  async #untilReady(before: Configuration, next: Configuration): Promise<void> {
    await this.#condition.until(() => this.#isEnding || this.#endpoints.registry.isSettled, firstChecksMs);
    await this.#applications.untilUp(newApplications(before, next));
  }

  async reopenLogs(): Promise<void> {
    await this.#log.reopen();
  }

  async findExchange(id: string): Promise<ExchangeRecord | null> {
    const record = await this.#log.find(id);
    return record === null ? null : this.#lateExits.complete(record);
  }

  counts(): ReturnType<Gateway['counts']> {
    const control = { ...noCounts(0), unclassifiedTotal: this.#checksUnclassified };
    return {
      exchanges: this.#reports.exchanges,
      workers: [...this.#workers.counts, control],
      workersLost: this.#workers.lostTotal,
      logDropped: this.#log.dropped,
    };
  }

  // The end.

  get #isEnding(): boolean {
    return this.#state === 'draining' || this.#state === 'stopped';
  }

  stop(why: string, how: StopOptions = {}): Promise<void> {
    if (this.#stopped === null) this.#stopped = this.#stop(why, how);
    else this.#atOnce.resolve();
    return this.#stopped;
  }

  /** Ends everything at once; from this call on no instance is started again. */
  abandon(why: string): void {
    for (let call = 0; call < 2; call++) void this.stop(why);
    void this.#applications.supervisor.stop();
  }

  async #stop(why: string, { hasSuccessor = false, detachApplicationsMs = null }: StopOptions): Promise<void> {
    this.#state = 'draining';
    if (hasSuccessor) this.#writesLogAlone = false;
    const reason = `it is to stop: ${why}`;
    this.#hub.emit({ kind: 'process_stopping', subject: 'gateway', reason, evidence: { why } });
    this.#condition.changed();
    if (detachApplicationsMs === null) void this.#atOnce.promise.then(() => this.#applications.supervisor.stop());
    const workers = this.#workers.stopReplacing();
    if (workers.length > 0) {
      const { drain } = this.#active.configuration;
      const closeListeners = (): void => void this.#workers.releaseSockets();
      const parts = { clock: this.#clock, events: this.#hub, drain, hasSuccessor, atOnce: this.#atOnce.promise };
      this.#shutdown = new Shutdown(workers, { ...parts, closeListeners });
      await this.#shutdown.run();
    }
    await this.#workers.releaseSockets();
    // A reload undoes what it has begun before that is taken away from it.
    await Promise.race([this.#steps, this.#atOnce.promise]);
    this.#endpoints.stop();
    await this.#applications.end(detachApplicationsMs);
    this.#reports.close();
    await this.#log.close();
    this.#state = 'stopped';
  }
}

function wantedWorkers({ workers }: Configuration): WantedWorkers {
  return { count: workers.count ?? availableCores(), memoryBytesMax: workers.memoryBytesMax };
}
