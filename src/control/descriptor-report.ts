import { readdir } from 'node:fs/promises';
import type { WorkerCounts } from '../core/counters.ts';
import { connectionRefusals } from '../core/connection-refusals.ts';
import { descriptorsWanted } from '../core/descriptor-need.ts';
import type { EventSink } from '../core/event.ts';
import { after, type Clock, type Instant } from '../core/time.ts';
import { descriptorLimit, descriptorReserve } from '../system/descriptors.ts';

type DescriptorCounts = Pick<WorkerCounts, 'descriptorsScarce' | 'closedForDescriptors' | 'refusedWithoutDescriptor'>;

/** The shortage is over when no worker has met the limit for this long and enough descriptors are free. */
const calmMs = 2000;

type DescriptorState = 'enough' | 'scarce' | 'refusing';

/** Reports once that descriptors are scarce, once that clients are refused for it, and once that there are enough again. */
export class DescriptorReport {
  readonly #clock: Clock;
  readonly #events: EventSink;
  readonly #limit: number | null;
  readonly #needed: () => number;
  readonly #countOpen: () => Promise<number | null>;
  #before: DescriptorCounts = { descriptorsScarce: 0, closedForDescriptors: 0, refusedWithoutDescriptor: 0 };
  /** The counts when the shortage began; null while there are enough descriptors. */
  #since: DescriptorCounts | null = null;
  #state: DescriptorState = 'enough';
  /** Events come in the order of the states. */
  #emitted: Promise<void> = Promise.resolve();
  #reviewAt: Instant;

  /** `needed`: how many descriptors the configuration may need. */
  constructor(
    clock: Clock,
    events: EventSink,
    needed: () => number,
    limit: number | null = descriptorLimit(),
    countOpen: () => Promise<number | null> = openDescriptors,
  ) {
    this.#clock = clock;
    this.#events = events;
    this.#limit = limit;
    this.#needed = needed;
    this.#countOpen = countOpen;
    this.#reviewAt = clock.now();
  }

  /** Counts of all workers since the start. */
  note(workers: readonly DescriptorCounts[]): void {
    const before = this.#before;
    const now = sumOf(workers);
    this.#before = now;
    if (now.descriptorsScarce > before.descriptorsScarce) {
      this.#reviewAt = after(this.#clock.now(), calmMs);
      if (this.#since === null) this.#begin(before);
      if (this.#state === 'scarce' && this.#refused > 0) this.#refuse();
    } else if (this.#since !== null && this.#clock.now() >= this.#reviewAt) {
      this.#reviewAt = after(this.#clock.now(), calmMs);
      void this.#review();
    }
  }

  /** Since the shortage began. */
  get #refused(): number {
    return this.#before.refusedWithoutDescriptor - (this.#since ?? this.#before).refusedWithoutDescriptor;
  }

  /** A clause. */
  get #left(): string {
    return connectionRefusals.descriptors.reason(this.#limit);
  }

  #refuse(): void {
    void this.#emit('refusing', `clients were refused: ${this.#left}, and no connection was idle and could be closed`);
  }

  #begin(before: DescriptorCounts): void {
    this.#since = before;
    const how = 'idle connections are closed, and clients are refused if none is idle';
    void this.#emit('scarce', `${this.#left}: ${how}`);
  }

  async #review(): Promise<void> {
    const limit = this.#limit ?? 0;
    const open = await this.#countOpen();
    // Twice the reserve, if the limit allows it: otherwise the next connection would begin a new shortage.
    const enough = limit - Math.min(2 * descriptorReserve(limit), limit / 3);
    if (this.#since === null || (open !== null && open > enough)) return;
    await this.#emit('enough', 'there are enough descriptors again');
    this.#since = null;
  }

  #emit(to: DescriptorState, reason: string): Promise<void> {
    const from = this.#state;
    this.#state = to;
    this.#emitted = this.#emitted.then(async () => {
      const open = await this.#countOpen();
      const since = this.#since ?? this.#before;
      const need = { limit: this.#limit ?? 0, needed: this.#needed() };
      this.#events.emit({
        kind: 'descriptors_exhausted',
        subject: 'gateway',
        ...{ from, to, reason },
        evidence: {
          ...need,
          wanted: descriptorsWanted(need),
          open,
          closed: this.#before.closedForDescriptors - since.closedForDescriptors,
          refused: this.#refused,
        },
      });
    });
    return this.#emitted;
  }
}

function sumOf(workers: readonly DescriptorCounts[]): DescriptorCounts {
  const sum = (of: keyof DescriptorCounts): number => workers.reduce((total, one) => total + one[of], 0);
  return {
    descriptorsScarce: sum('descriptorsScarce'),
    closedForDescriptors: sum('closedForDescriptors'),
    refusedWithoutDescriptor: sum('refusedWithoutDescriptor'),
  };
}

/** How many files the process has open; null if the system does not tell, or no descriptor is left to read it. */
async function openDescriptors(): Promise<number | null> {
  try {
    return (await readdir('/proc/self/fd')).length;
  } catch {
    return null;
  }
}
