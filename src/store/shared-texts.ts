import type { Database, Statement } from './database.ts';

/** Texts whose numbers are known without reading the file. */
const knownMax = 32_768;

/** Texts of which only a hash is remembered. A power of two. */
const seenMax = 65_536;

/**
 * Texts that many rows share: the file has each once, under a number. A text that comes for the first time stands in its row,
 * if `storedAt` is 2: most paths with an id in them never come again. A text that was forgotten may get another number, and one whose hash is that of
 * another may get one at once.
 */
export class SharedTexts {
  readonly #insert: Statement;
  readonly #select: Statement;
  readonly #storedAt: 1 | 2;
  readonly #numbers = new Map<string, number>();
  /** Hashes of texts that came once: to keep the texts themselves took 1 µs for each new path. */
  readonly #seen: Int32Array;
  readonly #texts = new Map<number, string>();
  #last: number;

  constructor(database: Database, table: string, column: string, storedAt: 1 | 2) {
    this.#insert = database.prepare(`INSERT INTO ${table} (number, ${column}) VALUES (?, ?)`);
    this.#select = database.prepare(`SELECT ${column} FROM ${table} WHERE number = ?`);
    this.#last = Number(database.prepare(`SELECT max(number) FROM ${table}`).get()?.[0] ?? 0);
    this.#storedAt = storedAt;
    this.#seen = new Int32Array(storedAt === 2 ? seenMax : 0);
  }

  /** The number of the text, or the text itself if it comes for the first time. */
  put(text: string): number | string {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    if (this.#storedAt === 2 && this.#isNew(text)) return text;
    if (this.#numbers.size >= knownMax) this.#numbers.clear();
    this.#last += 1;
    this.#insert.run(this.#last, text);
    this.#numbers.set(copiedText(text), this.#last);
    return this.#last;
  }

  #isNew(text: string): boolean {
    const hash = hashOf(text) | 0;
    const at = hash & (seenMax - 1);
    if (this.#seen[at] === hash) return false;
    this.#seen[at] = hash;
    return true;
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

/** A copy of a text that was cut out of a longer one, and would keep all of that in memory. */
export function copiedText(text: string): string {
  return Buffer.from(text).toString();
}

/** FNV-1a, 32 bits. */
export function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}
