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
