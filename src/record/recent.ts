import type { ExchangeRecord } from '../core/record.ts';
import type { RecordLines } from './batch.ts';
import { OctetRing } from './octet-ring.ts';
import { BeginningSearch, IdSearch } from './parse-record.ts';

/** Some 8,000 successes: half a minute of a busy gateway, hours of a quiet one. */
const octetsMaxDefault = 8 * 1024 * 1024;
/** Some 2,500 failures. */
const failedOctetsMaxDefault = 4 * 1024 * 1024;

/**
 * The last exchanges, in memory, as the octets that went to the log. Failures have a ring of their own: no
 * storm of successes pushes out the one line that somebody will ask for.
 */
export class RecentRecords {
  readonly #successes: OctetRing;
  readonly #failures: OctetRing;

  constructor(limits: { readonly octetsMax?: number; readonly failedOctetsMax?: number } = {}) {
    this.#successes = new OctetRing(limits.octetsMax ?? octetsMaxDefault);
    this.#failures = new OctetRing(limits.failedOctetsMax ?? failedOctetsMaxDefault);
  }

  add({ octets, failed }: RecordLines): void {
    let successesFrom = 0;
    for (let index = 0; index < failed.length; index += 2) {
      const start = failed[index] as number;
      const end = failed[index + 1] as number;
      this.#successes.append(octets, successesFrom, start);
      this.#failures.append(octets, start, end);
      successesFrom = end;
    }
    this.#successes.append(octets, successesFrom, octets.length);
  }

  /** The record of exchange `id`; null when it is not held any more. Searches octets and parses only hits. */
  find(id: string): ExchangeRecord | null {
    const search = new IdSearch(id);
    return this.#failures.findLast(search) ?? this.#successes.findLast(search);
  }

  /** Those whose id begins so, failures first; no more than somebody will read. */
  findBeginning(beginning: string): readonly ExchangeRecord[] {
    const search = new BeginningSearch(beginning);
    this.#failures.findLast(search);
    if (!search.isFull) this.#successes.findLast(search);
    return search.found;
  }
}
