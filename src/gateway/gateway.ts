import { socketConnector } from '../transport/connect.ts';
import { createNameResolver } from '../transport/resolve.ts';
import type { Configuration } from '../core/configuration.ts';
import { noCounts } from '../core/counters.ts';
import { Deadlines } from '../core/deadline.ts';
import type { ApplicationId, UpstreamId } from '../core/endpoint.ts';
import type { EventKind, NewEvent } from '../core/event.ts';
import type { InheritedSocket } from '../core/inherited-socket.ts';
import type { ExchangeRecord } from '../core/record.ts';
import type { UpstreamSnapshot } from '../core/snapshot.ts';
import type { Clock } from '../core/time.ts';
import { createSupervisor, type Supervisor } from '../deploy/supervisor.ts';
import { createSystemHost, type SystemHost } from '../deploy/system-host.ts';
import { createEventHub, type EventHub } from '../record/event-hub.ts';
import { SharedCounts, sharedSizes } from '../places/shared-counts.ts';
import { IdSource } from '../wire/request-id.ts';
import { changesBetween } from './changes.ts';
import { ConfigurationNews } from './configuration-news.ts';
import type { Gateway, GatewayStatus, GatewayWatcher, ReloadOutcome, ReloadRejection, StopOptions } from './control.ts';
import { Drains } from './drains.ts';
import { EndpointBoard } from './endpoint-board.ts';
import { EndpointSlots } from './endpoint-slots.ts';
import { Estate, type HandedOver, type Heir, heirMs } from './estate.ts';
import { ExchangeLog } from './exchange-log.ts';
import { InForce } from './in-force.ts';
import { tellListeners } from './listener-news.ts';
import type { ListenPlace } from './port-claims.ts';
import { type Crew, CurrentProblems } from './problems.ts';
import { newApplications, reload } from './reload.ts';
import { Shutdown } from './shutdown.ts';
import { ListenFailure, LogFailure, StateFailure } from './start-failure.ts';
import { statusOf } from './status.ts';
import { availableCores, systemClock, systemRandom } from './system.ts';
import { version } from './version.ts';
import { TrafficWatch } from './traffic-watch.ts';
import { Outlook } from './waiting.ts';
import { statusWithoutSecrets, withoutSecrets } from './instance-secrets.ts';
import type { Applied } from './worker-handle.ts';
import { WorkerReports } from './worker-reports.ts';
import { type WantedWorkers, Workers } from './workers.ts';

export type { Configuration, Gateway, GatewayWatcher };
export { ListenFailure, LogFailure, StateFailure };

export type ConfigurationReload = () => Promise<
  { readonly ok: true; readonly configuration: Configuration } | ReloadRejection
>;

export interface GatewayOptions {
  readonly configuration: Configuration;
  /** Path of the configuration file; null without one. */
  readonly source: string | null;
  /** How to read it again; without it a reload changes nothing and says so. */
  readonly reloadConfiguration?: ConfigurationReload;
  readonly watcher?: GatewayWatcher;
  /** The process before, which runs and hands its applications over; without it those that one has left are taken. */
  readonly adopt?: Succession;
  /** Where a predecessor listens whose place this gateway takes: those ports may be open. */
  readonly joins?: readonly ListenPlace[];
  /** Listening sockets that this process was started with. */
  readonly inheritedSockets?: readonly InheritedSocket[];
}

/** A predecessor that runs. */
export interface Succession {
  /** Called once, when the applications that it will not hand over are up; resolves when it has let the others go. */
  whenHandedOver(): Promise<void>;
  /**
   * Resolves when it will not take them back any more. Until then they are not ended should this process be killed, since
   * their former owner lives. Absent: at once.
   */
  readonly settled?: Promise<void>;
  /** Resolves when it has ended: until then it may have requests under way on instances that it has handed over. */
  readonly predecessorEnded: Promise<void>;
}

/** Listeners open when every check has come back once, and in any case after this (design: an unknown endpoint
 * may still be tried while none is healthy). */
const firstChecksMs = 1000;

const aboutToEnd = 'This gateway is about to end.';

/** What a reload waits for applications that are new before routes move to them: most start in less, and whoever
 * asked for the reload waits too. */
const newApplicationsMs = 5000;

