import { after, type Clock } from '../core/time.ts';

/** The share of one core that the compression of rotated files takes. With everything around it, 5 to 6 % were measured. */
export const coreShare = 0.05;

/**
 * Keeps work within a share of one core: measures how long each step takes, and rests after it until the step is no more than
 * the share.
 *
 * It measures elapsed time, which is never less than CPU time, and includes file operations, which other threads do. So the work
 * also gives way where it waits for a core or a disk. CPU time of the thread would not do: Linux updates it at ticks of some
 * 4 ms, and of steps of 0.3 ms it showed a third.
 *
 * It does not lower the priority of the thread. Without a privilege that cannot be undone, and the thread that compresses
 * also writes the log, which would then lose lines when the machine is busy.
 */
export class CoreShare {
  readonly #clock: Clock;
  readonly #elapsedMs: () => number;
  readonly #share: number;
  #begunMs = 0;
  #endRest: (() => void) | null = null;
  #isStopped = false;

  constructor(clock: Clock, elapsedMs: () => number = () => clock.now(), share: number = coreShare) {
    this.#clock = clock;
    this.#elapsedMs = elapsedMs;
    this.#share = share;
  }

  /** Call this before the first step. */
  begin(): void {
    this.#begunMs = this.#elapsedMs();
  }

  /** Call this after each step. Resolves to true when the next step may begin, and to false if there is to be none. */
  async rest(): Promise<boolean> {
    const restMs = (this.#elapsedMs() - this.#begunMs) * (1 / this.#share - 1);
    if (restMs > 0 && !this.#isStopped) await this.#wait(restMs);
    this.begin();
    return !this.#isStopped;
  }

  /** Ends the rest and lets no further step begin. */
  stop(): void {
    this.#isStopped = true;
    this.#endRest?.();
  }

  async #wait(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#clock.schedule(after(this.#clock.now(), ms), resolve, undefined);
    this.#endRest = resolve;
    await promise;
    timer.cancel();
    this.#endRest = null;
  }
}
