import { noteAfterMs, noteBeforeMs } from '../core/process-state.ts';
import type { ProcessNote } from '#failures/process-note.ts';
import type { InstanceVisit } from '../core/request-context.ts';
import type { Database, Statement } from './database.ts';

/** Around one attempt: more are not looked at. */
const notesMax = 100;

/** Samples and exits of the processes of applications in a file. They are few beside the exchanges. */
export class ProcessTable {
  readonly #insert: Statement;
  readonly #select: Statement;

  constructor(database: Database) {
    // During an upgrade two processes write to one file: SQLite numbers the rows.
    this.#insert = database.prepare('INSERT INTO processes (at, instance, json) VALUES (?, ?, ?)');
    this.#select = database.prepare(
      'SELECT json FROM processes WHERE instance = ? AND at >= ? AND at <= ? ORDER BY at DESC LIMIT ?',
    );
  }

  /** Within the transaction of the caller. */
  append(notes: readonly ProcessNote[]): void {
    for (const note of notes) this.#insert.run(note.at, note.instance, JSON.stringify(note));
  }

  /** What is kept of the instance's process around an attempt, the newest first. */
  around({ instance, ended }: InstanceVisit): readonly ProcessNote[] {
    const rows = this.#select.each(instance, ended - noteBeforeMs, ended + noteAfterMs, notesMax);
    return [...rows].map(([json]) => JSON.parse(String(json)) as ProcessNote);
  }
}
