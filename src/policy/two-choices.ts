import type { Random } from '../core/random.ts';

/**
 * The less loaded of two drawn at random: nearly as even as asking all of them, and it never sends everybody
 * to the same idle one (Mitzenmacher, "The Power of Two Choices", 2001). Null when there is none.
 */
export function chooseOfTwo<E extends { readonly load: number }>(eligible: readonly E[], random: Random): E | null {
  const count = eligible.length;
  if (count === 0) return null;
  if (count === 1) return eligible[0] as E;

  const first = Math.floor(random.next() * count);
  const step = 1 + Math.floor(random.next() * (count - 1));
  const a = eligible[first] as E;
  const b = eligible[(first + step) % count] as E; // never the first again
  return a.load <= b.load ? a : b;
}
