import { after, type Clock } from '../core/time.ts';

/** The share of one core that the compression of rotated files takes at most. */
export const coreShare = 0.05;

/** CPU time that this thread has used, in milliseconds: a thread that waits for a core spends nothing. */
function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/**
 * Keeps work within a share of one core: measures each step, and rests after it until the step is no more than the share.
 *
 * It does not lower the priority of the thread. Without a privilege that cannot be undone, and the thread that compresses
 * also writes the log, which would then lose lines when the machine is busy.
 */
export class CoreShare {
  readonly #clock: Clock;
  readonly #cpuMs: () => number;
  readonly #share: number;
  #owedMs = 0;
  #endRest: (() => void) | null = null;
  #isStopped = false;

  /** `cpuMs`: CPU time so far, in milliseconds. */
  constructor(clock: Clock, cpuMs: () => number = threadCpuMs, share: number = coreShare) {
    this.#clock = clock;
    this.#cpuMs = cpuMs;
    this.#share = share;
  }

  /** Runs a step of the work, which cannot be interrupted. */
  spend<T>(step: () => T): T {
    const before = this.#cpuMs();
    const result = step();
    this.#owedMs += (this.#cpuMs() - before) * (1 / this.#share - 1);
    return result;
  }

  /** Resolves to true when the next step may run, and to false if there is to be none. */
  async rest(): Promise<boolean> {
    const owedMs = this.#owedMs;
    this.#owedMs = 0;
    if (owedMs === 0 || this.#isStopped) return !this.#isStopped;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.schedule(after(this.#clock.now(), owedMs), resolve, undefined);
    this.#endRest = resolve;
    await promise;
    timer.cancel();
    this.#endRest = null;
    return !this.#isStopped;
  }

  /** Ends the rest and lets no further step begin. */
  stop(): void {
    this.#isStopped = true;
    this.#endRest?.();
  }
}
