import { after, type Clock, type Instant } from '../core/time.ts';

/** After each connection that failed twice as long is waited for the next one. */
const firstMs = 1000;
export const backOffMaxMs = 30_000;

/** When a receiver may be tried again after it has failed. */
export class BackOff {
  readonly #clock: Clock;
  #failures = 0;
  #errno = '';
  #dueAt: Instant;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#dueAt = clock.now();
  }

  /** Why nothing is tried now; null: it may be. */
  get reason(): string | null {
    return this.#failures > 0 && this.#clock.now() < this.#dueAt ? this.#errno : null;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  failed(errno: string): string {
    // Of a pipe it would mean that nobody reads; here another connection may be made.
    this.#errno = errno === 'EPIPE' ? 'ECONNRESET' : errno;
    const waitMs = Math.min(backOffMaxMs, firstMs * 2 ** this.#failures++);
    this.#dueAt = after(this.#clock.now(), waitMs - firstMs / 2);
    return this.#errno;
  }
}

type Done = (error: unknown) => void;

/** Waits for what `begin` has begun; rejects with its error, or with ETIMEDOUT. */
export async function within(limitMs: number, clock: Clock, begin: (done: Done) => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const late = Object.assign(new Error('the receiver takes too long'), { code: 'ETIMEDOUT' });
  const timer = clock.schedule(after(clock.now(), limitMs), reject, late);
  try {
    begin((error) => (error === null ? resolve() : reject(error)));
    await promise;
  } finally {
    timer.cancel();
  }
}

export function closedError(): Error {
  return Object.assign(new Error('the receiver has closed the connection'), { code: 'ECONNRESET' });
}

/** Resolves when the bytes have been given to the system. */
export function writeAll(
  stream: NodeJS.WritableStream,
  bytes: Uint8Array,
  limitMs: number,
  clock: Clock,
): Promise<void> {
  return within(limitMs, clock, (done) => {
    const closed = (): void => done(closedError());
    stream.once('close', closed);
    stream.write(bytes, (error) => {
      stream.off('close', closed);
      done(error ?? null);
    });
  });
}
