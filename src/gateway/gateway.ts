import { createHash } from 'node:crypto';
import { socketConnector } from '../transport/connect.ts';
import type { Configuration, ListenerSpec } from '../core/configuration.ts';
import { Deadlines } from '../core/deadline.ts';
import { hostPort, type UpstreamId } from '../core/endpoint.ts';
import type { EventKind, NewEvent } from '../core/event.ts';
import type { ExchangeRecord } from '../core/record.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import { createSupervisor, type Supervisor } from '../deploy/supervisor.ts';
import { createSystemHost } from '../deploy/system-host.ts';
import { CounterTotals } from '../record/counters.ts';
import { createEventHub, type EventHub } from '../record/event-hub.ts';
import { type LogFile, openLogFile } from '../record/log-file.ts';
import { parseRecord } from '../record/parse-record.ts';
import { RecentRecords } from '../record/recent.ts';
import { searchLog } from '../record/search-log.ts';
import { IdSource } from '../wire/request-id.ts';
import type { Gateway, GatewayStatus, GatewayWatcher, ReloadOutcome } from './control.ts';
import { changesBetween } from './changes.ts';
import { EndpointBoard } from './endpoint-board.ts';
import type { FromWorker, ListenProblem, OpenListener } from './messages.ts';
import { statusOf } from './status.ts';
import { systemClock, systemRandom } from './system.ts';
import { version } from './version.ts';
import { type Applied, WorkerHandle } from './worker-handle.ts';

export type { Configuration, Gateway, GatewayWatcher };

export type ConfigurationReload = () => Promise<
  | { readonly ok: true; readonly configuration: Configuration }
  | { readonly ok: false; readonly complaints: readonly string[] }
>;

export interface GatewayOptions {
  readonly configuration: Configuration;
  /** Path of the configuration file; null without one. */
  readonly source: string | null;
  /** How to read it again; without it a reload changes nothing and says so. */
  readonly reloadConfiguration?: ConfigurationReload;
  readonly watcher?: GatewayWatcher;
}

/** A listener could not be opened. `listener`, `address` and `errno` are for programs. */
export class ListenFailure extends Error {
  override readonly name = 'ListenFailure';
  readonly listener: string;
  readonly address: string;
  readonly host: string;
  readonly port: number;
  readonly errno: string;

  constructor(problem: ListenProblem) {
    super(`listener ${problem.listener} cannot listen on ${hostPort(problem.host, problem.port)} (${problem.errno})`);
    this.listener = problem.listener;
    this.host = problem.host;
    this.port = problem.port;
    this.address = hostPort(problem.host, problem.port);
    this.errno = problem.errno;
  }
}

/** The exchange log could not be opened at the start; the message is for people. */
export class LogFailure extends Error {
  override readonly name = 'LogFailure';
}

/** Listeners open when every check has come back once, and in any case after this (design: an unknown endpoint
 * may still be tried while none is healthy). */
const firstChecksMs = 1000;
const firstChecksLookMs = 10;

/** What is under way when we are asked to stop gets this long. */
const drainMs = 10_000;

/** A worker that falls sooner is replaced only then: what ends it at once will end the next one too. */
const workerLivesMs = 1000;

/** A record is in the worker's hands for up to 100 ms. */
const recordComesMs = 200;

