import type { Random } from '../core/random.ts';
import { isIdempotent } from './retry.ts';
import { type BalancedEndpoint, type Balancer, type BalancerContext, withoutTried } from './balancer.ts';

type Loaded = Pick<BalancedEndpoint, 'load' | 'failureLoad'>;
type Weighed = Loaded & Pick<BalancedEndpoint, 'weight'>;

/**
 * Draws two endpoints at random and picks the less loaded one: nearly as even as asking all of them, and it never sends
 * all workers to the same idle endpoint (Mitzenmacher, "The Power of Two Choices", 2001). Recent failures count as load, and as more of it
 * for a request that could not be repeated after one.
 *
 * Other workers may have used up the connections of the endpoint that was picked. Then it draws again, among those
 * where a request need not wait.
 */
export class TwoChoices<E extends BalancedEndpoint> implements Balancer<E> {
  protected readonly random: Random;
  #endpoints: readonly E[] = [];
  /** Null where all weights are equal, which is nearly always. */
  #weightSums: readonly number[] | null = null;

  constructor(random: Random) {
    this.random = random;
  }

  update(endpoints: readonly E[]): void {
    this.#endpoints = endpoints;
    this.#weightSums = weightSumsOf(endpoints);
  }

  pick(context: BalancerContext<E>): E | null {
    const { tried } = context;
    if (tried.length === 0) return this.#pickOf(this.#endpoints, this.#weightSums, context);
    const untried = withoutTried(this.#endpoints, tried);
    const candidates = untried.length > 0 ? untried : this.#endpoints;
    return this.#pickOf(candidates, weightSumsOf(candidates), context);
  }

  #pickOf(endpoints: readonly E[], weightSums: readonly number[] | null, context: BalancerContext<E>): E | null {
    const picked = this.pickOfTwo(endpoints, weightSums, context);
    if (picked === null || picked.hasRoom) return picked;
    const roomy = endpoints.filter(({ hasRoom }) => hasRoom);
    return this.pickOfTwo(roomy, weightSumsOf(roomy), context) ?? picked;
  }

  protected pickOfTwo(
    endpoints: readonly E[],
    weightSums: readonly number[] | null,
    { method }: BalancerContext<E>,
  ): E | null {
    return weightSums === null
      ? chooseOfTwo(endpoints, this.random, method)
      : chooseOfTwoWeighted(endpoints, weightSums, this.random, method);
  }
}

/** The less loaded of two different ones, where all have the same weight. Null when there is none. */
export function chooseOfTwo<E extends Loaded>(endpoints: readonly E[], random: Random, method = 'GET'): E | null {
  const count = endpoints.length;
  if (count === 0) return null;
  if (count === 1) return endpoints[0] as E;

  const first = Math.floor(random.next() * count);
  const step = 1 + Math.floor(random.next() * (count - 1));
  const a = endpoints[first] as E;
  const b = endpoints[(first + step) % count] as E; // never the first again
  return loadBeside(a, b, b.load, method) <= loadBeside(b, a, a.load, method) ? a : b;
}

/**
 * The less loaded of two, each drawn with a chance in proportion to its weight. Load counts per weight: of two endpoints
 * with the weights 3 and 1, the first one may have three times as many requests in flight. Both draws may give the same
 * endpoint, so that a light endpoint beside a heavy one does not get each request that finds it idle.
 */
export function chooseOfTwoWeighted<E extends Weighed>(
  endpoints: readonly E[],
  weightSums: readonly number[],
  random: Random,
  method = 'GET',
): E | null {
  if (endpoints.length === 0) return null;
  const a = endpoints[drawIndex(weightSums, random)] as E;
  const b = endpoints[drawIndex(weightSums, random)] as E;
  const [scaleA, scaleB] = [a.weight / (b.weight || 1), b.weight / (a.weight || 1)];
  const loadA = loadBeside(a, b, b.load * scaleA, method);
  return loadA * b.weight <= loadBeside(b, a, a.load * scaleB, method) * a.weight ? a : b;
}

/**
 * For a request that must not be repeated a failure weighs so much: a GET that fails is sent to another endpoint, a POST that fails is a failure
 * for its client. The weight has a limit, or POSTs would all go to the endpoint that happens to have failed the least.
 */
const unrepeatableWeight = 8;

/**
 * Until an endpoint has failed so often within a second, it gets as many requests that can be repeated as others: they find out soon whether it
 * works, and outlier detection needs ten. After that they would use up the retry budget.
 */
const failuresForDetection = 16;

/**
 * The load of an endpoint beside another one that has `otherLoad` at the same weight. Only the failures that the other has not had count: an application
 * that answers some requests with 500 does so at all endpoints.
 */
function loadBeside(one: Loaded, other: Loaded, otherLoad: number, method: string): number {
  const { load, failureLoad = 0 } = one;
  if (failureLoad === 0) return load;
  const failures = Math.max(0, failureLoad - (other.failureLoad ?? 0));
  if (!isIdempotent(method)) return load + failures * unrepeatableWeight;
  if (failures < 1) return load;
  // It has few requests in flight because they fail at once.
  return Math.max(load, otherLoad) + Math.max(0, failures - failuresForDetection);
}

/** For each endpoint the weights up to it and its own; null where all weights are equal. */
export function weightSumsOf(endpoints: readonly Weighed[]): readonly number[] | null {
  const weight = endpoints[0]?.weight;
  if (endpoints.every((endpoint) => endpoint.weight === weight)) return null;
  let sum = 0;
  return endpoints.map((endpoint) => (sum += endpoint.weight));
}

/** The first index whose sum is above a number drawn below the last sum, by bisection. */
export function drawIndex(weightSums: readonly number[], random: Random): number {
  let low = 0;
  let high = weightSums.length - 1;
  const drawn = random.next() * (weightSums[high] as number);
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((weightSums[middle] as number) > drawn) high = middle;
    else low = middle + 1;
  }
  return low;
}
