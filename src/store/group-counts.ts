import { type ExchangeGroup, type GroupKey, groupsMax } from '../core/exchange-groups.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import type { StoredExchange } from '../core/store-messages.ts';

/** Different values that are told apart; a crawler asks for any number of paths. */
const valuesMax = 10_000;

/** Counts exchanges that a search has found by one of their values. */
export class GroupCounts {
  readonly #by: GroupKey;
  readonly #groups = new Map<string, { count: number; failed: number }>();
  /** Requests, also those that the store has left out. */
  counted = 0;

  constructor(by: GroupKey) {
    this.#by = by;
  }

  add(found: readonly StoredExchange[]): void {
    for (const { record, standsFor } of found) {
      this.counted += standsFor;
      const value = groupValue(record, this.#by);
      let group = this.#groups.get(value);
      if (group === undefined) {
        if (this.#groups.size >= valuesMax) continue;
        this.#groups.set(value, (group = { count: 0, failed: 0 }));
      }
      group.count += standsFor;
      if (record.shape !== 'none') group.failed += standsFor;
    }
  }

  /** The largest first. */
  largest(): readonly ExchangeGroup[] {
    return [...this.#groups]
      .map(([value, counts]) => ({ value, ...counts }))
      .toSorted((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
      .slice(0, groupsMax);
  }
}

/** '' where it has none. */
function groupValue(record: ExchangeRecord, by: GroupKey): string {
  switch (by) {
    case 'client':
      return record.client.address;
    case 'status':
      return String(record.status ?? '');
    case 'endpoint':
      return record.attempts.at(-1)?.endpoint ?? '';
    case 'route':
    case 'path':
      return record[by] ?? '';
  }
}