/** Starts everything, and resolves when the listeners are open. Rejects with `ListenFailure` or `LogFailure`. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const gateway = new RunningGateway(options, systemClock);
  try {
    await gateway.start();
  } catch (error) {
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
  readonly #totals = new CounterTotals();
  readonly #recent = new RecentRecords();
  readonly #supervisor: Supervisor;
  readonly #board: EndpointBoard;
  #configuration: Configuration;
  #contentHash: string;
  #revision = 0;
  #deltaRevision = 0;
  #applying = false;
  #workerStartedAt: Instant;
  #worker: WorkerHandle | null = null;
  #log: LogFile | null = null;
  #listeners: readonly OpenListener[] = [];
  #state: GatewayStatus['state'] = 'starting';
  #reloading: Promise<unknown> = Promise.resolve();
  #stopped: Promise<void> | null = null;
  #endStop: (() => void) | null = null;

  constructor(options: GatewayOptions, clock: Clock) {
    this.#options = options;
    this.#clock = clock;
    this.#startedWall = clock.wallTime();
    this.#workerStartedAt = clock.now();
    this.#configuration = options.configuration;
    this.#contentHash = contentHashOf(options.configuration);
    const { member } = options.configuration;
    const epoch = new IdSource(systemRandom).requestId(this.#startedWall);
    this.#hub = createEventHub({ epoch, member, clock, revision: () => this.#revision });
    const { watcher } = options;
    if (watcher?.told !== undefined) this.#hub.subscribe((event) => watcher.told?.(event));
    this.#supervisor = createSupervisor({
      applications: options.configuration.applications,
      clock,
      random: systemRandom,
      events: this.#hub,
      host: createSystemHost(clock),
      onLine: (instance, stream, line) => watcher?.printed?.(instance, stream, line),
    });
    const watch = { clock, random: systemRandom, deadlines: new Deadlines(clock), connector: socketConnector };
    const onChange = (upstream: UpstreamId): void => this.#tellEndpoints(upstream);
    this.#board = new EndpointBoard({ clock, watch, events: this.#hub, supervisor: this.#supervisor, onChange });
    this.#supervisor.onChange(() => this.#instancesChanged());
  }

  get events(): EventHub {
    return this.#hub;
  }

  tell<K extends EventKind>(event: NewEvent<K>): void {
    this.#hub.tell(event);
  }

  async start(): Promise<void> {
    this.#log = await this.#openLog(this.#configuration);
    const evidence = { pid: process.pid, version, node: process.version };
    this.#hub.tell({ kind: 'process_started', subject: 'gateway', reason: `candor ${version} started`, evidence });
    this.#supervisor.start();
    this.#board.watch(this.#configuration);
    await this.#firstChecks();
    this.#worker = this.#startWorker(1);
    const applied = await this.#apply(this.#configuration);
    if (!applied.ok) throw listenFailureOf(applied);
    this.#tellAllEndpoints();
    this.#state = 'serving';
    this.#tellApplied('gateway', ['everything']);
  }

  async #openLog({ log }: Configuration): Promise<LogFile | null> {
    if (log.path === null) return null;
    const opened = await openLogFile(log.path, { clock: this.#clock, events: this.#hub });
    if (!opened.ok) throw new LogFailure(opened.failure.says);
    return opened.value;
  }

  async #firstChecks(): Promise<void> {
    const until = after(this.#clock.now(), firstChecksMs);
    while (!this.#board.settled && this.#clock.now() < until) await this.#wait(firstChecksLookMs);
  }

  #wait(durationMs: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.schedule(after(this.#clock.now(), durationMs), resolve, undefined);
    });
  }

  // Workers.

  #startWorker(number: number): WorkerHandle {
    this.#workerStartedAt = this.#clock.now();
    const { member } = this.#configuration;
    const birth = { worker: number, member, processStartedWall: this.#startedWall };
    const worker: WorkerHandle = new WorkerHandle(birth, {
      onMessage: (message) => this.#heard(message),
      onLost: (why) => void this.#replace(worker, why),
    });
    const evidence = { threadId: worker.threadId };
    this.#hub.tell({
      kind: 'worker_started',
      subject: `worker:${number}`,
      reason: 'it is to serve',
      worker: number,
      evidence,
    });
    return worker;
  }

  async #replace(lost: WorkerHandle, why: string): Promise<void> {
    const exchangesLost = lost.counts?.exchangesActive ?? 0;
    const reason = `worker ${lost.id} is lost: ${why}`;
    this.#hub.tell({
      kind: 'worker_lost',
      subject: `worker:${lost.id}`,
      reason,
      worker: lost.id,
      evidence: { why, exchangesLost },
    });
    const waitMs = after(this.#workerStartedAt, workerLivesMs) - this.#clock.now();
    if (waitMs > 0) await this.#wait(waitMs);
    if (this.#state !== 'serving') return;
    const worker = this.#startWorker(lost.id + 1);
    this.#worker = worker;
    const applied = await this.#apply(this.#configuration);
    if (applied.ok) return this.#tellAllEndpoints();
    // Without problems it is lost itself, and is being replaced.
    if (applied.problems.length === 0) return;
    await worker.terminate();
    await this.#replace(worker, problemTexts(applied).join('; '));
  }

  #heard(message: Extract<FromWorker, { kind: 'batch' | 'unclassified' }>): void {
    if (message.kind === 'unclassified') return;
    this.#totals.add(message.exchanges);
    const { lines } = message;
    if (lines === null) return;
    this.#log?.append(lines.octets, lines.lines);
    this.#recent.add(lines);
    if (this.#options.watcher?.failed !== undefined) this.#tellFailures(lines.octets, lines.failed);
  }

  #tellFailures(octets: Uint8Array, failed: readonly number[]): void {
    for (let index = 0; index < failed.length; index += 2) {
      const line = Buffer.from(octets.subarray(failed[index], failed[index + 1])).toString('latin1');
      const parsed = parseRecord(line);
      if ('record' in parsed) this.#options.watcher?.failed?.(parsed.record as ExchangeRecord);
    }
  }

  // Snapshots.

  async #apply(configuration: Configuration): Promise<Applied> {
    const worker = this.#worker;
    if (worker === null) return { ok: false, problems: [] };
    this.#applying = true;
    const applied = await worker.apply(this.#snapshot(configuration, this.#revision + 1));
    this.#applying = false;
    if (!applied.ok) return applied;
    this.#revision += 1;
    this.#tellListeners(applied.listeners);
    return applied;
  }

  #snapshot(configuration: Configuration, revision: number): Snapshot {
    const { deployment, member, listeners, routes, trustedPeers, client, log } = configuration;
    const contentHash = contentHashOf(configuration);
    const upstreams = this.#board.upstreams(configuration.upstreams);
    const { queryAllowed } = log;
    return {
      revision,
      contentHash,
      deployment,
      member,
      listeners: listeners.map((listener) => this.#whereItIs(listener)),
      routes,
      upstreams,
      trustedPeers,
      client,
      queryAllowed,
    };
  }

  /** A port that the system chose stays the same for as long as the configuration leaves the choice to it. */
  #whereItIs(listener: ListenerSpec): ListenerSpec {
    const { id, host, port } = listener;
    if (port !== 0) return listener;
    const chosen = this.#configuration.listeners.some((one) => one.id === id && one.host === host && one.port === 0);
    const open = this.#listeners.find((one) => one.id === id && one.host === host);
    return chosen && open !== undefined ? { ...listener, port: open.port } : listener;
  }

  #tellListeners(now: readonly OpenListener[]): void {
    const text = ({ host, port }: OpenListener): string => hostPort(host, port);
    const before = new Set(this.#listeners.map(text));
    const open = new Set(now.map(text));
    for (const listener of now.filter((one) => !before.has(text(one)))) {
      const address = text(listener);
      const evidence = { listener: listener.id, address };
      this.#hub.tell({
        kind: 'listener_opened',
        subject: `listener:${listener.id}`,
        reason: `it listens on ${address}`,
        evidence,
      });
    }
    for (const listener of this.#listeners.filter((one) => !open.has(text(one)))) {
      const evidence = { listener: listener.id, address: text(listener) };
      this.#hub.tell({
        kind: 'listener_closed',
        subject: `listener:${listener.id}`,
        reason: 'the configuration has it no more',
        evidence,
      });
    }
    this.#listeners = now;
  }

  /** What changed while a snapshot was on its way stood in no delta. */
  #tellAllEndpoints(): void {
    for (const { id } of this.#configuration.upstreams) this.#tellEndpoints(id);
  }

  #instancesChanged(): void {
    for (const { id, application } of this.#configuration.upstreams) if (application !== null) this.#tellEndpoints(id);
  }

  #tellEndpoints(upstream: UpstreamId): void {
    // A delta behind a snapshot would speak of endpoints that may no longer be the upstream's.
    if (this.#applying) return;
    this.#deltaRevision += 1;
    const endpoints = this.#board.endpoints(upstream);
    this.#worker?.send({ kind: 'delta', delta: { revision: this.#deltaRevision, upstream, endpoints } });
  }

  // What the control plane is asked.

  status(): GatewayStatus {
    const { deployment, member } = this.#configuration;
    return statusOf({
      deployment,
      member,
      epoch: this.#hub.epoch,
      startedWall: this.#startedWall,
      wallTime: this.#clock.wallTime(),
      now: this.#clock.now(),
      revision: this.#revision,
      contentHash: this.#contentHash,
      source: this.#options.source,
      state: this.#state,
      configured: this.#configuration.listeners,
      open: this.#listeners,
      upstreams: this.#board.upstreams(),
      applications: this.#supervisor.status(),
      worker: this.#worker,
    });
  }

  reload(actor: string): Promise<ReloadOutcome> {
    // One at a time, in the order in which they were asked for.
    const outcome = this.#reloading.then(() => this.#reload(actor));
    this.#reloading = outcome.catch(() => undefined);
    return outcome;
  }

  async #reload(actor: string): Promise<ReloadOutcome> {
    const read = await this.#options.reloadConfiguration?.();
    if (read === undefined) return this.#rejected(['there is no configuration file to read again'], actor);
    if (!read.ok) return this.#rejected(read.complaints, actor);
    const before = this.#configuration;
    // What the new file asks for is looked at beside what is in force, and seen by nobody until it is taken.
    this.#board.prepare(read.configuration);
    await this.#firstChecks();
    const applied = await this.#apply(read.configuration);
    if (!applied.ok) {
      this.#board.watch(before);
      this.#tellAllEndpoints();
      return this.#rejected(problemTexts(applied), actor);
    }
    this.#configuration = read.configuration;
    this.#contentHash = contentHashOf(read.configuration);
    this.#board.watch(read.configuration);
    this.#supervisor.apply(read.configuration.applications);
    this.#tellAllEndpoints();
    await this.#changeLog(before, read.configuration);
    const changed = changesBetween(before, read.configuration);
    this.#tellApplied(actor, changed);
    return { ok: true, revision: this.#revision, changed };
  }

  #rejected(complaints: readonly string[], actor: string): ReloadOutcome {
    const source = this.#options.source ?? 'none';
    const reason = 'the configuration was refused; nothing has changed';
    this.#hub.tell({
      kind: 'configuration_rejected',
      subject: 'gateway',
      reason,
      evidence: { source, complaints },
      actor,
    });
    return { ok: false, complaints };
  }

  #tellApplied(actor: string, changed: readonly string[]): void {
    const source = this.#options.source ?? 'command line';
    const evidence = { contentHash: this.#contentHash, source, changed };
    const reason = `revision ${this.#revision} is in force`;
    this.#hub.tell({ kind: 'configuration_applied', subject: 'gateway', reason, evidence, actor });
  }

  /** A log under another path is opened before the old one is let go; when that fails the old one stays. */
  async #changeLog(before: Configuration, now: Configuration): Promise<void> {
    if (before.log.path === now.log.path) return;
    const old = this.#log;
    try {
      this.#log = await this.#openLog(now);
      await old?.close();
    } catch (error) {
      if (!(error instanceof LogFailure)) throw error;
      const evidence = { what: error.message, count: 0, errno: null };
      this.#hub.tell({
        kind: 'log_dropped',
        subject: 'log',
        reason: `${error.message}; the old log is kept`,
        evidence,
      });
    }
  }

  async reopenLogs(): Promise<void> {
    await this.#log?.reopen();
  }

  async findExchange(id: string): Promise<ExchangeRecord | null> {
    const found = this.#recent.find(id);
    if (found !== null) return found;
    await this.#wait(recordComesMs);
    const { path } = this.#configuration.log;
    return this.#recent.find(id) ?? (path === null || path === '-' ? null : await searchLog(path, id));
  }

  counts(): ReturnType<Gateway['counts']> {
    const counts = this.#worker?.counts ?? null;
    return {
      exchanges: this.#totals.all(),
      workers: counts === null ? [] : [counts],
      logDropped: this.#log?.dropped ?? 0,
    };
  }

  // The end.

  stop(why: string): Promise<void> {
    if (this.#stopped === null) this.#stopped = this.#stop(why);
    else this.#endStop?.();
    return this.#stopped;
  }

  async #stop(why: string): Promise<void> {
    this.#state = 'draining';
    this.#hub.tell({
      kind: 'process_stopping',
      subject: 'gateway',
      reason: `it is to stop: ${why}`,
      evidence: { why },
    });
    const worker = this.#worker;
    const atOnce = new Promise<void>((resolve) => {
      this.#endStop = () => {
        resolve();
        void this.#supervisor.stop();
      };
    });
    if (worker !== null) {
      const { promise: tooLong, resolve } = Promise.withResolvers<void>();
      const timer = this.#clock.schedule(after(this.#clock.now(), drainMs), resolve, undefined);
      await Promise.race([worker.drain(), tooLong, atOnce]);
      timer.cancel();
      await worker.terminate();
    }
    this.#board.stop();
    await this.#supervisor.stop();
    await this.#log?.close();
    this.#state = 'stopped';
  }
}

function contentHashOf(configuration: Configuration): string {
  return createHash('sha256').update(JSON.stringify(configuration)).digest('hex').slice(0, 16);
}

function listenFailureOf(applied: Extract<Applied, { ok: false }>): Error {
  const [problem] = applied.problems;
  return problem === undefined ? new Error('the serving worker ended before it served') : new ListenFailure(problem);
}

function problemTexts(applied: Extract<Applied, { ok: false }>): readonly string[] {
  if (applied.problems.length === 0) return ['the serving worker ended before it had taken the configuration'];
  return applied.problems.map(listenProblemText);
}

function listenProblemText({ listener, host, port, errno }: ListenProblem): string {
  return `listener ${listener} cannot listen on ${hostPort(host, port)} (${errno})`;
}
