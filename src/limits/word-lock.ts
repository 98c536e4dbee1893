import type { SharedWords } from './shared-words.ts';

/**
 * What is done under a lock takes well under a microsecond. Whoever finds it held for longer than these tries meets a
 * thread that the system has put aside, or that has ended: it sleeps a little between further tries, and then does without.
 * With ten threads to a core one that was put aside has its turn again after some 50 ms; of one that has ended main hears sooner.
 */
const triesMax = 200;
const napMs = 1;
const napsMax = 250;

/**
 * Holds `lock` for `owner`, a number from 1; false when it could not be had in `waitMsMax`, some 250 ms where nothing is
 * said. A nap takes somewhat longer than it should, and on a busy machine several times as long.
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
