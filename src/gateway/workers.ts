import { noCounts, type WorkerCounts } from '../core/counters.ts';
import type { EventSink } from '../core/event.ts';
import type { Snapshot, UpstreamDelta } from '../core/snapshot.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import type { FromWorker } from './messages.ts';
import { listenProblemText } from './start-failure.ts';
import { addTotals } from './worker-counts.ts';
import { type Applied, WorkerHandle } from './worker-handle.ts';

export interface WorkersParts {
  readonly clock: Clock;
  readonly events: EventSink;
  readonly member: string;
  readonly processStartedWall: number;
  readonly onBatch: (batch: Extract<FromWorker, { kind: 'batch' }>, done: () => void) => void;
  readonly onLost: (loss: WorkerLoss) => void;
  /** Asked when a worker is missing and the pause is over: has it take what is in force, by `apply`. */
  readonly onMissing: () => void;
}

export interface WorkerLoss {
  readonly worker: number;
  /** The revision it served. */
  readonly revision: number;
  readonly exchanges: number;
  readonly why: string;
}

/** A worker that served for this long has not failed at what it began with. */
const stableMs = 10_000;

/** What ends a worker at once will end the next one too: pauses double from the first to the longest. */
const firstPauseMs = 500;
const longestPauseMs = 30_000;

/**
 * The serving worker, and after each loss the next one. There is one at a time. Every change of it, a reload
 * as well as a replacement, comes in through `apply`, and the caller sees to it that they come one by one.
 */
export class Workers {
  readonly #parts: WorkersParts;
  #current: WorkerHandle | null = null;
  #startedAt: Instant;
  #startedCount = 0;
  #failures = 0;
  #restart: Timer | null = null;
  #keptUp = false;
  #ended = false;
  /** What lost workers had counted: totals never go back. */
  #lostCounts: WorkerCounts = noCounts(0);

  constructor(parts: WorkersParts) {
    this.#parts = parts;
    this.#startedAt = parts.clock.now();
  }

  get current(): WorkerHandle | null {
    return this.#current;
  }

  get isServing(): boolean {
    return this.#current?.state === 'serving';
  }

  /** From now on a worker that is missing is replaced. */
  keepUp(): void {
    this.#keptUp = true;
  }

  /** No worker is started any more. Returns the one that is to be drained. */
  giveUp(): WorkerHandle | null {
    this.#keptUp = false;
    this.#ended = true;
    this.#restart?.cancel();
    return this.#current;
  }

  /** Has the worker take a snapshot. Where there is none, one is started for it, and ends again if it refuses. */
  async apply(snapshot: Snapshot): Promise<Applied> {
    // A reload may still be waiting for something when the end comes: nobody would end a worker that it started.
    if (this.#ended) return { ok: false, lost: true, why: 'the gateway is stopping' };
    const running = this.#current !== null && this.#current.state !== 'lost';
    const worker = running && this.#current !== null ? this.#current : this.#start();
    const applied = await worker.apply(snapshot);
    if (applied.ok) this.#restart?.cancel();
    else if (!applied.lost && worker.state === 'starting') {
      await worker.terminate();
      this.#restartLater(applied.problems.map(listenProblemText).join('; '));
    }
    return applied;
  }

  tellEndpoints(delta: UpstreamDelta): void {
    this.#current?.tellEndpoints(delta);
  }

  /** What the workers of this process have counted, those included that are gone. */
  get counts(): WorkerCounts | null {
    const { counts = null, state } = this.#current ?? {};
    if (counts === null || state === 'lost') return this.#startedCount > 1 ? this.#lostCounts : null;
    return addTotals(counts, this.#lostCounts);
  }

  #start(): WorkerHandle {
    const { clock, events, member, processStartedWall, onBatch } = this.#parts;
    this.#restart?.cancel();
    this.#startedAt = clock.now();
    this.#startedCount += 1;
    const id = this.#startedCount;
    const worker: WorkerHandle = new WorkerHandle({ worker: id, member, processStartedWall }, clock, {
      onBatch,
      onLost: (why, threw) => this.#lost(worker, why, threw),
    });
    this.#current = worker;
    const evidence = { threadId: worker.threadId };
    events.tell({ kind: 'worker_started', subject: `worker:${id}`, reason: 'it is to serve', worker: id, evidence });
    return worker;
  }

  #lost(worker: WorkerHandle, why: string, threw: string | null): void {
    const { id, revision, exchangesActive } = worker;
    this.#parts.events.tell({
      kind: 'worker_lost',
      subject: `worker:${id}`,
      reason: `worker ${id} is lost: ${why}`,
      worker: id,
      evidence: { why, exchangesLost: exchangesActive, threw },
    });
    if (worker.counts !== null) this.#lostCounts = addTotals(this.#lostCounts, worker.counts);
    this.#parts.onLost({ worker: id, revision, exchanges: exchangesActive, why });
    if (this.#parts.clock.now() - this.#startedAt >= stableMs) this.#failures = 0;
    this.#restartLater(why);
  }

  #restartLater(why: string): void {
    if (!this.#keptUp) return;
    const { clock, events, onMissing } = this.#parts;
    const lived = clock.now() - this.#startedAt >= stableMs;
    const pauseMs = lived ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** this.#failures);
    this.#failures += 1;
    if (pauseMs > 0) {
      events.tell({
        kind: 'worker_restarting',
        subject: `worker:${this.#startedCount + 1}`,
        reason: `nobody serves: ${why}; the next worker is started in ${pauseMs / 1000} s`,
        evidence: { afterMs: pauseMs, failures: this.#failures },
      });
    }
    this.#restart?.cancel();
    this.#restart = clock.schedule(after(clock.now(), pauseMs), (missing: () => void) => missing(), onMissing);
  }
}
