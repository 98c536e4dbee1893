import type { ExchangeRecord } from '../core/record.ts';
import type { RecordLines } from '../core/record-lines.ts';
import { ByteRing } from './byte-ring.ts';
import { PrefixSearch, IdSearch } from './parse-record.ts';

/** Some 8,000 successes: half a minute of a busy gateway, hours of a quiet one. */
const bytesMaxDefault = 8 * 1024 * 1024;
/** Some 2,500 failures. */
const failedBytesMaxDefault = 4 * 1024 * 1024;

/**
 * The last exchanges, in memory, as the bytes that went to the log. Failures have a ring of their own: no
 * storm of successes pushes out the one line that somebody will ask for.
 */
export class RecentRecords {
  readonly #successes: ByteRing;
  readonly #failures: ByteRing;

  constructor(limits: { readonly bytesMax?: number; readonly failedBytesMax?: number } = {}) {
    this.#successes = new ByteRing(limits.bytesMax ?? bytesMaxDefault);
    this.#failures = new ByteRing(limits.failedBytesMax ?? failedBytesMaxDefault);
  }

  add({ bytes, failed }: RecordLines): void {
    let successesFrom = 0;
    for (let index = 0; index < failed.length; index += 2) {
      const start = failed[index] as number;
      const end = failed[index + 1] as number;
      this.#successes.append(bytes, successesFrom, start);
      this.#failures.append(bytes, start, end);
      successesFrom = end;
    }
    this.#successes.append(bytes, successesFrom, bytes.length);
  }

  /** The record of exchange `id`; null when it is not held any more. Searches bytes and parses only hits. */
  find(id: string): ExchangeRecord | null {
    const search = new IdSearch(id);
    return this.#failures.findLast(search) ?? this.#successes.findLast(search);
  }

  /** Those whose id begins so, failures first; no more than somebody will read. */
  findByPrefix(beginning: string): readonly ExchangeRecord[] {
    const search = new PrefixSearch(beginning);
    this.#failures.findLast(search);
    if (!search.isFull) this.#successes.findLast(search);
    return search.found;
  }
}
