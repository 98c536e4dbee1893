import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';

/** Whether the file of the configuration has another text than the one that was applied. Reads it only where it was written since. */
export class EditedSource {
  /** Null: there is no file. */
  readonly #path: string | null;
  /** Null: not known. */
  #applied: string | null = null;
  /** The file as it was looked at last. */
  #seen = '';
  #isEdited = false;

  constructor(path: string | null) {
    this.#path = path;
  }

  /** `text`: of the file; null: not known. */
  noteApplied(text: string | null): void {
    this.#applied = text === null ? null : digestOf(text);
    this.#seen = '';
  }

  get isEdited(): boolean {
    if (this.#path === null || this.#applied === null) return false;
    try {
      const { mtimeMs, ctimeMs, size, ino } = statSync(this.#path);
      const seen = [mtimeMs, ctimeMs, size, ino].join(' ');
      if (seen !== this.#seen) this.#isEdited = digestOf(readFileSync(this.#path, 'utf8')) !== this.#applied;
      this.#seen = seen;
      return this.#isEdited;
    } catch {
      return false;
    }
  }
}

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');
