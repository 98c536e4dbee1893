import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { describe, test } from 'node:test';
import type { EventSearchResult } from '../core/store-messages.ts';
import {
  clock,
  eventAt,
  eventOf,
  eventSeqs,
  exchangeOf,
  folder,
  golden,
  open,
  search,
  store,
  storeForEachTest,
  use,
} from './exchange-store.test-support.ts';

storeForEachTest();

describe('stored events', () => {
  test('are found by time, the newest first, although the clock has jumped', () => {
    store.append([], [eventOf(1, 0), eventOf(2, 5), eventOf(3, 2)]);
    store.append([exchangeOf(golden[0] as string)], [eventOf(4, 9)]);
    assert.deepEqual(eventSeqs(), [4, 3, 2, 1]);
    assert.deepEqual(eventSeqs({ since: eventAt(2), until: eventAt(5) }), [3, 2]);
    assert.deepEqual(eventSeqs({ since: eventAt(10) }), []);
    assert.equal(search('').exchanges.length, 1);
  });

  test('are found by their kinds', () => {
    store.append([], [eventOf(1, 0, 'admin_action'), eventOf(2, 1), eventOf(3, 2, 'overlay_changed')]);
    assert.deepEqual(eventSeqs({ kinds: ['admin_action', 'overlay_changed'] }), [3, 1]);
    assert.deepEqual(eventSeqs({ kinds: ['admin_action'], since: eventAt(1) }), []);
    assert.deepEqual(eventSeqs({ kinds: [] }), []);
  });

  test('are paged without a gap or a repetition over all files, also those of an earlier process', () => {
    store.close();
    use(open({ keepAgeMs: 88_000 }));
    for (let seq = 1; seq <= 7; seq += 1) {
      store.append([], [{ ...eventOf(seq, seq), at: clock.wallTime() }]);
      clock.advanceSync(11_000);
      store.maintain();
    }
    store.close();
    assert.equal(readdirSync(folder).filter((name) => name.endsWith('.sqlite')).length, 7);
    use(open());
    const seen: number[] = [];
    let cursor: string | null = null;
    do {
      const page: EventSearchResult = store.searchEvents({ since: null, until: null, limit: 2, cursor });
      assert.ok(page.kind === 'page');
      assert.ok(page.events.length <= 2);
      seen.push(...page.events.map(({ seq }) => seq));
      ({ cursor } = page);
    } while (cursor !== null);
    assert.deepEqual(seen, [7, 6, 5, 4, 3, 2, 1]);
  });
});
