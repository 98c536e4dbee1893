import { after, type Clock } from './time.ts';

/** Resolves after `durationMs`. */
export function delay(clock: Clock, durationMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.schedule(after(clock.now(), durationMs), resolve, undefined);
  });
}

/** Resolves when one of `promises` does, or after `durationMs`. Leaves no timer behind. */
export async function withTimeout(
  clock: Clock,
  durationMs: number,
  ...promises: readonly Promise<unknown>[]
): Promise<void> {
  const { promise: timedOut, resolve } = Promise.withResolvers<void>();
  const timer = clock.schedule(after(clock.now(), durationMs), resolve, undefined);
  await Promise.race([timedOut, ...promises]);
  timer.cancel();
}

/** Waits until a predicate is true. It is evaluated again after each `changed()`, not by polling. */
export class Condition {
  readonly #clock: Clock;
  readonly #checks = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  changed(): void {
    for (const check of [...this.#checks]) check();
  }

  /** Resolves when `isMet` returns true, or after `durationMs`. */
  async until(isMet: () => boolean, durationMs: number): Promise<void> {
    if (isMet()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const check = (): void => {
      if (isMet()) resolve();
    };
    this.#checks.add(check);
    await withTimeout(this.#clock, durationMs, promise);
    this.#checks.delete(check);
  }
}
