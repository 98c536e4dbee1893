/**
 * Reduces a list as long as `fails` returns true for the rest: halves first, then quarters, down to single members.
 * Stops after `triesMax` tries.
 */
export function smallerList<T>(
  whole: readonly T[],
  fails: (some: readonly T[]) => boolean,
  triesMax = 400,
): readonly T[] {
  let kept = whole;
  let tries = 0;
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < kept.length && tries < triesMax; ) {
      const some = [...kept.slice(0, at), ...kept.slice(at + size)];
      tries++;
      if (fails(some)) kept = some;
      else at += size;
    }
  }
  return kept;
}