/** Starts everything, and resolves when the listeners are open. Rejects with `ListenFailure`, `LogFailure` or `StateFailure`. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const gateway = new RunningGateway(options, systemClock);
  try {
    await gateway.start();
  } catch (error) {
    await gateway.giveBack();
    await gateway.stop('it could not start');
    throw error;
  }
  return gateway;
}

/**
 * The control plane on the main thread: it reads nothing of a request and writes nothing of a response. Workers
 * get snapshots and deltas, and send back records and counts.
 */
class RunningGateway implements Gateway {
  readonly #clock: Clock;
  readonly #options: GatewayOptions;
  readonly #startedWall: number;
  readonly #hub: EventHub;
  readonly #log: ExchangeLog;
  readonly #host: SystemHost;
  readonly #supervisor: Supervisor;
  readonly #estate: Estate;
  readonly #drains = new Drains((ending) => this.#workers.mayUse(ending));
  readonly #board: EndpointBoard;
  readonly #traffic: TrafficWatch;
  readonly #outlook: Outlook;
  readonly #shared: SharedCounts;
  readonly #slots: EndpointSlots;
  readonly #workers: Workers;
  readonly #inForce: InForce;
  readonly #news: ConfigurationNews;
  readonly #reports: WorkerReports;
  readonly #problems: CurrentProblems;
  #checksUnclassified = 0;
  #state: GatewayStatus['state'] = 'starting';
  /** Reloads and replacements of a worker, one at a time, in the order in which they came up. */
  #steps: Promise<unknown> = Promise.resolve();
  #stopped: Promise<void> | null = null;
  /** Another process looks after the applications; this one only finishes what is under way. */
  #hasHandedOver = false;
  #shutdown: Shutdown | null = null;
  /** No predecessor or successor writes to the same log. */
  #writesLogAlone: boolean;
  readonly #atOnce = Promise.withResolvers<void>();

