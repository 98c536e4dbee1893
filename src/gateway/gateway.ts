import { socketConnector } from '../transport/connect.ts';
import { createNameResolver } from '../transport/resolve.ts';
import type { Configuration } from '../core/configuration.ts';
import { noCounts } from '../core/counters.ts';
import { Deadlines } from '../core/deadline.ts';
import type { EventKind, NewEvent } from '../core/event.ts';
import type { OwnSocket } from '../core/passed-socket.ts';
import type { ExchangeRecord } from '../core/record.ts';
import type { Clock } from '../core/time.ts';
import { createEventHub, type EventHub } from '../record/event-hub.ts';
import { SharedCounts, sharedSizes } from '../places/shared-counts.ts';
import { IdSource } from '../wire/request-id.ts';
import { Applications } from './applications.ts';
import { changesBetween } from './changes.ts';
import { ConfigurationNews } from './configuration-news.ts';
import type { Gateway, GatewayStatus, GatewayWatcher, ReloadOutcome, StopOptions } from './control.ts';
import { Endpoints } from './endpoints.ts';
import { LateExits } from './late-exits.ts';
import type { HandedOver, Heir } from './estate.ts';
import { ExchangeLog } from './exchange-log.ts';
import type { ConfigurationReload, GatewayOptions, Succession } from './gateway-options.ts';
import { InForce } from './in-force.ts';
import { tellListeners } from './listener-news.ts';
import { type Crew, CurrentProblems } from './problems.ts';
import { newApplications, reload } from './reload.ts';
import { Shutdown } from './shutdown.ts';
import { ListenFailure, LogFailure, StartAbandoned, StateFailure } from './start-failure.ts';
import { statusOf } from './status.ts';
import { availableCores, systemClock, systemRandom } from './system.ts';
import { version } from './version.ts';
import { Outlook } from './waiting.ts';
import { endpointsWithoutSecrets, statusWithoutSecrets, withoutSecrets } from './instance-secrets.ts';
import type { Applied } from './worker-handle.ts';
import { WorkerReports } from './worker-reports.ts';
import { type WantedWorkers, Workers } from './workers.ts';

export type { Configuration, Gateway, GatewayWatcher };
export { ListenFailure, LogFailure, StartAbandoned, StateFailure };

export type { ConfigurationReload, GatewayOptions, Succession };

/** Listeners open when every check has come back once, and in any case after this (design: an unknown endpoint
 * may still be tried while none is healthy). */
const firstChecksMs = 1000;

const aboutToEnd = 'This gateway is about to end.';

