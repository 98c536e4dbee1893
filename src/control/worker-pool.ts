import type { EndingInstance } from '../core/stream.ts';
import type { DrainSpec } from '../core/configuration.ts';
import { noCounts, type WorkerCounts } from '../core/counters.ts';
import type { EventSink } from '../core/event.ts';
import type { InheritedSocket } from '../core/inherited-socket.ts';
import type { ManagedTls } from '../core/managed-tls.ts';
import type { FeatureMessages } from '../core/feature.ts';
import type { RouteOverlay } from '../core/overlay.ts';
import type { RecordRingMemory } from '../core/record-ring-memory.ts';
import { assignSockets, type OwnSocket, type PassedSocket } from '../core/passed-socket.ts';
import type { Snapshot, UpstreamDelta } from '../core/snapshot.ts';
import { after, type Clock } from '../core/time.ts';
import type { FromWorker, OpenListener } from '../core/worker-messages.ts';
import type { SharedCounts } from '../limits/shared-counts.ts';
import { HeldSockets } from './held-sockets.ts';
import { closePassed } from './passed-sockets.ts';
import { claimPorts, type ListeningAddress } from './port-claims.ts';
import { retireWorker } from './retire-worker.ts';
import { refusalText } from './start-failure.ts';
import type { WorkerExit } from './worker-exit.ts';
import { activateAll, discardAll, prepareAll } from './two-phases.ts';
import { addTotals } from '../core/worker-counts.ts';
import type { ApplyResult } from './apply-result.ts';
import { WorkerEvents } from './worker-events.ts';
import { WorkerLossWatch } from './worker-loss-watch.ts';
import { WorkerHandle, type WorkerListener } from './worker-handle.ts';
import { SupervisedWorker } from './supervised-worker.ts';
import type { WantedWorkers } from './wanted-workers.ts';

/** How long workers get to report. A person does not notice the delay, and it is longer than a turn of a worker's event loop. */
const reportedWithinMs = 100;

interface WorkerPoolParts {
  /** The file that a worker thread runs. */
  readonly workerModule: URL;
  readonly clock: Clock;
  readonly events: EventSink;
  /** The name of this gateway in its deployment: `member` of the configuration. */
  readonly member: string;
  readonly processStartedUnixMs: number;
  readonly processKey: string;
  /** Addresses at which the predecessor listens. The workers may listen there too. */
  readonly sharedAddresses: readonly ListeningAddress[];
  readonly inheritedSockets: readonly InheritedSocket[];
  /** Sockets of the predecessor. The first workers accept from them and own the descriptors. */
  readonly passedSockets: readonly PassedSocket[];
  /** The counters in the memory that all workers share. */
  readonly shared: Pick<SharedCounts, 'memory' | 'claimWorkerIndex' | 'forget'>;
  /** The keys of TLS session tickets are derived from it. */
  readonly ticketKey: () => Uint8Array;
  readonly managedTls: () => ManagedTls;
  /** Where the worker with this index writes its records. */
  readonly recordRing: (workerIndex: number) => RecordRingMemory;
  readonly storeRing: (workerIndex: number) => RecordRingMemory;
  readonly otlpRing: (workerIndex: number) => RecordRingMemory;
  /** How a worker drains when it is retired. */
  readonly drain: () => DrainSpec;
  /** Called with the counts and outcomes that a worker reports together. */
  readonly onBatch: (batch: Extract<FromWorker, { kind: 'batch' }>) => void;
  readonly onLost: (loss: WorkerLoss) => void;
  /** Called when a thread has ended, for any reason. */
  readonly onGone: (worker: number) => void;
  /** Called when the replacement of a lost worker should start. The caller calls `restore` with the active snapshot. */
  readonly onMissing: () => void;
}

export interface WorkerLoss {
  readonly worker: number;
  /** The revision of the configuration that the worker served. */
  readonly revision: number;
  /** Exchanges of the worker that were in flight, and have no record. */
  readonly exchanges: number;
  /** Accepted connections with bytes that the worker had not read; null: not known. */
  readonly unread: number | null;
  readonly why: string;
}

/**
 * Sockets that a worker accepts from instead of opening its own. A *passed* socket is from the predecessor of this process. A
 * *held* socket was opened by a worker of this process; the main thread has a second descriptor of it (`held-sockets.ts`).
 */
interface AssignedSockets {
  readonly passedSockets?: readonly PassedSocket[] | undefined;
  readonly heldSockets?: readonly PassedSocket[] | undefined;
}

