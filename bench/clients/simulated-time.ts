import { createRequire, syncBuiltinESMExports } from 'node:module';
import { after } from '../../src/core/time.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';

/**
 * Simulated time for libraries that know nothing of it: the timers, clocks and `Math.random` of the whole process are those of one
 * `SimulatedClock`. Import it before the libraries. A storm of half an hour then takes as long as its work, and comes out
 * the same on a machine that is busy.
 */
export const clock = new SimulatedClock();
let random = new SeededRandom('clients');

/** Real ones, taken before they are replaced. */
const realSetImmediate = setImmediate;
const realNow = performance.now.bind(performance);

/** What `setTimeout` of Node returns, as far as libraries use it. */
class Timeout {
  readonly #fire: () => void;
  readonly #ms: number;
  readonly #repeats: boolean;
  #cancel = (): void => {};

  constructor(fire: () => void, ms: number | undefined, repeats: boolean) {
    this.#fire = fire;
    // As Node does: less than one, and what is no number, is one.
    this.#ms = ms !== undefined && ms >= 1 ? Math.min(ms, 0x7fff_ffff) : 1;
    this.#repeats = repeats;
    this.refresh();
  }

  refresh(): this {
    this.close();
    const timer = clock.schedule(after(clock.now(), this.#ms), () => this.#due(), undefined);
    this.#cancel = () => timer.cancel();
    return this;
  }

  #due(): void {
    if (this.#repeats) this.refresh();
    this.#fire();
  }

  close(): this {
    this.#cancel();
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

type Callback = (...args: unknown[]) => void;

const timers = {
  setTimeout: (fire: Callback, ms?: number, ...args: unknown[]) => new Timeout(() => fire(...args), ms, false),
  setInterval: (fire: Callback, ms?: number, ...args: unknown[]) => new Timeout(() => fire(...args), ms, true),
  clearTimeout: (timer?: Timeout) => timer?.close?.(),
  clearInterval: (timer?: Timeout) => timer?.close?.(),
};

/** Replaces the timers of the process, for good. */
export function simulateTime(): void {
  const require = createRequire(import.meta.url);
  Object.assign(globalThis, timers);
  Object.assign(require('node:timers'), timers);
  Object.assign(require('node:timers/promises'), {
    setTimeout: (ms: number, value: unknown) => new Promise((resolve) => timers.setTimeout(() => resolve(value), ms)),
  });
  syncBuiltinESMExports();
  Date.now = () => clock.wallTime();
  performance.now = () => clock.now();
  Math.random = () => random.next();
  AbortSignal.timeout = (ms) => {
    const controller = new AbortController();
    timers.setTimeout(() => controller.abort(new DOMException('The operation timed out', 'TimeoutError')), ms);
    return controller.signal;
  };
}

export function seedRandom(seed: string): void {
  random = new SeededRandom(seed);
}

/** Milliseconds that really passed, for progress. */
export function realMs(): number {
  return realNow();
}

/** Each piece of work says so here, in order that time stands still until all of it is done. */
let pieces = 0;
export function noteWork(): void {
  pieces++;
}

/** Lets time pass up to an instant, in steps, each after the work of the one before. */
export async function passUntil(instant: number, stepMs: number): Promise<void> {
  for (;;) {
    await settle();
    const due = clock.nextDueAt;
    if (due === null || due > instant || clock.now() >= instant) break;
    // Steps without a timer are skipped.
    clock.advanceSync(Math.max(stepMs, Math.ceil((due - clock.now()) / stepMs) * stepMs));
  }
  if (clock.now() < instant) clock.advanceSync(instant - clock.now());
}

/** Streams and promises pass their parts on in turns of the event loop: three without any work mean that all of it is done. */
async function settle(): Promise<void> {
  for (let quiet = 0; quiet < 3; quiet++) {
    const before = pieces;
    await new Promise<void>((resolve) => realSetImmediate(resolve));
    if (pieces !== before) quiet = -1;
  }
}
