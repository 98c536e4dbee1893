import { after, type Clock } from '../core/time.ts';

/** Resolves after `durationMs`. */
export function wait(clock: Clock, durationMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.schedule(after(clock.now(), durationMs), resolve, undefined);
  });
}

/** Resolves when one of `ends` does, or after `durationMs`; leaves no timer behind. */
export async function within(clock: Clock, durationMs: number, ...ends: readonly Promise<unknown>[]): Promise<void> {
  const { promise: tooLong, resolve } = Promise.withResolvers<void>();
  const timer = clock.schedule(after(clock.now(), durationMs), resolve, undefined);
  await Promise.race([tooLong, ...ends]);
  timer.cancel();
}

/** What is waited for until it is so; looked at again whenever something has changed, not by the clock. */
export class Outlook {
  readonly #clock: Clock;
  readonly #looks = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  changed(): void {
    for (const look of [...this.#looks]) look();
  }

  /** Resolves when `isSo`, or after `durationMs`. */
  async until(isSo: () => boolean, durationMs: number): Promise<void> {
    if (isSo()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      if (isSo()) resolve();
    };
    this.#looks.add(look);
    await within(this.#clock, durationMs, promise);
    this.#looks.delete(look);
  }
}
