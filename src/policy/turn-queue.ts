import { type Linked, LinkedList } from '../core/linked-list.ts';
import type { RequestPriority } from '../core/route-spec.ts';
import type { Instant } from '../core/time.ts';

/** A request that waits for its turn. */
export interface Turn extends Linked {
  readonly priority: RequestPriority;
  readonly since: Instant;
}

const priorities: readonly RequestPriority[] = ['high', 'normal', 'low'];

/** Requests that wait for their turn: those of a higher priority first, within a priority in the order in which they came. */
export class TurnQueue<T extends Turn> {
  /** By priority, each in the order in which they came. */
  readonly #classes: readonly LinkedList<T>[] = priorities.map(() => new LinkedList<T>());

  get length(): number {
    return this.#classes.reduce((sum, { size }) => sum + size, 0);
  }

  add(turn: T): void {
    this.#classOf(turn.priority).add(turn);
  }

  /** Returns whether it was in the queue. */
  remove(turn: T): boolean {
    return this.#classOf(turn.priority).remove(turn);
  }

  /** The one whose turn is next. */
  get first(): T | null {
    for (const { first } of this.#classes) if (first !== null) return first;
    return null;
  }

  /** Of the highest priority that waits, the one that came last. */
  get newest(): T | null {
    for (const { last } of this.#classes) if (last !== null) return last;
    return null;
  }

  /** Of the lowest priority of which one waits since before `at`, the one that has waited longest. */
  oldestBefore(at: Instant): T | null {
    let oldest: T | null = null;
    for (const { first } of this.#classes) if (first !== null && first.since < at) oldest = first;
    return oldest;
  }

  /** How many have their turn before one of this priority that comes now. */
  countBefore(priority: RequestPriority): number {
    const until = priorities.indexOf(priority);
    return this.#classes.reduce((sum, { size }, at) => (at <= until ? sum + size : sum), 0);
  }

  /** The last one in the queue, if its priority is lower than this. */
  lastBelow(priority: RequestPriority): T | null {
    const lower = this.#classes.slice(priorities.indexOf(priority) + 1);
    return lower.findLast(({ last }) => last !== null)?.last ?? null;
  }

  /** Since when the one waits that has waited longest; null if none waits. */
  get oldestSince(): Instant | null {
    let oldest: Instant | null = null;
    for (const { first } of this.#classes)
      if (first !== null && (oldest === null || first.since < oldest)) oldest = first.since;
    return oldest;
  }

  #classOf(priority: RequestPriority): LinkedList<T> {
    return this.#classes[priorities.indexOf(priority)] as LinkedList<T>;
  }
}

/** More than any request waits. */
const classMs = 2 ** 28;

/**
 * When the request came, as queues of several workers are compared: the earlier one has its turn first, and a higher priority counts as if the
 * request had come days earlier.
 */
export function comparedSince({ priority, since }: Pick<Turn, 'priority' | 'since'>): Instant {
  return (since + (priorities.indexOf(priority) - 1) * classMs) as Instant;
}
