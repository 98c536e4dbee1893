import { copiedText } from './copied-text.ts';
import type { Database, Statement } from './database.ts';

/** Texts whose numbers are known without reading the file. */
const knownMax = 32_768;

/**
 * Texts that many rows share: the file has each once, under a number. A text that comes for the first time stands in its row,
 * if `storedAt` is 2: most paths with an id in them never come again. A text that was forgotten may get another number.
 */
export class SharedTexts {
  readonly #insert: Statement;
  readonly #select: Statement;
  readonly #storedAt: 1 | 2;
  /** 0: seen once. */
  readonly #numbers = new Map<string, number>();
  readonly #texts = new Map<number, string>();
  #last: number;

  constructor(database: Database, table: string, column: string, storedAt: 1 | 2) {
    this.#insert = database.prepare(`INSERT INTO ${table} (number, ${column}) VALUES (?, ?)`);
    this.#select = database.prepare(`SELECT ${column} FROM ${table} WHERE number = ?`);
    this.#last = Number(database.prepare(`SELECT max(number) FROM ${table}`).get()?.[0] ?? 0);
    this.#storedAt = storedAt;
  }

  /** The number of the text, or the text itself if it comes for the first time. */
  put(text: string): number | string {
    const known = this.#numbers.get(text);
    if (known !== undefined && known > 0) return known;
    if (this.#numbers.size >= knownMax) this.#numbers.clear();
    if (known === undefined && this.#storedAt === 2) {
      this.#numbers.set(copiedText(text), 0);
      return text;
    }
    this.#last += 1;
    this.#insert.run(this.#last, text);
    this.#numbers.set(copiedText(text), this.#last);
    return this.#last;
  }

  get(number: number): string {
    const known = this.#texts.get(number);
    if (known !== undefined) return known;
    const text = String(this.#select.get(number)?.[0] ?? '');
    if (this.#texts.size >= knownMax) this.#texts.clear();
    this.#texts.set(number, text);
    return text;
  }
}
