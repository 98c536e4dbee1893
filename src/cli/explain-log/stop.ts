import { exitCodes } from '../exit-codes.ts';
import type { Surroundings } from '../surroundings.ts';

/** The first SIGINT or SIGTERM ends the reading, and what was read is summed up; a second SIGINT ends at once. */
export class Stop {
  isStopped = false;
  readonly stopped: Promise<void>;
  readonly #forget: readonly (() => void)[];

  constructor(around: Surroundings) {
    let resolveStopped = (): void => {};
    this.stopped = new Promise((resolve) => {
      resolveStopped = resolve;
    });
    const stop = (code: number): void => {
      if (this.isStopped) around.exit(code);
      this.isStopped = true;
      resolveStopped();
    };
    this.#forget = [
      around.onSignal('SIGINT', () => stop(exitCodes.interrupted)),
      around.onSignal('SIGTERM', () => stop(exitCodes.terminated)),
    ];
  }

  forget(): void {
    for (const forget of this.#forget) forget();
  }
}
