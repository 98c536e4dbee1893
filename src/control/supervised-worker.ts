import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import type { WorkerHandle } from './worker-handle.ts';

/** A worker that served for this long has not failed at what it began with. */
const stableMs = 10_000;

/** What ends a worker at once will end the next one too: pauses double from the first to the longest. */
const firstPauseMs = 500;
const longestPauseMs = 30_000;

/** What is said of a post whose worker is gone. */
export interface RestartPause {
  /** 0: the next one is started at once. */
  readonly afterMs: number;
  /** Workers in a row that did not last. */
  readonly failures: number;
}

/** One of as many posts as the configuration wants workers, and when it is filled again after a loss. */
export class SupervisedWorker {
  /** The one that has it; after a loss, until the next one is started, the one that had it. */
  worker: WorkerHandle | null = null;
  readonly #clock: Clock;
  #startedAt: Instant;
  #failures = 0;
  #pause: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#startedAt = clock.now();
  }

  /** Whether a worker is to be started for it, now: nobody has it, and no pause is to be waited for. */
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

  /** Its worker is gone, or did not come to serve: `onDue` is called when the next one may be started. */
  scheduleReplacement(onDue: () => void): RestartPause {
    const now = this.#clock.now();
    const lasted = now - this.#startedAt >= stableMs;
    if (lasted) this.#failures = 0;
    const afterMs = lasted ? 0 : Math.min(longestPauseMs, firstPauseMs * 2 ** this.#failures);
    this.#failures += 1;
    this.#pause?.cancel();
    this.#pause = this.#clock.schedule(after(now, afterMs), pauseIsOver, { post: this as SupervisedWorker, onDue });
    return { afterMs, failures: this.#failures };
  }

  /** For the timer of `vacate` alone. */
  pauseIsOver(onDue: () => void): void {
    this.#pause = null;
    onDue();
  }
}

function pauseIsOver({ post, onDue }: { readonly post: SupervisedWorker; readonly onDue: () => void }): void {
  post.pauseIsOver(onDue);
}
