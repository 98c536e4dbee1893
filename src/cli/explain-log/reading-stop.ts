import { exitCodes } from '../command-failure.ts';
import type { ProcessContext } from '../process-context.ts';

/** The first SIGINT or SIGTERM ends the reading, and the part that was read is summed up. A second SIGINT exits at once. */
export class ReadingStop {
  isStopped = false;
  readonly stopped: Promise<void>;
  readonly #forget: readonly (() => void)[];

  constructor(context: ProcessContext) {
    let resolveStopped = (): void => {};
    this.stopped = new Promise((resolve) => {
      resolveStopped = resolve;
    });
    const stop = (code: number): void => {
      if (this.isStopped) context.exit(code);
      this.isStopped = true;
      resolveStopped();
    };
    this.#forget = [
      context.onSignal('SIGINT', () => stop(exitCodes.interrupted)),
      context.onSignal('SIGTERM', () => stop(exitCodes.terminated)),
    ];
  }

  forget(): void {
    for (const forget of this.#forget) forget();
  }
}
