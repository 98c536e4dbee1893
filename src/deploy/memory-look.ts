import { after, type Clock, type Timer } from '../core/time.ts';
import type { Program } from './host.ts';

/** The kernel's count of kills for memory is compared with a sample of some seconds ago (`running-program.ts`). */
const memoryEveryMs = 5_000;

/** Samples that count of one program at a time, again and again. */
export class MemoryLook {
  readonly #clock: Clock;
  #timer: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(program: Program): void {
    this.end();
    const again = (): void => {
      program.watchMemory(this.#clock.now());
      this.begin(program);
    };
    this.#timer = this.#clock.schedule(after(this.#clock.now(), memoryEveryMs), again, undefined);
  }

  end(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