const noWorkerIndexLeft = 'too many replaced workers have not ended yet; try again when they have';

const refusedWhileStopping: ApplyResult = { ok: false, workersUnavailable: true, why: 'the gateway is stopping' };

/**
 * The worker threads. When a worker is lost (its thread ends unexpectedly), the pool starts a replacement while the other workers
 * serve. The caller calls `apply` for a reload and `restore` to replace lost workers, one call at a time.
 *
 *     starting ──activated──▶ serving ──no longer wanted──▶ retiring ──drained, or lost──▶ gone
 *         ▲                        │
 *         └──── at once, or later ─┴─ lost, also while it starts
 */
export class WorkerPool {
  readonly #parts: WorkerPoolParts;
  readonly #events: WorkerEvents;
  readonly #losses: WorkerLossWatch;
  /** One for each wanted worker. A `SupervisedWorker` stays when its thread (`WorkerHandle`) is lost, and gets another thread. */
  #supervisedWorkers: readonly SupervisedWorker[] = [];
  /** New workers that are preparing their first snapshot. */
  #joining: readonly SupervisedWorker[] = [];
  /** Workers that are no longer wanted: they close their listeners and finish their requests in flight. */
  readonly #retiring = new Set<WorkerHandle>();
  #wanted: WantedWorkers = { count: 0, memoryBytesMax: 0 };
  /** The listeners of the active snapshot. */
  #openListeners: readonly OpenListener[] = [];
  #startedCount = 0;
  #lostTotal = 0;
  #mayReplace = false;
  #isStopping = false;
  /** The sum of the counts of workers that have ended. It keeps the totals from decreasing. */
  #goneCounts: WorkerCounts = noCounts(0);
  readonly #removed = new WeakSet<WorkerHandle>();
  /** Sockets of the predecessor that no worker has received yet. */
  #undistributedSockets: readonly PassedSocket[];
  /** Second descriptors of the sockets that workers have opened. */
  readonly #heldSockets: HeldSockets;

