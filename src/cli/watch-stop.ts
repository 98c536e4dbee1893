import { after, type Clock } from '../core/time.ts';
import type { ProcessContext } from './process-context.ts';

/** SIGINT and SIGTERM end a command that watches in order, so that the terminal gets its screen back. */
export class WatchStop {
  readonly #wanted = Promise.withResolvers<void>();
  readonly #unsubscribe: readonly (() => void)[];
  isWanted = false;

  constructor(context: ProcessContext) {
    const come = (): void => this.stop();
    this.#unsubscribe = (['SIGINT', 'SIGTERM'] as const).map((signal) => context.onSignal(signal, come));
  }

  /** The person has said so in another way. */
  stop(): void {
    this.isWanted = true;
    this.#wanted.resolve();
  }

  /** Resolves after the time, or when the command is to end. */
  async waitFor(ms: number, clock: Clock): Promise<void> {
    const waited = Promise.withResolvers<void>();
    const timer = clock.schedule(after(clock.now(), ms), () => waited.resolve(), null);
    await Promise.race([this.#wanted.promise, waited.promise]);
    timer.cancel();
  }

  release(): void {
    for (const leave of this.#unsubscribe) leave();
  }
}
