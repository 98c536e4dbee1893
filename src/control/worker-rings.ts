import type { RecordRingMemory } from '../core/record-ring-memory.ts';
import { createRecordRing, createWakeWord, droppedIn } from '../record/record-ring.ts';

/** The rings through which workers pass lines to one thread, by index of the worker: a worker that replaces a lost one gets the same ring. */
export class WorkerRings {
  /** The thread sleeps on this word while no line comes. */
  readonly wakeWord = createWakeWord();
  readonly #rings = new Map<number, RecordRingMemory>();
  readonly #sizes: Parameters<typeof createRecordRing>[1];
  readonly #onAdded: (memory: RecordRingMemory) => void;

  /** `sizes`: bytes of each ring; the default is that of `createRecordRing`. */
  constructor(onAdded: (memory: RecordRingMemory) => void, sizes: Parameters<typeof createRecordRing>[1] = {}) {
    this.#sizes = sizes;
    this.#onAdded = onAdded;
  }

  of(workerIndex: number): RecordRingMemory {
    let memory = this.#rings.get(workerIndex);
    if (memory === undefined) {
      memory = createRecordRing(this.wakeWord, this.#sizes);
      this.#rings.set(workerIndex, memory);
      this.#onAdded(memory);
    }
    return memory;
  }

  /** One message for each ring: what a new thread must know. */
  get messages(): readonly { readonly kind: 'ring'; readonly memory: RecordRingMemory }[] {
    return [...this.#rings.values()].map((memory) => ({ kind: 'ring', memory }) as const);
  }

  /** How many lines did not fit into the rings. */
  get dropped(): number {
    return [...this.#rings.values()].reduce((dropped, ring) => dropped + droppedIn(ring), 0);
  }
}
