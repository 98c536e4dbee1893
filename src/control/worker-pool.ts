import type { DrainSpec } from '../core/configuration.ts';
import { noCounts, type WorkerCounts } from '../core/counters.ts';
import type { EventSink } from '../core/event.ts';
import type { InheritedSocket } from '../core/inherited-socket.ts';
import type { RouteOverlay } from '../core/overlay.ts';
import { assignSockets, type OwnSocket, type PassedSocket } from '../core/passed-socket.ts';
import type { Snapshot, UpstreamDelta } from '../core/snapshot.ts';
import { after, type Clock } from '../core/time.ts';
import type { FromWorker, OpenListener } from '../core/worker-messages.ts';
import type { SharedCounts } from '../limits/shared-counts.ts';
import { type AcceptingWorker, HeldSockets } from './held-sockets.ts';
import { closePassed } from './passed-sockets.ts';
import { claimPorts, type ListeningAddress } from './port-claims.ts';
import { retireWorker } from './retire-worker.ts';
import { listenProblemText } from './start-failure.ts';
import type { WorkerExit } from './worker-exit.ts';
import { activateAll, discardAll, prepareAll } from './two-phases.ts';
import { addTotals } from '../core/worker-counts.ts';
import type { ApplyResult } from './apply-result.ts';
import { silentMs } from './worker-pings.ts';
import { WorkerHandle, type WorkerListener } from './worker-handle.ts';
import { SupervisedWorker } from './supervised-worker.ts';
import type { WantedWorkers } from './wanted-workers.ts';

/** A person who asks for the counts does not notice it, and a worker's turn is over within it. */
const reportedWithinMs = 100;

export interface WorkerPoolParts {
  /** The file that a worker thread runs. */
  readonly workerModule: URL;
  readonly clock: Clock;
  readonly events: EventSink;
  readonly member: string;
  readonly processStartedWall: number;
  /** Where a predecessor listens whose place these workers take. */
  readonly sharedAddresses: readonly ListeningAddress[];
  readonly inheritedSockets: readonly InheritedSocket[];
  /** Those of the predecessor: the first workers accept from them, and close them. */
  readonly passedSockets: readonly PassedSocket[];
  /** Where what workers count together lies. */
  readonly shared: Pick<SharedCounts, 'memory' | 'claimWorkerIndex' | 'forget'>;
  /** How a worker that is retired ends. */
  readonly drain: () => DrainSpec;
  readonly onBatch: (batch: Extract<FromWorker, { kind: 'batch' }>, done: () => void) => void;
  readonly onLost: (loss: WorkerLoss) => void;
  /** A thread has ended, whatever the reason: nothing of it is left but what it shared. */
  readonly onGone: () => void;
  /** Asked when a worker is missing and the pause is over: have what is in force taken, by `restore`. */
  readonly onMissing: () => void;
}

export interface WorkerLoss {
  readonly worker: number;
  /** The revision it served. */
  readonly revision: number;
  readonly exchanges: number;
  /** Connections that it had accepted and on which something had come that it had not read; null where nobody knows. */
  readonly unread: number | null;
  readonly why: string;
}

/** What a worker accepts from instead of opening sockets of its own. */
interface AssignedSockets {
  readonly passedSockets?: readonly PassedSocket[] | undefined;
  readonly heldSockets?: readonly PassedSocket[] | undefined;
}

const noWorkerIndexLeft = 'there are too many workers that have not ended yet; try again when they have';

const stopping: ApplyResult = { ok: false, lost: true, why: 'the gateway is stopping' };

/**
 * The serving workers: one at each post, and after a loss the next one, while the others serve. Every change of them, a
 * reload as well as a replacement, comes in through `apply` and `restore`, and the caller sees to it that they come one
 * by one.
 *
 *     post: vacant ──started──▶ starting ──committed──▶ serving ──▶ retiring ──drained──▶ gone
 *             ▲                    └───────── lost ────────┴───────────┘
 *             └───── pause ─────────────────────┘
 */
