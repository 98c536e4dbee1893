import { type CallScope, untilAborted } from './call-scope.ts';

/** Attempts at one origin that may wait for an answer at the same time, and those that wait for their turn. */
export interface AttemptQueue {
  /** Those that wait for their turn. */
  readonly waiters: readonly (() => void)[];
  readonly isIdle: () => boolean;
  /** False: the queue is full. Each `true` needs one `release`. */
  acquire(scope: CallScope): Promise<boolean>;
  release(): void;
}

export function attemptQueue(max: number, queueMax: number): AttemptQueue {
  let running = 0;
  const waiters: (() => void)[] = [];
  const release = (): void => {
    const next = waiters.shift();
    if (next === undefined) running--;
    else next();
  };
  return {
    waiters,
    isIdle: () => running === 0,
    release,
    async acquire({ signal }) {
      if (running < max) return !!++running;
      if (waiters.length >= queueMax) return false;
      let waiter = (): void => {};
      const turn = new Promise<void>((resolve) => waiters.push((waiter = resolve)));
      try {
        await untilAborted(turn, signal);
      } catch (error) {
        const at = waiters.indexOf(waiter);
        // It had its turn in the same moment: the next one takes it.
        if (at < 0) release();
        else waiters.splice(at, 1);
        throw error;
      }
      return true;
    },
  };
}
