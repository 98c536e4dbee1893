import type { HashKey } from '../core/upstream-spec.ts';
import type { Random } from '../core/random.ts';
import type { BalancerContext } from './balancer.ts';
import { hashOf, keyOf } from './consistent-hash.ts';

interface SplitPart<T> {
  readonly of: T;
  /** Its share of the requests, relative to the weights of the others. With 0 it gets none. */
  readonly weight: number;
}

/** Of a hash: those by which endpoints are picked have others, so that a group of clients is spread over all endpoints. */
const seed = 2;

/**
 * Divides requests by weight: each is drawn, or all with the same key go to the same part. The parts follow one another in the order in which they are
 * written, so that the last of two keeps its clients when its weight grows.
 */
export class TrafficSplit<T> {
  readonly #parts: readonly SplitPart<T>[];
  readonly #key: HashKey | null;
  readonly #random: Random;

  /** At least one weight is above 0. */
  constructor(parts: readonly SplitPart<T>[], key: HashKey | null, random: Random) {
    this.#parts = parts.filter(({ weight }) => weight > 0);
    this.#key = key;
    this.#random = random;
  }

  /** From 0 to below 1: of a request without the key it is drawn. */
  pointOf(context: Pick<BalancerContext<unknown>, 'header' | 'eachHeader' | 'clientAddress' | 'path'>): number {
    const key = this.#key === null ? null : keyOf(this.#key, context);
    return key === null || key === '' ? this.#random.next() : hashOf(key, seed) / 2 ** 32;
  }

  partAt(point: number): T {
    return at(this.#parts, point).of;
  }

  /** The part that gets the requests of the one at this point: one of those that may, by their weights; null: none may. */
  partBeside(point: number, may: (of: T) => boolean): T | null {
    const { of, rest } = at(this.#parts, point);
    const others = this.#parts.filter((part) => part.of !== of && may(part.of));
    return others.length === 0 ? null : at(others, rest).of;
  }
}

/** `rest`: where within the part the point is, from 0 to below 1. */
function at<T>(parts: readonly SplitPart<T>[], point: number): { readonly of: T; readonly rest: number } {
  let left = point * parts.reduce((sum, { weight }) => sum + weight, 0);
  for (const { of, weight } of parts) {
    if (left < weight) return { of, rest: left / weight };
    left -= weight;
  }
  // Sums of fractions are rounded.
  return { of: (parts.at(-1) as SplitPart<T>).of, rest: 0 };
}