export class WorkerPool {
  readonly #parts: WorkerPoolParts;
  /** As many as are wanted. */
  #supervised: readonly SupervisedWorker[] = [];
  /** Those that take their first snapshot. */
  #joining: readonly SupervisedWorker[] = [];
  /** Workers whose listeners are closed: they end what is under way. */
  readonly #retiring = new Set<WorkerHandle>();
  #wanted: WantedWorkers = { count: 0, memoryBytesMax: 0 };
  /** What was opened for the snapshot in force. */
  #open: readonly OpenListener[] = [];
  #startedCount = 0;
  #lostTotal = 0;
  #isReplacing = false;
  #isStopping = false;
  /** What workers that are gone had counted: totals never go back. */
  #goneCounts: WorkerCounts = noCounts(0);
  readonly #removed = new WeakSet<WorkerHandle>();
  /** Sockets of the predecessor that no worker has been given. */
  #passed: readonly PassedSocket[];
  readonly #held: HeldSockets;

  constructor(parts: WorkerPoolParts) {
    this.#parts = parts;
    this.#passed = parts.passedSockets;
    const { clock } = parts;
    this.#held = new HeldSockets({
      clock,
      workers: () => this.#serving,
      onStandIn: (standIn, owner) => this.#emitSilent(standIn, owner),
    });
  }

  /** One per post, the last one where it is lost, then those that are about to leave. */
  get all(): readonly WorkerHandle[] {
    const supervised = [...this.#supervised, ...this.#joining.filter((post) => !this.#supervised.includes(post))];
    return [...supervised.flatMap(({ worker }) => worker ?? []), ...this.#retiring];
  }

  get #serving(): readonly WorkerHandle[] {
    return this.#supervised.flatMap(({ worker }) => (worker?.state === 'serving' ? [worker] : []));
  }

  /** Whether a worker is to be started now. */
  get isMissing(): boolean {
    return this.#supervised.some(({ isDue }) => isDue);
  }

  /** From now on a worker that is missing is replaced. */
  startReplacing(): void {
    this.#isReplacing = true;
    for (const supervised of this.#supervised)
      if (supervised.isDue) this.#pause(supervised, 'it ended before it served');
  }

  /** No worker is started any more. Returns those that are to be drained. */
  stopReplacing(): readonly WorkerHandle[] {
    this.#isReplacing = false;
    this.#isStopping = true;
    for (const supervised of this.#supervised) supervised.cancelReplacement();
    return this.all.filter(({ state }) => state !== 'lost');
  }

  /**
   * Has all workers take a snapshot, as many as are wanted from now on, or none of them. Those that are missing are
   * started for it; those that are too many are retired once the others serve by it.
   */
  async apply(snapshot: Snapshot, wanted: WantedWorkers): Promise<ApplyResult> {
    // A reload may still be waiting for something when the end comes: nobody would end a worker that it started.
    if (this.#isStopping) return stopping;
    const problems = await claimPorts(snapshot.listeners, this.#ownAddresses());
    if (problems.length > 0) return { ok: false, lost: false, problems };
    const { staying, leaving, fresh } = this.#plan(wanted);
    const workerIndexes = this.#claimWorkerIndexes(fresh.length);
    if (workerIndexes === null) return { ok: false, lost: true, why: noWorkerIndexLeft };
    for (const supervised of [...this.#supervised, ...fresh]) supervised.cancelReplacement();
    const hands = this.#distributePassed(snapshot, fresh.length);
    const adopted = this.#held.distribute(fresh.length, wanted.count);
    const began = fresh.map((supervised, index) =>
      this.#start(supervised, workerIndexes[index] ?? 0, wanted, {
        passedSockets: hands[index],
        heldSockets: adopted[index],
      }),
    );
    this.#joining = fresh;
    const others = [...staying, ...leaving].flatMap(({ worker }) => worker ?? []);
    const applied = await this.#applySnapshot([...others, ...began, ...this.#retiring], snapshot);
    this.#joining = [];
    if (applied.ok) {
      this.#wanted = wanted;
      this.#supervised = [...staying, ...fresh];
      this.#noteSockets(began, adopted);
      for (const supervised of leaving) this.#retire(supervised);
    } else await this.#terminateAll(fresh);
    // Those that were lost over it, or were missing before and are still.
    const why = applied.ok ? 'it ended before it served' : refusalText(applied);
    for (const supervised of this.#supervised) if (supervised.isDue) this.#pause(supervised, why);
    return applied;
  }

  /** After a loss: workers that are missing take what is in force, and the others notice nothing of it. */
  async restore(snapshot: Snapshot): Promise<void> {
    if (this.#isStopping) return;
    const due = this.#supervised.filter(({ isDue }) => isDue);
    const problems = await claimPorts(snapshot.listeners, this.#ownAddresses());
    const workerIndexes = problems.length > 0 ? [] : this.#claimWorkerIndexes(due.length);
    let applied: ApplyResult = { ok: false, lost: false, problems };
    if (workerIndexes === null) applied = { ok: false, lost: true, why: noWorkerIndexLeft };
    else if (problems.length === 0) {
      const adopted = this.#held.distribute(due.length, this.#wanted.count);
      const began = due.map((supervised, index) =>
        this.#start(supervised, workerIndexes[index] ?? 0, this.#wanted, { heldSockets: adopted[index] }),
      );
      applied = await this.#applySnapshot(began, snapshot);
      if (applied.ok) this.#noteSockets(began, adopted);
    }
    if (applied.ok) return;
    await this.#terminateAll(due);
    for (const supervised of due) if (supervised.isDue) this.#pause(supervised, refusalText(applied));
  }

  /** The first workers get them all. Of a place where nobody listens any more they are closed: nothing is to wait there. */
  #distributePassed({ listeners }: Snapshot, count: number): ReturnType<typeof assignSockets> {
    const isWanted = ({ host, port }: PassedSocket): boolean =>
      listeners.some((listener) => listener.host === host && listener.port === port);
    const passed = this.#passed;
    this.#passed = [];
    closePassed(passed.filter((socket) => !isWanted(socket)));
    return assignSockets(passed.filter(isWanted), count);
  }

  /** Those that workers accept from: a successor may accept from them as well. */
  get sockets(): readonly OwnSocket[] {
    return this.#held.joinedWith(this.#serving.flatMap(({ sockets }) => sockets));
  }

  /** The workers are about to close their listeners, and what waits for a connection is to wait no longer. */
  releaseSockets(): Promise<void> {
    return this.#held.close();
  }

  /** These workers serve, with the sockets that they have opened and those that they were given. */
  #noteSockets(began: readonly WorkerHandle[], adopted: readonly (readonly PassedSocket[])[]): void {
    this.#held.closeAllBut(this.#open);
    for (const [index, worker] of began.entries()) this.#held.onAdopted(worker, adopted[index] ?? []);
    this.#held.note(this.#serving);
  }

  /** Null: there are not so many left, since more workers are about to end than are wanted at all. */
  #claimWorkerIndexes(count: number): readonly number[] | null {
    const { shared } = this.#parts;
    const workerIndexes: number[] = [];
    for (let index = 0; index < count; index++) {
      const semaphores = shared.claimWorkerIndex();
      if (semaphores !== null) workerIndexes.push(semaphores);
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
      return stopping;
    }
    const applied = await activateAll(prepared);
    if (applied.ok) this.#open = applied.listeners;
    return applied;
  }

  /** Ports that somebody of ours has open. */
  #ownAddresses(): readonly ListeningAddress[] {
    const open = this.#serving.length > 0 ? this.#open : [];
    return [...this.#parts.sharedAddresses, ...open, ...this.#held.sockets];
  }

  /** Who stays in which post. A worker's memory is fixed at its birth: another limit takes another worker. */
  #plan(wanted: WantedWorkers): Record<'staying' | 'leaving' | 'fresh', SupervisedWorker[]> {
    const fits = ({ worker }: SupervisedWorker): boolean =>
      worker?.state === 'serving' && worker.memoryBytesMax === wanted.memoryBytesMax;
    const staying = this.#supervised.filter(fits).slice(0, wanted.count);
    const vacant = this.#supervised.filter(({ isMissing: isVacant }) => isVacant);
    const leaving = this.#supervised.filter(
      (supervised) => !staying.includes(supervised) && !vacant.includes(supervised),
    );
    const fresh = vacant.slice(0, wanted.count - staying.length);
    while (staying.length + fresh.length < wanted.count) fresh.push(new SupervisedWorker(this.#parts.clock));
    return { staying, leaving, fresh };
  }

  sendEndpoints(delta: UpstreamDelta): void {
    for (const worker of this.all) worker.sendEndpoints(delta);
  }

  sendOverlay(overlay: RouteOverlay): void {
    for (const worker of this.all) worker.sendOverlay(overlay);
  }

  /** Whether a worker may still send to an endpoint whose id ends so. */
  mayUse(ending: string): boolean {
    return this.all.some((worker) => worker.mayUse(ending));
  }

  /** Has all of them report, and waits for that for a moment at most. */
  async freshCounts(): Promise<void> {
    const { clock } = this.#parts;
    const timer = Promise.withResolvers<void>();
    const due = clock.schedule(after(clock.now(), reportedWithinMs), timer.resolve, undefined);
    await Promise.race([Promise.all(this.all.map((worker) => worker.report())), timer.promise]);
    due.cancel();
  }

  /** What each has counted, and as worker 0 what those had that are gone. */
  get counts(): readonly WorkerCounts[] {
    const others = this.all.filter((worker) => !this.#removed.has(worker));
    return [...others.map(({ id, counts }) => counts ?? noCounts(id)), this.#goneCounts];
  }

  /** Workers that were lost since the start. */
  get lostTotal(): number {
    return this.#lostTotal;
  }

  #start(
    supervised: SupervisedWorker,
    workerIndex: number,
    { memoryBytesMax }: WantedWorkers,
    { passedSockets = [], heldSockets = [] }: AssignedSockets = {},
  ): WorkerHandle {
    const { workerModule, clock, events, member, processStartedWall, inheritedSockets, shared, onBatch } = this.#parts;
    this.#startedCount += 1;
    const id = this.#startedCount;
    const sockets = { inheritedSockets, passedSockets, heldSockets };
    const init = { worker: id, workerIndex, member, processStartedWall, ...sockets, shared: shared.memory };
    const listener: WorkerListener = {
      onBatch,
      onLost: (end, unread) => this.#lost(supervised, worker, end, unread),
      onSilent: () => this.#held.cover(),
      onStandInFailed: (link) => this.#held.onStandInFailed(worker, link),
    };
    const worker: WorkerHandle = new WorkerHandle({ workerModule, init, clock, listener, memoryBytesMax });
    supervised.assign(worker);
    const evidence = { threadId: worker.threadId };
    events.emit({ kind: 'worker_started', subject: `worker:${id}`, reason: 'the worker starts', worker: id, evidence });
    return worker;
  }

  #lost(
    supervised: SupervisedWorker,
    worker: WorkerHandle,
    { why, threw, code }: WorkerExit,
    unread: number | null,
  ): void {
    const { id, revision, exchangesUnrecorded } = worker;
    this.#lostTotal += 1;
    this.#parts.events.emit({
      kind: 'worker_lost',
      subject: `worker:${id}`,
      reason: `worker ${id} is lost: ${why}`,
      worker: id,
      evidence: { reason: why, exchangesLost: exchangesUnrecorded, unreadConnections: unread, error: threw, code },
    });
    this.#parts.onLost({ worker: id, revision, exchanges: exchangesUnrecorded, unread, why });
    const wasRetiring = this.#retiring.has(worker);
    this.#remove(worker);
    if (!wasRetiring && this.#supervised.includes(supervised)) this.#pause(supervised, why);
  }

  /** Once for each, whoever finds out first. */
  #remove(worker: WorkerHandle): void {
    if (this.#removed.has(worker)) return;
    this.#removed.add(worker);
    if (worker.counts !== null) this.#goneCounts = addTotals(this.#goneCounts, worker.counts);
    this.#retiring.delete(worker);
    // One that it never came to accept from would keep for itself what connects there.
    closePassed(worker.passedSockets);
    this.#held.forget(worker);
    this.#held.cover();
    this.#parts.shared.forget(worker.workerIndex);
    this.#parts.onGone();
  }

  /** Workers that were started for what came to nothing. */
  async #terminateAll(supervised: readonly SupervisedWorker[]): Promise<void> {
    for (const { worker } of supervised) {
      if (worker === null || worker.state === 'lost') continue;
      await worker.terminate();
      this.#remove(worker);
    }
  }

  #pause(supervised: SupervisedWorker, why: string): void {
    if (!this.#isReplacing) return;
    const { events, onMissing } = this.#parts;
    const { afterMs, failures } = supervised.scheduleReplacement(onMissing);
    if (afterMs === 0) return;
    // Nobody accepts for longer than the first pause: who connects is to learn it at once.
    if (this.#serving.length === 0 && failures > 1) this.#held.closeAllBut([]);
    const id = supervised.worker?.id ?? 0;
    const serving = `${this.#serving.length} of ${this.#wanted.count} serve`;
    events.emit({
      kind: 'worker_restarting',
      subject: `worker:${id}`,
      reason: `${why}; ${serving}, and the next worker is started in ${afterMs / 1000} s`,
      evidence: { afterMs, failures },
    });
  }

  /** Before a worker closes its listeners, another one accepts from them: what waits there is not lost. */
  async #passSocketsOn(worker: WorkerHandle): Promise<void> {
    await this.#held.hold();
    this.#held.forget(worker);
    this.#held.cover();
  }

  #emitSilent(standIn: AcceptingWorker, owner: AcceptingWorker | null): void {
    if (owner === null || owner.state !== 'serving') return;
    const reason = `worker ${owner.id} has not answered for ${silentMs} ms; worker ${standIn.id} accepts its new connections`;
    const evidence = { silentMs, standIn: standIn.id };
    const subject = `worker:${owner.id}` as const;
    this.#parts.events.emit({ kind: 'worker_silent', subject, reason, worker: owner.id, evidence });
  }

  #retire({ worker }: SupervisedWorker): void {
    if (worker === null || worker.state === 'lost') return;
    const { clock, drain } = this.#parts;
    worker.state = 'retiring';
    this.#retiring.add(worker);
    const beganAt = clock.now();
    void this.#passSocketsOn(worker)
      .then(() => retireWorker(worker, clock, drain()))
      .then(() => {
        // One that was lost meanwhile has been told of as that, and one that ended with all others has not been retired.
        if (!this.#retiring.has(worker) || this.#isStopping) return;
        this.#remove(worker);
        const afterMs = Math.round(clock.now() - beganAt);
        this.#parts.events.emit({
          kind: 'worker_retired',
          subject: `worker:${worker.id}`,
          reason: 'the others serve without it',
          worker: worker.id,
          evidence: { afterMs },
        });
      });
  }
}

function refusalText(applied: Extract<ApplyResult, { ok: false }>): string {
  return applied.lost ? applied.why : applied.problems.map(listenProblemText).join('; ');
}
