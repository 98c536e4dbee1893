import type { Random } from '../core/random.ts';
import type { BalancedEndpoint, Balancer, BalancerContext } from './balancer.ts';

/**
 * Smooth weighted round robin: as long as all endpoints may be picked, each has had its exact share of the picks, give or take
 * less than one pick. Each pick adds the weight of each endpoint to its credit and takes the sum of all weights from the one
 * that is picked. Of the endpoints with credit the one is picked whose share would be overdue first (Balinski and Young's quota
 * method; taking the highest credit instead, as nginx does, lets an endpoint fall behind by more than one).
 *
 * Each worker has its own order and begins at another endpoint, so that workers do not send their first requests to the same one.
 */
export class RoundRobin<E extends BalancedEndpoint> implements Balancer<E> {
  readonly #random: Random;
  #endpoints: readonly E[] = [];
  #weights: readonly number[] = [];
  #credits: number[] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  update(endpoints: readonly E[]): void {
    const areAllZero = endpoints.every(({ weight }) => weight === 0);
    const weights = endpoints.map(({ weight }) => (areAllZero ? 1 : weight));
    if (this.#isUnchanged(endpoints, weights)) return;
    const first = Math.floor(this.#random.next() * endpoints.length);
    this.#endpoints = [...endpoints.slice(first), ...endpoints.slice(0, first)];
    this.#weights = [...weights.slice(first), ...weights.slice(0, first)];
    this.#credits = weights.map(() => 0);
  }

  /** The order goes on where only the state of an endpoint has changed. */
  #isUnchanged(endpoints: readonly E[], weights: readonly number[]): boolean {
    return (
      endpoints.length === this.#endpoints.length &&
      endpoints.every((endpoint, index) => {
        const at = this.#endpoints.indexOf(endpoint);
        return at >= 0 && this.#weights[at] === weights[index];
      })
    );
  }

  pick({ tried }: BalancerContext<E>): E | null {
    return this.#pick(tried, true) ?? this.#pick(tried, false) ?? this.#pick(none, false);
  }

  #pick(tried: readonly E[], needsRoom: boolean): E | null {
    const sum = this.#addCredits(tried, needsRoom);
    if (sum === 0) return null;
    let best = -1;
    let bestDue = Infinity;
    for (let index = 0; index < this.#endpoints.length; index++) {
      if (!mayPick(this.#endpoints[index] as E, tried, needsRoom)) continue;
      const credit = this.#credits[index] as number;
      // Endpoints without credit follow after all others: they have had their share, but the others may not be picked now.
      const due = (sum - credit) / (this.#weights[index] as number) + (credit > 0 ? 0 : sum);
      if (due < bestDue) [best, bestDue] = [index, due];
    }
    this.#credits[best] = (this.#credits[best] as number) - sum;
    return this.#endpoints[best] as E;
  }

  /** Returns the sum of the weights; 0 if no endpoint may be picked. */
  #addCredits(tried: readonly E[], needsRoom: boolean): number {
    let sum = 0;
    for (let index = 0; index < this.#endpoints.length; index++) {
      if (!mayPick(this.#endpoints[index] as E, tried, needsRoom)) continue;
      const weight = this.#weights[index] as number;
      sum += weight;
      this.#credits[index] = (this.#credits[index] as number) + weight;
    }
    return sum;
  }
}

function mayPick<E extends BalancedEndpoint>(endpoint: E, tried: readonly E[], needsRoom: boolean): boolean {
  return !(needsRoom && !endpoint.hasRoom) && !tried.includes(endpoint);
}

const none: readonly never[] = [];
