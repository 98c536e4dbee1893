import type { EventLine } from '../core/store-messages.ts';
import type { ProcessNote } from '#failures/process-note.ts';

/** Some minutes of dozens of instances, while the disk is full. */
const notesMax = 4096;

/** Notes about processes that are not stored yet. Beyond the bound the oldest are given up: they say little without the others. */
export class WaitingProcesses {
  #notes: ProcessNote[] = [];

  get list(): readonly ProcessNote[] {
    return this.#notes;
  }

  get isEmpty(): boolean {
    return this.#notes.length === 0;
  }

  /** Returns how many are given up. */
  add(notes: readonly ProcessNote[]): number {
    const all = [...this.#notes, ...notes];
    this.#notes = all.slice(-notesMax);
    return all.length - this.#notes.length;
  }

  /** They are stored. */
  clear(): void {
    this.#notes = [];
  }
}

/** An exit with 200 lines of output has up to 100 KiB; most events have some hundred bytes. */
const charactersMax = 4 * 1024 * 1024;

/** Events that are not stored yet, in their order. If the disk is full for long, the oldest are given up. */
export class WaitingEvents {
  #events: EventLine[] = [];
  #characters = 0;

  get list(): readonly EventLine[] {
    return this.#events;
  }

  get isEmpty(): boolean {
    return this.#events.length === 0;
  }

  /** Returns how many are given up. */
  add(events: readonly EventLine[]): number {
    this.#events.push(...events);
    for (const { json } of events) this.#characters += json.length;
    let lost = 0;
    while (this.#characters > charactersMax && this.#events.length > 1) {
      this.#characters -= this.#events.shift()?.json.length ?? 0;
      lost += 1;
    }
    return lost;
  }

  /** They are stored. Returns the number of the last one. */
  clear(): number {
    const last = this.#events.at(-1)?.seq ?? 0;
    this.#events = [];
    this.#characters = 0;
    return last;
  }
}
