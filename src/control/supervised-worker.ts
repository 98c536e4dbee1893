import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import type { WorkerHandle } from './worker-handle.ts';

/** A worker that ran for this long did not fail at its start. */
const stableMs = 10_000;

/** A worker that fails at its start will probably fail again: the pauses double from the first to the longest. */
const firstPauseMs = 500;
const longestPauseMs = 30_000;

/** The pause before a replacement starts. */
export interface RestartPause {
  /** 0: the replacement starts at once. */
  readonly afterMs: number;
  /** Workers in a row that ended early. */
  readonly failures: number;
}

/** One of the wanted workers, and when its replacement starts after a loss. */
export class SupervisedWorker {
  /** After a loss, the lost worker until its replacement starts. */
  worker: WorkerHandle | null = null;
  readonly #clock: Clock;
  #startedAt: Instant;
  #failures = 0;
  #pause: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.now();
  }

  /** Whether a worker should be started now: none runs, and no pause is pending. */
  get isDue(): boolean {
    return this.isMissing && this.#pause === null;
  }

  get isMissing(): boolean {
    return this.worker === null || this.worker.state === 'lost';
  }

  assign(worker: WorkerHandle): void {
    this.cancelReplacement();
    this.worker = worker;
    this.#startedAt = this.#clock.now();
  }

  cancelReplacement(): void {
    this.#pause?.cancel();
    this.#pause = null;
  }

  /** Call this when the worker is gone or never served. `onDue` is called when the replacement may start. */
  scheduleReplacement(onDue: () => void): RestartPause {
    const now = this.#clock.now();
    const lasted = now - this.#startedAt >= stableMs;
    if (lasted) this.#failures = 0;
    const afterMs = lasted ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** this.#failures);
    this.#failures += 1;
    this.#pause?.cancel();
    this.#pause = this.#clock.schedule(after(now, afterMs), pauseIsOver, {
      supervised: this as SupervisedWorker,
      onDue,
    });
    return { afterMs, failures: this.#failures };
  }

  /** Called by the timer of `scheduleReplacement` alone. */
  pauseIsOver(onDue: () => void): void {
    this.#pause = null;
    onDue();
  }
}

interface PendingReplacement {
  readonly supervised: SupervisedWorker;
  readonly onDue: () => void;
}

function pauseIsOver({ supervised, onDue }: PendingReplacement): void {
  supervised.pauseIsOver(onDue);
}
