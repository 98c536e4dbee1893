import type { Instant } from '../core/time.ts';

/** An instant as a shared word: milliseconds in 32 bits, which wrap after 49 days. Never 0, which means "none". */
export function instantWord(instant: Instant): number {
  return Math.floor(instant) | 0 || 1;
}

/** How much earlier `one` was than `other`, in milliseconds. */
export function msBetween(one: number, other: number): number {
  return (other - one) | 0;
}
