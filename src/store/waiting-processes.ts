import type { ProcessNote } from '../core/process-note.ts';

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

  add(notes: readonly ProcessNote[]): void {
    this.#notes = [...this.#notes, ...notes].slice(-notesMax);
  }

  /** They are stored. */
  clear(): void {
    this.#notes = [];
  }
}
