import type { KitClock } from './clock.ts';

/** Time passes where a test says so. What waits for promises runs in between. */
export class FakeKitClock implements KitClock {
  #now = 0;
  readonly #timers = new Set<{ readonly at: number; readonly fire: () => void }>();

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return Date.UTC(2026, 0, 1) + this.#now;
  }

  after(ms: number, fire: () => void): () => void {
    const timer = { at: this.#now + ms, fire };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  afterEvents(fire: () => void): void {
    fire();
  }

  get timers(): number {
    return this.#timers.size;
  }

  async pass(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settled();
      const [next] = [...this.#timers].toSorted((a, b) => a.at - b.at);
      if (next === undefined || next.at > end) break;
      this.#timers.delete(next);
      this.#now = next.at;
      next.fire();
    }
    this.#now = end;
    await settled();
  }
}

/** Promises that need nothing but each other have settled. */
export function settled(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
