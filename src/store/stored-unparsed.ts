import { after, type Clock, type Timer } from '../core/time.ts';
import type { UnparsedJson } from '../core/unparsed-bytes.ts';
import { type UnparsedLine, unparsedMark } from '../record/unparsed-lines.ts';
import { SetClock } from './set-clock.ts';
import { UnparsedFiles, unparsedKeepMs } from './unparsed-files.ts';

/** Between two looks at the ages of files. A gateway without requests deletes them too. */
const lookEveryMs = 60 * 60 * 1000;

/**
 * The bytes that could not be parsed, as the store's thread takes them from the rings. If their files cannot be used, they are lost, and nothing else is: the
 * store of exchanges does not depend on them.
 */
export class StoredUnparsed {
  readonly #clock: Clock;
  readonly #setClock: SetClock;
  #files: UnparsedFiles | null = null;
  #taken: UnparsedLine[] = [];
  #timer: Timer | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#setClock = new SetClock(clock);
  }

  /** Stores them in this folder from now on. */
  use(folder: string): void {
    this.#files = new UnparsedFiles(folder);
    this.#look();
  }

  #look(): void {
    this.#timer?.cancel();
    this.#use((files) => files.maintain(this.#setClock.read()));
    this.#timer = this.#clock.schedule(
      after(this.#clock.now(), lookEveryMs),
      StoredUnparsed.#due,
      this as StoredUnparsed,
    );
  }

  static #due(this: void, stored: StoredUnparsed): void {
    stored.#look();
  }

  close(): void {
    this.#timer?.cancel();
  }

  /** Whether it is a line of theirs, which is then taken. */
  take(text: string): boolean {
    if (!text.startsWith(`${unparsedMark} `)) return false;
    this.#taken.push(JSON.parse(text.slice(unparsedMark.length + 1)) as UnparsedLine);
    return true;
  }

  /** Stores what was taken, once the exchanges are. Returns how many are lost. */
  store(): number {
    const taken = this.#taken;
    this.#taken = [];
    if (taken.length === 0) return 0;
    return this.#use((files) => files.append(taken)) ? 0 : taken.length;
  }

  /** The exchanges could not be stored: their lines are taken again later. */
  forget(): void {
    this.#taken = [];
  }

  find(id: string, endedAt: number): readonly UnparsedJson[] {
    let found: readonly UnparsedJson[] = [];
    this.#use((files) => {
      found = files.find(id, endedAt, this.#clock.wallTime() - unparsedKeepMs);
    });
    return found;
  }

  #use(action: (files: UnparsedFiles) => void): boolean {
    if (this.#files === null) return false;
    try {
      action(this.#files);
      return true;
    } catch {
      return false;
    }
  }
}