  constructor(parts: WorkerPoolParts) {
    this.#parts = parts;
    this.#events = new WorkerEvents(parts.events);
    this.#losses = new WorkerLossWatch(parts.clock, parts.events);
    this.#undistributedSockets = parts.passedSockets;
    const { clock } = parts;
    this.#heldSockets = new HeldSockets({
      clock,
      workers: () => this.#serving,
      // `standIn` now accepts from a socket of `owner`, because `owner` does not answer or has ended.
      onStandInStarted: (standIn, owner) => {
        if (owner?.state === 'serving') this.#events.silent(owner.id, standIn.id);
      },
    });
  }

  /** The wanted workers, then the retiring ones. A lost worker stays in the list until its replacement starts. */
  get all(): readonly WorkerHandle[] {
    const supervised = [
      ...this.#supervisedWorkers,
      ...this.#joining.filter((joining) => !this.#supervisedWorkers.includes(joining)),
    ];
    return [...supervised.flatMap(({ worker }) => worker ?? []), ...this.#retiring];
  }

  get #serving(): readonly WorkerHandle[] {
    return this.#supervisedWorkers.flatMap(({ worker }) => (worker?.state === 'serving' ? [worker] : []));
  }

  /** Whether a replacement should be started now. */
  get isReplacementDue(): boolean {
    return this.#supervisedWorkers.some(({ isDue }) => isDue);
  }

  /** From now on the pool replaces missing workers. */
  startReplacing(): void {
    this.#mayReplace = true;
    for (const supervised of this.#supervisedWorkers)
      if (supervised.isDue) this.#scheduleReplacement(supervised, 'it ended before it served');
  }

  /** From now on the pool starts no worker. Returns the running workers, which the caller must drain. */
  stopReplacing(): readonly WorkerHandle[] {
    this.#mayReplace = false;
    this.#isStopping = true;
    this.#losses.stop();
    for (const supervised of this.#supervisedWorkers) supervised.cancelReplacement();
    return this.all.filter(({ state }) => state !== 'lost');
  }

  /**
   * Applies a snapshot in all workers, or in none. First starts the workers that are missing. If there are more workers than
   * wanted, retires the surplus after the others have applied the snapshot.
   */
  async apply(snapshot: Snapshot, wanted: WantedWorkers): Promise<ApplyResult> {
    // A reload may still be in progress when the gateway stops. A worker that it starts now would never be stopped.
    if (this.#isStopping) return refusedWhileStopping;
    const problems = await claimPorts(snapshot.listeners, this.#ownAddresses());
    if (problems.length > 0) return { ok: false, workersUnavailable: false, problems };
    const { staying, leaving, fresh } = this.#plan(wanted);
    const workerIndexes = this.#claimWorkerIndexes(fresh.length);
    if (workerIndexes === null) return { ok: false, workersUnavailable: true, why: noWorkerIndexLeft };
    for (const supervised of [...this.#supervisedWorkers, ...fresh]) supervised.cancelReplacement();
    const passedToEach = this.#distributePassed(snapshot, fresh.length);
    const heldForEach = this.#heldSockets.distribute(fresh.length, wanted.count);
    const startedWorkers = fresh.map((supervised, index) =>
      this.#start(supervised, workerIndexes[index] ?? 0, wanted, {
        passedSockets: passedToEach[index],
        heldSockets: heldForEach[index],
      }),
    );
    this.#joining = fresh;
    const others = [...staying, ...leaving].flatMap(({ worker }) => worker ?? []);
    const applied = await this.#applySnapshot([...others, ...startedWorkers, ...this.#retiring], snapshot);
    this.#joining = [];
    if (applied.ok) {
      this.#wanted = wanted;
      this.#supervisedWorkers = [...staying, ...fresh];
      this.#noteSockets(startedWorkers, heldForEach);
      for (const supervised of leaving) this.#retire(supervised);
    } else await this.#terminateAll(fresh);
    // Workers may have been lost during this call, and missing workers may still be missing.
    const why = applied.ok ? 'it ended before it served' : refusalText(applied);
    for (const supervised of this.#supervisedWorkers) if (supervised.isDue) this.#scheduleReplacement(supervised, why);
    return applied;
  }

  /** Starts replacements of lost workers with the active snapshot. The other workers are not involved. */
  async restore(snapshot: Snapshot): Promise<void> {
    if (this.#isStopping) return;
    const due = this.#supervisedWorkers.filter(({ isDue }) => isDue);
    const problems = await claimPorts(snapshot.listeners, this.#ownAddresses());
    const workerIndexes = problems.length > 0 ? [] : this.#claimWorkerIndexes(due.length);
    let applied: ApplyResult = { ok: false, workersUnavailable: false, problems };
    if (workerIndexes === null) applied = { ok: false, workersUnavailable: true, why: noWorkerIndexLeft };
    else if (problems.length === 0) {
      const heldForEach = this.#heldSockets.distribute(due.length, this.#wanted.count);
      const startedWorkers = due.map((supervised, index) =>
        this.#start(supervised, workerIndexes[index] ?? 0, this.#wanted, { heldSockets: heldForEach[index] }),
      );
      applied = await this.#applySnapshot(startedWorkers, snapshot);
      if (applied.ok) this.#noteSockets(startedWorkers, heldForEach);
    }
    if (applied.ok) return;
    await this.#terminateAll(due);
    for (const supervised of due) if (supervised.isDue) this.#scheduleReplacement(supervised, refusalText(applied));
  }

  /** Gives all passed sockets to the first workers. Sockets without a configured listener are closed, so that no client waits there. */
  #distributePassed({ listeners }: Snapshot, count: number): ReturnType<typeof assignSockets> {
    const isWanted = ({ host, port }: PassedSocket): boolean =>
      listeners.some((listener) => listener.host === host && listener.port === port);
    const passed = this.#undistributedSockets;
    this.#undistributedSockets = [];
    closePassed(passed.filter((socket) => !isWanted(socket)));
    return assignSockets(passed.filter(isWanted), count);
  }

  /** Sockets that workers accept from: a successor may accept from them as well. */
  get sockets(): readonly OwnSocket[] {
    return this.#heldSockets.joinedWith(this.#serving.flatMap(({ sockets }) => sockets));
  }

  /** Closes the held sockets, because the workers are about to close theirs: no connection may wait in a queue that no worker reads. */
  releaseSockets(): Promise<void> {
    return this.#heldSockets.close();
  }

  /** Closes held sockets of listeners that no longer exist, and records the sockets that the new workers have opened or adopted. */
  #noteSockets(startedWorkers: readonly WorkerHandle[], heldForEach: readonly (readonly PassedSocket[])[]): void {
    this.#heldSockets.closeAllBut(this.#openListeners);
    for (const [index, worker] of startedWorkers.entries())
      this.#heldSockets.onAdopted(worker, heldForEach[index] ?? []);
    this.#heldSockets.note(this.#serving);
  }

  /** Null if too few indexes are free, because many replaced workers have not ended yet. */
  #claimWorkerIndexes(count: number): readonly number[] | null {
    const { shared } = this.#parts;
    const workerIndexes: number[] = [];
    for (let index = 0; index < count; index++) {
      const workerIndex = shared.claimWorkerIndex();
      if (workerIndex !== null) workerIndexes.push(workerIndex);
    }
    if (workerIndexes.length === count) return workerIndexes;
    for (const workerIndex of workerIndexes) shared.forget(workerIndex);
    return null;
  }

  async #applySnapshot(workers: readonly WorkerHandle[], snapshot: Snapshot): Promise<ApplyResult> {
    const prepared = await prepareAll(workers, snapshot);
    if (!prepared.ok) return prepared;
    if (this.#isStopping) {
      discardAll(workers, snapshot.revision);
      return refusedWhileStopping;
    }
    const applied = await activateAll(prepared);
    if (applied.ok) this.#openListeners = applied.listeners;
    return applied;
  }

  /** Addresses that this gateway or its predecessor holds. */
  #ownAddresses(): readonly ListeningAddress[] {
    const open = this.#serving.length > 0 ? this.#openListeners : [];
    return [...this.#parts.sharedAddresses, ...open, ...this.#heldSockets.sockets];
  }

  /** Which workers stay, retire and start. The memory limit of a worker is fixed at its start: another limit needs another worker. */
  #plan(wanted: WantedWorkers): Record<'staying' | 'leaving' | 'fresh', SupervisedWorker[]> {
    const fits = ({ worker }: SupervisedWorker): boolean =>
      worker?.state === 'serving' && worker.memoryBytesMax === wanted.memoryBytesMax;
    const staying = this.#supervisedWorkers.filter(fits).slice(0, wanted.count);
    const missing = this.#supervisedWorkers.filter(({ isMissing }) => isMissing);
    const leaving = this.#supervisedWorkers.filter(
      (supervised) => !staying.includes(supervised) && !missing.includes(supervised),
    );
    const fresh = missing.slice(0, wanted.count - staying.length);
    while (staying.length + fresh.length < wanted.count) fresh.push(new SupervisedWorker(this.#parts.clock));
    return { staying, leaving, fresh };
  }

  sendEndpoints(delta: UpstreamDelta): void {
    for (const worker of this.all) worker.sendEndpoints(delta);
  }

  sendTicketKey(key: Uint8Array): void {
    for (const worker of this.all) worker.sendTicketKey(key);
  }

  /** Resolves when each worker has applied it, or is lost, or does not answer. */
  async sendManagedTls(
    certificates: ManagedTls['certificates'] | null,
    challenges: ManagedTls['challenges'],
  ): Promise<void> {
    await Promise.all(this.all.map((worker) => worker.sendManagedTls(certificates, challenges)));
  }

  sendOverlay(overlay: RouteOverlay): void {
    for (const worker of this.all) worker.sendOverlay(overlay);
  }

  sendFeatureStates(feature: string, states: FeatureMessages): void {
    for (const worker of this.all) worker.sendFeatureStates(feature, states);
  }

  endTunnelsOf(instance: EndingInstance): void {
    for (const worker of this.all) worker.endTunnelsOf(instance);
  }

  /** Whether a worker may still send to an endpoint whose id ends with `ending`: endpoint ids end with the instance and its address. */
  mayUseEndpoint(ending: string): boolean {
    return this.all.some((worker) => worker.mayUseEndpoint(ending));
  }

  /** Asks all workers for their counts, and waits at most `reportedWithinMs`. */
  async refreshCounts(): Promise<void> {
    const { clock } = this.#parts;
    const timer = Promise.withResolvers<void>();
    const timeout = clock.schedule(after(clock.now(), reportedWithinMs), timer.resolve, undefined);
    await Promise.race([Promise.all(this.all.map((worker) => worker.report())), timer.promise]);
    timeout.cancel();
  }

  /** The counts of each worker. Worker 0 stands for all workers that have ended. */
  get counts(): readonly WorkerCounts[] {
    const others = this.all.filter((worker) => !this.#removed.has(worker));
    return [...others.map(({ id, counts }) => counts ?? noCounts(id)), this.#goneCounts];
  }

  /** The number of workers lost since the start. */
  get lostTotal(): number {
    return this.#lostTotal;
  }

  #start(
    supervised: SupervisedWorker,
    workerIndex: number,
    { memoryBytesMax }: WantedWorkers,
    { passedSockets = [], heldSockets = [] }: AssignedSockets = {},
  ): WorkerHandle {
    const { workerModule, clock, member, processStartedUnixMs, processKey, inheritedSockets, shared, onBatch } =
      this.#parts;
    this.#startedCount += 1;
    const id = this.#startedCount;
    const sockets = { inheritedSockets, passedSockets, heldSockets };
    const recordRing = this.#parts.recordRing(workerIndex);
    const init = {
      worker: id,
      workerIndex,
      member,
      processStartedUnixMs,
      processKey,
      ...sockets,
      shared: shared.memory,
      recordRing,
      storeRing: this.#parts.storeRing(workerIndex),
      otlpRing: this.#parts.otlpRing(workerIndex),
      ticketKey: this.#parts.ticketKey(),
      managedTls: this.#parts.managedTls(),
    };
    const listener: WorkerListener = {
      onBatch,
      onLost: (end, unread) => this.#lost(supervised, worker, end, unread),
      onSilent: () => this.#heldSockets.acceptForAbsentWorkers(),
      onStandInFailed: (link) => this.#heldSockets.onStandInFailed(worker, link),
    };
    const worker: WorkerHandle = new WorkerHandle({ workerModule, init, clock, listener, memoryBytesMax });
    supervised.assign(worker);
    this.#events.started(worker);
    return worker;
  }

  #lost(supervised: SupervisedWorker, worker: WorkerHandle, end: WorkerExit, unread: number | null): void {
    const { id, revision, exchangesActive: exchanges } = worker;
    this.#lostTotal += 1;
    this.#events.lost(worker, end, unread);
    this.#parts.onLost({ worker: id, revision, exchanges, unread, why: end.why });
    const wasRetiring = this.#retiring.has(worker);
    this.#remove(worker);
    if (!wasRetiring && this.#supervisedWorkers.includes(supervised)) this.#scheduleReplacement(supervised, end.why);
  }

  /** Forgets a worker that has ended: keeps its last counts and frees what it held. A second call has no effect. */
  #remove(worker: WorkerHandle): void {
    if (this.#removed.has(worker)) return;
    this.#removed.add(worker);
    if (worker.counts !== null) this.#goneCounts = addTotals(this.#goneCounts, worker.counts);
    this.#retiring.delete(worker);
    // If the worker never accepted from a passed socket, connections would wait in its queue for ever.
    closePassed(worker.passedSockets);
    this.#heldSockets.forget(worker);
    this.#heldSockets.acceptForAbsentWorkers();
    this.#parts.shared.forget(worker.workerIndex);
    this.#parts.onGone(worker.id);
  }

  /** Stops workers that were started for a snapshot that was not applied. */
  async #terminateAll(supervised: readonly SupervisedWorker[]): Promise<void> {
    for (const { worker } of supervised) {
      if (worker === null || worker.state === 'lost') continue;
      await worker.terminate();
      this.#remove(worker);
    }
  }

  #scheduleReplacement(supervised: SupervisedWorker, why: string): void {
    if (!this.#mayReplace) return;
    const pause = supervised.scheduleReplacement(this.#parts.onMissing);
    this.#losses.lost(why, { serving: this.#serving.length, wanted: this.#wanted.count });
    if (pause.afterMs === 0) return;
    // All workers are down, and a replacement has failed already: closes the queues, so that clients are refused at once.
    if (this.#serving.length === 0 && pause.failures > 1) this.#heldSockets.closeAllBut([]);
    const serving = `${this.#serving.length} of ${this.#wanted.count}`;
    this.#events.restarting(supervised.worker?.id ?? 0, why, pause, serving);
  }

  /** Lets other workers accept from the sockets of a worker before it closes them, so that queued connections are not lost. */
  async #giveSocketsToOthers(worker: WorkerHandle): Promise<void> {
    await this.#heldSockets.hold();
    this.#heldSockets.forget(worker);
    this.#heldSockets.acceptForAbsentWorkers();
  }

  #retire({ worker }: SupervisedWorker): void {
    if (worker === null || worker.state === 'lost') return;
    const { clock, drain } = this.#parts;
    worker.state = 'retiring';
    this.#retiring.add(worker);
    const beganAt = clock.now();
    void this.#giveSocketsToOthers(worker)
      .then(() => retireWorker(worker, clock, drain()))
      .then(() => {
        // If the worker was lost while it drained, another event has reported that. If the gateway stops, no event is needed.
        if (!this.#retiring.has(worker) || this.#isStopping) return;
        this.#remove(worker);
        this.#events.retired(worker.id, Math.round(clock.now() - beganAt));
      });
  }
}