/** Starts everything, and resolves when the listeners are open. Rejects with `ListenFailure`, `LogFailure` or `StateFailure`. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const gateway = new RunningGateway(options, systemClock);
  const { abandon } = options;
  abandon?.addEventListener('abort', () => gateway.abandon(String(abandon.reason)), { once: true });
  try {
    await gateway.start();
  } catch (error) {
    await gateway.giveBack();
    await gateway.stop('it could not start');
    throw abandon?.aborted === true ? new StartAbandoned(String(abandon.reason)) : error;
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
  readonly #applications: Applications;
  readonly #endpoints: Endpoints;
  readonly #lateExits: LateExits;
  readonly #outlook: Outlook;
  readonly #shared: SharedCounts;
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
    this.#applications = new Applications({
      options,
      clock,
      events: this.#hub,
      outlook: this.#outlook,
      drainMs: () => this.#inForce.configuration.drain.timeoutMs,
      mayUse: (ending) => this.#workers.mayUse(ending),
      isEnding: () => this.#isEnding,
      onChecked: (application, instance, refused) => this.#endpoints.instanceChecked(application, instance, refused),
    });
    this.#endpoints = this.#createEndpoints();
    this.#lateExits = new LateExits(clock);
    this.#applications.supervisor.onChange(() => this.#instancesChanged());
    this.#workers = new Workers({
      clock,
      events: this.#hub,
      member,
      processStartedWall: this.#startedWall,
      joins: options.joins ?? [],
      inheritedSockets: options.inheritedSockets ?? [],
      passedSockets: options.passedSockets ?? [],
      shared: this.#shared,
      drain: () => this.#inForce.configuration.drain,
      onBatch: (batch, done) => {
        this.#reports.heard(batch, done);
        this.#endpoints.heard(batch.outcomes);
        this.#problems.counted(batch.counts);
        if (batch.drained.length > 0) this.#applications.drained();
      },
      onLost: (loss) => this.#reports.lost(loss),
      onGone: () => this.#applications.drained(),
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

  #createEndpoints(): Endpoints {
    const clock = this.#clock;
    return new Endpoints({
      watch: {
        clock,
        random: systemRandom,
        deadlines: new Deadlines(clock),
        connector: socketConnector,
        onUnclassified: () => {
          this.#checksUnclassified += 1;
        },
      },
      names: createNameResolver(clock),
      events: this.#hub,
      shared: this.#shared,
      supervisor: {
        instances: (id) => withoutSecrets(this.#applications.supervisor.instances(id), this.#inForce.redactor),
        noteTraffic: (...traffic) => this.#applications.supervisor.noteTraffic(...traffic),
      },
      configuration: () => this.#inForce.configuration,
      revision: () => this.#inForce.revision,
      listeners: () => this.#inForce.listeners,
      post: (delta) => this.#workers.tellEndpoints(delta),
      onChange: () => this.#outlook.changed(),
    });
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
    this.#endpoints.board.watch(configuration);
    await this.#applications.takeOver(configuration.applications);
    await this.#outlook.until(() => this.#isEnding || this.#endpoints.board.settled, firstChecksMs);
    const applied = await this.#apply(configuration);
    if (!applied.ok) throw startFailureOf(applied);
    if (this.#isEnding) throw new StartAbandoned(aboutToEnd);
    this.#workers.keepUp();
    this.#state = 'serving';
    this.#news.applied('gateway', ['everything']);
  }

  /** What was taken over goes back to the predecessor: it serves on, with its applications. */
  giveBack(): Promise<void> {
    return this.#applications.giveBack();
  }

  listeningSockets(): readonly OwnSocket[] {
    return this.#workers.sockets;
  }

  handOver(heir: Heir): Promise<HandedOver> {
    return this.#next(() => this.#applications.handOver(heir, this.#inForce.configuration.applications));
  }

  takeBack(): Promise<boolean> {
    return this.#next(async () => {
      // Nobody would end them any more; their guard does, since the heir has not come.
      if (this.#isEnding) return false;
      return this.#applications.takeBack(this.#inForce.configuration.applications);
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
    const upstreams = this.#endpoints.upstreams(configuration.upstreams);
    const snapshot = this.#inForce.next(configuration, upstreams);
    const applied = await this.#workers.apply(snapshot, wantedWorkers(configuration));
    if (!applied.ok) return applied;
    this.#inForce.revision += 1;
    this.#inForce.take(configuration);
    // First, since no endpoint may be one of them.
    const before = this.#inForce.listeners;
    this.#inForce.listeners = applied.listeners;
    this.#endpoints.use(configuration);
    this.#applications.supervisor.apply(configuration.applications);
    this.#endpoints.tellAll();
    tellListeners(this.#hub, before, applied.listeners);
    return applied;
  }

  /** After the loss of a worker: the next one takes what is in force. */
  async #restore(): Promise<void> {
    if (this.#state !== 'serving' || !this.#workers.isMissing) return;
    await this.#workers.restore(this.#inForce.current(this.#endpoints.upstreams()));
    this.#endpoints.tellAll();
  }

  #instancesChanged(): void {
    this.#endpoints.instancesChanged();
    for (const { id, application } of this.#inForce.configuration.upstreams) {
      if (application !== null) this.#lateExits.note(this.#endpoints.board.endpoints(id)?.values() ?? []);
    }
    this.#applications.noteChange();
    this.#outlook.changed();
  }

  // What the control plane is asked.

  status(): GatewayStatus {
    const { configuration, revision, contentHash, listeners } = this.#inForce;
    const { deployment, member } = configuration;
    const applications = statusWithoutSecrets(this.#applications.supervisor.status(), this.#inForce.redactor);
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
      problems: this.#problems.list(this.#crew(applications)),
      configured: configuration.listeners,
      open: listeners,
      upstreams: endpointsWithoutSecrets(this.#endpoints.upstreams(), this.#inForce.redactor),
      lastMinute: this.#reports.lastMinute,
      countsAt: (slot) => this.#shared.countsAt(slot),
      clientConnectionsAt: (seat) => this.#shared.clientConnectionsAt(seat),
      applications,
      workers: this.#workers.all,
    });
  }

  freshCounts(): Promise<void> {
    return this.#workers.freshCounts();
  }

  #crew(applications: GatewayStatus['applications']): Crew {
    // One that ends misses none.
    const wanted = this.#state === 'serving' ? wantedWorkers(this.#inForce.configuration).count : 0;
    return { wanted, workers: this.#workers.all, logPath: this.#log.path, applications };
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
    if (this.#applications.hasHandedOver) return refused('Another process has taken the applications over.');
    const held = this.#applications.claim(read.configuration.applications);
    if (held !== null) return refused(`No application can be run: ${held}.`);
    const before = this.#inForce.configuration;
    const rejection = await reload(before, read.configuration, {
      board: this.#endpoints.board,
      supervisor: this.#applications.supervisor,
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
    await this.#outlook.until(() => this.#isEnding || this.#endpoints.board.settled, firstChecksMs);
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

  async #stop(why: string, { hasSuccessor = false, leaveApplicationsMs = null }: StopOptions): Promise<void> {
    this.#state = 'draining';
    if (hasSuccessor) this.#writesLogAlone = false;
    const reason = `it is to stop: ${why}`;
    this.#hub.tell({ kind: 'process_stopping', subject: 'gateway', reason, evidence: { why } });
    this.#outlook.changed();
    if (leaveApplicationsMs === null) void this.#atOnce.promise.then(() => this.#applications.supervisor.stop());
    const workers = this.#workers.giveUp();
    if (workers.length > 0) {
      const { drain } = this.#inForce.configuration;
      const closeListeners = (): void => void this.#workers.releaseSockets();
      const parts = { clock: this.#clock, events: this.#hub, drain, hasSuccessor, atOnce: this.#atOnce.promise };
      this.#shutdown = new Shutdown(workers, { ...parts, closeListeners });
      await this.#shutdown.run();
    }
    await this.#workers.releaseSockets();
    // A reload undoes what it has begun before that is taken away from it.
    await Promise.race([this.#steps, this.#atOnce.promise]);
    this.#endpoints.stop();
    await this.#applications.end(leaveApplicationsMs);
    this.#reports.close();
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
