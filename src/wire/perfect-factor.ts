import { assert } from '../core/assert.ts';

/**
 * A factor under which no two names have the same index in a table of `size`: a perfect hash, found when a module loads. `first` is tried first:
 * with the factor that was found once there is no search, which takes milliseconds of each thread's start.
 */
export function perfectFactor(
  first: number,
  names: readonly Uint8Array[],
  size: number,
  hash: (bytes: Uint8Array, start: number, length: number, by: number) => number,
): number {
  const tried = new Uint32Array(size);
  for (let candidate = first, tries = 1; tries <= 100_000; tries++, candidate = (candidate + 0x3c6ef372) | 1) {
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
