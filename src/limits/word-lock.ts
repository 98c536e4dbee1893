import type { SharedWords } from './shared-words.ts';

/**
 * Code under a lock runs well under a microsecond. A lock that is held for longer than these tries belongs to a thread that the
 * kernel has descheduled, or that has ended. The caller then sleeps between further tries, and gives up in the end. With ten
 * threads to a core, a descheduled thread runs again after some 50 ms; the main thread learns of an ended one sooner.
 */
const triesMax = 200;
const napMs = 1;
const napsMax = 250;

/**
 * Acquires `lock` for `owner`, a number from 1. False if it was not free within `waitMsMax` (by default some 250 ms). A nap
 * takes somewhat longer than `napMs`, on a busy machine several times as long.
 */
export function acquireLock(words: SharedWords, lock: number, owner: number, waitMsMax = napsMax * napMs): boolean {
  for (let tries = 0; tries < triesMax; tries++) {
    if (words.swapIf(lock, 0, owner)) return true;
  }
  for (let naps = 0; naps * napMs < waitMsMax; naps++) {
    words.nap(lock, words.load(lock) || -1, napMs);
    if (words.swapIf(lock, 0, owner)) return true;
  }
  return false;
}

export function releaseLock(words: SharedWords, lock: number): void {
  words.store(lock, 0);
}
