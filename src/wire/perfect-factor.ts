import { assert } from '../core/assert.ts';

/**
 * The first factor under which no two names have the same index in a table of `size`: a perfect hash, found when a module loads. A factor is
 * given up at the first two names that meet, so that the search takes a tenth of a millisecond.
 */
export function perfectFactor(
  names: readonly Uint8Array[],
  size: number,
  hash: (bytes: Uint8Array, start: number, length: number, by: number) => number,
): number {
  const tried = new Uint32Array(size);
  for (let candidate = 0x9e3779b1, tries = 1; tries <= 100_000; tries++, candidate = (candidate + 0x3c6ef372) | 1) {
    let at = 0;
    for (; at < names.length; at++) {
      const name = names[at] as Uint8Array;
      const index = hash(name, 0, name.length, candidate);
      if (tried[index] === tries) break;
      tried[index] = tries;
    }
    if (at === names.length) return candidate;
  }
  assert(false, 'no perfect hash over the names');
}
