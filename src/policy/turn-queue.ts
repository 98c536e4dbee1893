import type { RequestPriority } from '../core/route-spec.ts';
import type { Instant } from '../core/time.ts';

/** A request that waits for its turn. */
export interface Turn {
  readonly priority: RequestPriority;
  readonly since: Instant;
}

const priorities: readonly RequestPriority[] = ['high', 'normal', 'low'];

/**
 * Requests that wait for their turn: those of a higher priority first, within a priority in the order in which they came. Only
 * `lastBelow` takes longer the more wait.
 */
export class TurnQueue<T extends Turn> {
  /** By priority, each in the order in which they came. */
  readonly #classes: readonly Set<T>[] = priorities.map(() => new Set<T>());

  get length(): number {
    return this.#classes.reduce((sum, { size }) => sum + size, 0);
  }

  add(turn: T): void {
    this.#classOf(turn.priority).add(turn);
  }

  /** Returns whether it was in the queue. */
  remove(turn: T): boolean {
    return this.#classOf(turn.priority).delete(turn);
  }

  /** The one whose turn is next. */
  get first(): T | null {
    for (const turns of this.#classes) for (const turn of turns) return turn;
    return null;
  }

  /** How many have their turn before one of this priority that comes now. */
  countBefore(priority: RequestPriority): number {
    const until = priorities.indexOf(priority);
    return this.#classes.reduce((sum, { size }, at) => (at <= until ? sum + size : sum), 0);
  }

  /** The last one in the queue, if its priority is lower than this. */
  lastBelow(priority: RequestPriority): T | null {
    for (let at = priorities.length - 1; at > priorities.indexOf(priority); at--) {
      let last: T | null = null;
      for (const turn of this.#classes[at] ?? []) last = turn;
      if (last !== null) return last;
    }
    return null;
  }

  /** Since when the one waits that has waited longest; null if none waits. */
  get oldestSince(): Instant | null {
    let oldest: Instant | null = null;
    for (const turns of this.#classes) {
      for (const { since } of turns) {
        if (oldest === null || since < oldest) oldest = since;
        break; // Within a priority the first one is the oldest.
      }
    }
    return oldest;
  }

  #classOf(priority: RequestPriority): Set<T> {
    return this.#classes[priorities.indexOf(priority)] as Set<T>;
  }
}

/** More than any request waits. */
const classMs = 2 ** 28;

/**
 * When the request came, as queues of several workers are compared: the earlier one has its turn first, and a higher priority counts as if the
 * request had come days earlier.
 */
export function comparedSince({ priority, since }: Turn): Instant {
  return (since + (priorities.indexOf(priority) - 1) * classMs) as Instant;
}
