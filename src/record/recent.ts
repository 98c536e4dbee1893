import type { ExchangeRecord } from '../core/record.ts';
import type { RecordLines } from '../core/record-lines.ts';
import { ByteRing } from './byte-ring.ts';
import { PrefixSearch, IdSearch } from './parse-record.ts';

/** Some 8,000 successes: half a minute of a busy gateway, hours of a quiet one. */
const bytesMaxDefault = 8 * 1024 * 1024;
/** Some 2,500 failures. */
const failedBytesMaxDefault = 4 * 1024 * 1024;

/**
 * The latest exchanges, in memory, as the bytes of their log lines. Failures have their own ring, so that
 * many successes do not evict the failure that an operator will search.
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

  /** The record of exchange `id`; null if it is no longer held. Searches bytes and parses only matches. */
  find(id: string): ExchangeRecord | null {
    const search = new IdSearch(id);
    return this.#failures.findLast(search) ?? this.#successes.findLast(search);
  }

  /** The exchanges whose ids have this prefix, failures first, up to a limit. */
  findByPrefix(beginning: string): readonly ExchangeRecord[] {
    const search = new PrefixSearch(beginning);
    this.#failures.findLast(search);
    if (!search.isFull) this.#successes.findLast(search);
    return search.found;
  }
}