  constructor(options: GatewayOptions, clock: Clock) {
    this.#options = options;
    this.#writesLogAlone = options.adopt === undefined;
    this.#clock = clock;
    this.#startedWall = clock.wallTime();
    this.#inForce = new InForce(options.configuration);
    this.#outlook = new Outlook(clock);
    // Twice as many as at the start: where all are replaced, the old ones last a while.
    const seatsMax = Math.max(sharedSizes.seatsMax, 2 * wantedWorkers(options.configuration).count);
    this.#shared = new SharedCounts({ ...sharedSizes, seatsMax }, clock, systemRandom);
    this.#slots = new EndpointSlots(this.#shared);
    const { member } = options.configuration;
    const epoch = new IdSource(systemRandom).requestId(this.#startedWall);
    this.#hub = createEventHub({
      epoch,
      member,
      clock,
      revision: () => this.#inForce.revision,
      redactor: () => this.#inForce.redactor,
    });
    this.#news = new ConfigurationNews(this.#hub, this.#inForce, options.source);
    const { watcher } = options;
    if (watcher?.told !== undefined) this.#hub.subscribe((event) => watcher.told?.(event));
    this.#problems = new CurrentProblems(clock);
    this.#hub.subscribe((event) => this.#problems.heard(event));
    this.#log = new ExchangeLog(clock, this.#hub, () => this.#writesLogAlone);
    void options.adopt?.predecessorEnded.then(() => {
      this.#writesLogAlone = true;
    });
    this.#reports = this.#createReports();
    const { stateFolder } = options.configuration;
    this.#host = createSystemHost(clock, Estate.outputsFor(stateFolder));
    this.#supervisor = this.#createSupervisor();
    this.#estate = new Estate({
      ...{ path: stateFolder, clock, events: this.#hub, host: this.#host },
      supervisor: () => this.#supervisor,
    });
    this.#board = this.#createBoard();
    this.#traffic = this.#createTrafficWatch();
    this.#supervisor.onChange(() => this.#instancesChanged());
    this.#workers = new Workers({
      clock,
      events: this.#hub,
      member,
      processStartedWall: this.#startedWall,
      joins: options.joins ?? [],
      inheritedSockets: options.inheritedSockets ?? [],
      shared: this.#shared,
      drain: () => this.#inForce.configuration.drain,
      onBatch: (batch, done) => {
        this.#reports.heard(batch, done);
        this.#traffic.heard(batch.outcomes);
        this.#problems.counted(batch.counts);
        if (batch.drained.length > 0) this.#drains.look();
      },
      onLost: (loss) => this.#reports.lost(loss),
      onGone: () => this.#drains.look(),
      onMissing: () => void this.#next(() => this.#restore()),
    });
  }

  #createReports(): WorkerReports {
    return new WorkerReports({
      clock: this.#clock,
      events: this.#hub,
      log: this.#log,
      startedWall: this.#startedWall,
      configuration: () => this.#inForce.configuration,
      workers: () => this.#workers.counts,
      watcher: this.#options.watcher ?? null,
    });
  }

  #createSupervisor(): Supervisor {
    const { configuration, watcher } = this.#options;
    return createSupervisor({
      applications: configuration.applications,
      clock: this.#clock,
      random: systemRandom,
      events: this.#hub,
      host: this.#host,
      drainMs: () => this.#inForce.configuration.drain.timeoutMs,
      whenDrained: async (instance) => {
        await this.#drains.when(instance);
        await this.#options.adopt?.predecessorEnded;
      },
      onLine: (instance, stream, line) => watcher?.printed?.(instance, stream, line),
    });
  }

  #createBoard(): EndpointBoard {
    const clock = this.#clock;
    const watch = {
      clock,
      random: systemRandom,
      deadlines: new Deadlines(clock),
      connector: socketConnector,
      onUnclassified: () => {
        this.#checksUnclassified += 1;
      },
    };
    const onChange = (upstream: UpstreamId): void => {
      this.#traffic.checksChanged(upstream);
      this.#tellEndpoints(upstream);
      this.#outlook.changed();
    };
    return new EndpointBoard({
      clock,
      watch,
      names: createNameResolver(clock),
      listeners: () => this.#inForce.listeners,
      events: this.#hub,
      supervisor: {
        instances: (id) => withoutSecrets(this.#supervisor.instances(id), this.#inForce.redactor),
      },
      onChange,
    });
  }

  #createTrafficWatch(): TrafficWatch {
    return new TrafficWatch({
      clock: this.#clock,
      random: systemRandom,
      events: this.#hub,
      checked: (upstream) => this.#board.endpoints(upstream),
      checkOf: (upstream) => {
        const spec = this.#inForce.configuration.upstreams.find(({ id }) => id === upstream);
        return spec === undefined || spec.application !== null ? 'readiness' : spec.check.kind;
      },
      onChange: (upstream) => this.#tellEndpoints(upstream),
    });
  }

  /** Endpoints as workers are to see them: by their checks, and by their traffic. */
  #upstreams(specs?: Configuration['upstreams']): readonly UpstreamSnapshot[] {
    return this.#board.upstreams(specs).map((one) => ({ ...one, endpoints: this.#seen(one) }));
  }

  #seen({ id, endpoints }: Pick<UpstreamSnapshot, 'id' | 'endpoints'>): UpstreamSnapshot['endpoints'] {
    return this.#slots.of(id, this.#traffic.seen(endpoints));
  }

  get events(): EventHub {
    return this.#hub;
  }

  tell<K extends EventKind>(event: NewEvent<K>): void {
    this.#hub.tell(event);
  }

  async start(): Promise<void> {
    const { configuration } = this.#inForce;
    await this.#log.use(await this.#log.open(configuration.log));
    const evidence = { pid: process.pid, version, node: process.version };
    this.#hub.tell({ kind: 'process_started', subject: 'gateway', reason: `candor ${version} started`, evidence });
    this.#board.watch(configuration);
    await this.#takeOver(configuration);
    await this.#outlook.until(() => this.#board.settled, firstChecksMs);
    const applied = await this.#apply(configuration);
    if (!applied.ok) throw startFailureOf(applied);
    this.#workers.keepUp();
    this.#state = 'serving';
    this.#news.applied('gateway', ['everything']);
  }

  /** Applications: those that an earlier process has started are taken over, the others are started. */
  async #takeOver({ applications }: Configuration): Promise<void> {
    const { adopt } = this.#options;
    if (adopt !== undefined) {
      const expected = this.#estate.expected();
      const own = applications.filter(({ id }) => !expected.has(id));
      this.#supervisor.apply(own);
      await this.#untilUp(own);
      await adopt.whenHandedOver();
    }
    const held = this.#estate.claim(applications);
    if (held !== null) throw new StateFailure(held);
    await this.#estate.inherit(adopt?.settled ?? null);
    this.#supervisor.start();
  }

  /** What was taken over goes back to the predecessor: it serves on, with its applications. */
  async giveBack(): Promise<void> {
    if (this.#options.adopt !== undefined && this.#estate.adopted > 0) await this.#estate.leave(heirMs);
  }

  handOver(heir: Heir): Promise<HandedOver> {
    return this.#next(async () => {
      const handed = await this.#estate.handOver(heir);
      this.#hasHandedOver = this.#estate.hasHanded;
      if (!this.#hasHandedOver) this.#supervisor.apply(this.#inForce.configuration.applications);
      return handed;
    });
  }

  takeBack(): Promise<boolean> {
    return this.#next(async () => {
      // Nobody would end them any more; their guard does, since the heir has not come.
      if (this.#isEnding) return false;
      if (!(await this.#estate.takeBack())) return false;
      this.#hasHandedOver = false;
      this.#supervisor.apply(this.#inForce.configuration.applications);
      return true;
    });
  }

  // Snapshots: each change of what is served is a step, and steps come one after the other.

  #next<T>(step: () => Promise<T>): Promise<T> {
    const done = this.#steps.then(step);
    this.#steps = done.catch(() => undefined);
    return done;
  }

  /** Has the workers take a configuration; when they have, everything else follows. Before that nothing has changed. */
  async #apply(configuration: Configuration): Promise<Applied> {
    const upstreams = this.#upstreams(configuration.upstreams);
    const snapshot = this.#inForce.next(configuration, upstreams);
    const applied = await this.#workers.apply(snapshot, wantedWorkers(configuration));
    if (!applied.ok) return applied;
    this.#inForce.revision += 1;
    this.#inForce.take(configuration);
    // First, since no endpoint may be one of them.
    const before = this.#inForce.listeners;
    this.#inForce.listeners = applied.listeners;
    this.#board.watch(configuration);
    this.#slots.keepOnly(configuration.upstreams);
    this.#supervisor.apply(configuration.applications);
    this.#tellAllEndpoints();
    tellListeners(this.#hub, before, applied.listeners);
    return applied;
  }

  /** After the loss of a worker: the next one takes what is in force. */
  async #restore(): Promise<void> {
    if (this.#state !== 'serving' || !this.#workers.isMissing) return;
    await this.#workers.restore(this.#inForce.current(this.#upstreams()));
    this.#tellAllEndpoints();
  }

  /** What changed while a snapshot was on its way to a worker stood in no delta that this worker has heard. */
  #tellAllEndpoints(): void {
    for (const { id } of this.#inForce.configuration.upstreams) this.#tellEndpoints(id);
  }

  #instancesChanged(): void {
    for (const { id, application } of this.#inForce.configuration.upstreams) {
      if (application !== null) this.#board.changed(id);
    }
    this.#estate.noteChange();
    // Applications that the configuration has no more are among them until their last instance is gone.
    const applications = this.#supervisor.status();
    this.#drains.keep(applications.flatMap(({ id }) => this.#supervisor.instances(id as ApplicationId)));
    this.#outlook.changed();
  }

  #tellEndpoints(upstream: UpstreamId): void {
    const endpoints = this.#board.endpoints(upstream);
    // One that is only being prepared is nobody's business yet.
    if (endpoints === null) return;
    const { revision } = this.#inForce;
    this.#workers.tellEndpoints({ revision, upstream, endpoints: this.#seen({ id: upstream, endpoints }) });
  }

  // What the control plane is asked.

  status(): GatewayStatus {
    const { configuration, revision, contentHash, listeners } = this.#inForce;
    const { deployment, member } = configuration;
    return statusOf({
      deployment,
      member,
      epoch: this.#hub.epoch,
      generation: this.#estate.generation,
      startedWall: this.#startedWall,
      wallTime: this.#clock.wallTime(),
      now: this.#clock.now(),
      revision,
      contentHash,
      source: this.#options.source,
      state: this.#state,
      drain: this.#shutdown?.progress ?? null,
      problems: this.#problems.list(this.#crew()),
      configured: configuration.listeners,
      open: listeners,
      upstreams: this.#upstreams(),
      countsAt: (slot) => this.#shared.countsAt(slot),
      applications: statusWithoutSecrets(this.#supervisor.status(), this.#inForce.redactor),
      workers: this.#workers.all,
    });
  }

  #crew(): Crew {
    // One that ends misses none.
    const wanted = this.#state === 'serving' ? wantedWorkers(this.#inForce.configuration).count : 0;
    return { wanted, workers: this.#workers.all, logPath: this.#log.path };
  }

  reload(actor: string): Promise<ReloadOutcome> {
    return this.#next(() => this.#reload(actor));
  }

  async #reload(actor: string): Promise<ReloadOutcome> {
    const refused = (why: string): ReloadOutcome => this.#news.rejected(actor, { kind: 'refused', complaints: [why] });
    if (this.#state !== 'serving') return refused(aboutToEnd);
    const read = await this.#options.reloadConfiguration?.();
    if (read === undefined) return refused('There is no configuration file to read again.');
    if (!read.ok) return this.#news.rejected(actor, read);
    if (this.#state !== 'serving') return refused(aboutToEnd);
    if (this.#hasHandedOver) return refused('Another process has taken the applications over.');
    const held = this.#estate.claim(read.configuration.applications);
    if (held !== null) return refused(`No application can be run: ${held}.`);
    const before = this.#inForce.configuration;
    const rejection = await reload(before, read.configuration, {
      board: this.#board,
      supervisor: this.#supervisor,
      log: this.#log,
      open: () => this.#inForce.listeners,
      untilReady: (next) => this.#untilReady(before, next),
      apply: (next) => this.#apply(next),
    });
    if (rejection !== null && this.#state !== 'serving') return refused(aboutToEnd);
    if (rejection !== null) return this.#news.rejected(actor, rejection);
    return this.#news.applied(actor, changesBetween(before, read.configuration));
  }

  /** What is to end waits for nothing new. */
  async #untilReady(before: Configuration, next: Configuration): Promise<void> {
    await this.#outlook.until(() => this.#isEnding || this.#board.settled, firstChecksMs);
    await this.#untilUp(newApplications(before, next));
  }

  /** Resolves when each of them serves or has failed, or it took too long. */
  async #untilUp(applications: Configuration['applications']): Promise<void> {
    const undecided = (): boolean =>
      applications.some(({ id }) => {
        const states = this.#supervisor.instances(id).map(({ state }) => state);
        return !states.includes('healthy') && states.includes('starting');
      });
    await this.#outlook.until(() => this.#isEnding || !undecided(), newApplicationsMs);
  }

  async reopenLogs(): Promise<void> {
    await this.#log.reopen();
  }

  findExchange(id: string): Promise<ExchangeRecord | null> {
    return this.#log.find(id);
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

  async #stop(why: string, { hasSuccessor = false, leaveApplicationsMs = null }: StopOptions): Promise<void> {
    this.#state = 'draining';
    if (hasSuccessor) this.#writesLogAlone = false;
    const reason = `it is to stop: ${why}`;
    this.#hub.tell({ kind: 'process_stopping', subject: 'gateway', reason, evidence: { why } });
    this.#outlook.changed();
    if (leaveApplicationsMs === null) void this.#atOnce.promise.then(() => this.#supervisor.stop());
    const workers = this.#workers.giveUp();
    if (workers.length > 0) {
      const { drain } = this.#inForce.configuration;
      const parts = { clock: this.#clock, events: this.#hub, drain, hasSuccessor, atOnce: this.#atOnce.promise };
      this.#shutdown = new Shutdown(workers, parts);
      await this.#shutdown.run();
    }
    // A reload undoes what it has begun before that is taken away from it.
    await Promise.race([this.#steps, this.#atOnce.promise]);
    this.#board.stop();
    this.#traffic.stop();
    if (leaveApplicationsMs !== null && !this.#hasHandedOver) await this.#estate.leave(leaveApplicationsMs);
    await this.#supervisor.stop();
    await this.#estate.close();
    await this.#log.close();
    this.#state = 'stopped';
  }
}

function wantedWorkers({ workers }: Configuration): WantedWorkers {
  return { count: workers.count ?? availableCores(), memoryOctetsMax: workers.memoryOctetsMax };
}

function startFailureOf(applied: Extract<Applied, { ok: false }>): Error {
  if (applied.lost) return new Error(`a serving worker ended before it served: ${applied.why}`);
  const [problem] = applied.problems;
  return problem === undefined ? new Error('a serving worker refused to serve') : new ListenFailure(problem);
}
