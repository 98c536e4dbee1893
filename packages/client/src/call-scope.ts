import type { ClientClock } from './client-clock.ts';

/** What ends a call from outside: the caller's signal, its time, or the end of the client. Whatever waits, waits on `signal`. */
export class CallScope {
  readonly #clock: ClientClock;
  readonly #controller = new AbortController();
  readonly #caller: AbortSignal | null;
  #deadline: { cancel(): void } | null = null;
  readonly #onCallerAbort = (): void => this.stop(this.#caller?.reason);

  constructor(clock: ClientClock, caller: AbortSignal | null) {
    this.#clock = clock;
    this.#caller = caller;
    if (caller?.aborted === true) this.stop(caller.reason);
    else caller?.addEventListener('abort', this.#onCallerAbort);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get isStoppedByCaller(): boolean {
    return this.signal.aborted && this.#caller?.aborted === true && this.signal.reason === this.#caller.reason;
  }

  stop(reason: unknown): void {
    this.#controller.abort(reason);
  }

  stopAfter(ms: number, reason: () => unknown): void {
    this.#deadline = this.#clock.schedule(this.#clock.now() + ms, () => this.stop(reason()), undefined);
  }

  /** The call has its answer: its time no longer matters, and its caller's signal goes on to. */
  dropDeadline(): void {
    this.#deadline?.cancel();
  }

  /** Nothing of the call is left, neither timer nor listener. */
  close(): void {
    this.dropDeadline();
    this.#caller?.removeEventListener('abort', this.#onCallerAbort);
  }

  /** Rejects with the reason for which the call ends. */
  async sleep(ms: number): Promise<void> {
    let timer: { cancel(): void } | undefined;
    const slept = new Promise<void>((resolve) => {
      timer = this.#clock.schedule(this.#clock.now() + ms, resolve, undefined);
    });
    try {
      await untilAborted(slept, this.signal);
    } finally {
      timer?.cancel();
    }
  }
}

/** Rejects with the signal's reason, also where the work does not listen to the signal. `late` takes a result that nobody waits for any more. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal, late?: (result: T) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort);
    work.then(
      (result) => {
        signal.removeEventListener('abort', abort);
        if (signal.aborted) late?.(result);
        resolve(result);
      },
      (error: unknown) => {
        signal.removeEventListener('abort', abort);
        reject(error);
      },
    );
  });
}
