import type { ClientClock } from './client-clock.ts';

/** What ends a call from outside: the caller's signal, its time, or the end of the client. Whatever waits, waits on `signal`. */
export interface CallScope {
  readonly signal: AbortSignal;
  stop(reason: unknown): void;
  stopAfter(ms: number, reason: () => unknown): void;
  /** The call has its answer: its time no longer matters, and its caller's signal goes on to. */
  dropDeadline(): void;
  /** Nothing of the call is left, neither timer nor listener. */
  close(): void;
  /** Rejects with the reason for which the call ends. */
  sleep(ms: number): Promise<void>;
}

export function callScope(clock: ClientClock, caller: AbortSignal | null): CallScope {
  const controller = new AbortController();
  const { signal } = controller;
  const stop = (reason: unknown): void => controller.abort(reason);
  let dropDeadline = (): void => {};
  const unfollow = follow(caller, stop);
  return {
    signal,
    stop,
    stopAfter(ms, reason) {
      dropDeadline = callAfter(clock, ms, () => stop(reason()));
    },
    dropDeadline: () => dropDeadline(),
    close() {
      dropDeadline();
      unfollow();
    },
    sleep: (ms) => within(clock, ms, (over) => untilAborted(over, signal)),
  };
}

/** Returns what cancels it. */
export function callAfter(clock: ClientClock, ms: number, fire: () => void): () => void {
  const timer = clock.schedule(clock.now() + ms, fire, undefined);
  return () => timer.cancel();
}

/** Runs what may wait until the time is over, and leaves no timer. */
export function within<T>(clock: ClientClock, ms: number, run: (over: Promise<void>) => Promise<T>): Promise<T> {
  let cancel = (): void => {};
  const over = new Promise<void>((resolve) => (cancel = callAfter(clock, ms, resolve)));
  return run(over).finally(cancel);
}

/** Calls `stop` with the signal's reason, now or later. Returns what ends that. */
export function follow(signal: AbortSignal | null, stop: (reason: unknown) => void): () => void {
  const onAbort = (): void => stop(signal?.reason);
  if (signal?.aborted) onAbort();
  else signal?.addEventListener('abort', onAbort);
  return () => signal?.removeEventListener('abort', onAbort);
}

/** Rejects with the signal's reason, also where the work does not listen to the signal. `late` takes a result that nobody waits for any more. */
export function untilAborted<T>(work: Promise<T>, signal: AbortSignal, late?: (result: T) => void): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const unfollow = follow(signal, reject);
    work
      .then((result) => {
        if (signal.aborted) late?.(result);
        resolve(result);
      }, reject)
      .finally(unfollow);
  });
}

/** Whatever becomes of it. */
export async function ignore(work: unknown): Promise<void> {
  try {
    await work;
  } catch {
    // It had ended in another way.
  }
}
