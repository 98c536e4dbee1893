import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../core/event.ts';
import { heldEvents } from './stored-exchanges.ts';

const events = Array.from(
  { length: 10 },
  (_, index) =>
    ({
      seq: index + 1,
      at: index * 1000,
      kind: index % 2 === 0 ? 'admin_action' : 'log_rotated',
      evidence: {},
    }) as unknown as Event,
);
const everything = { since: null, until: null, limit: 4, cursor: null };

/** All pages, each as the numbers of its events. */
function pagesOf(search: object): readonly (readonly number[])[] {
  const pages: number[][] = [];
  let cursor: string | null = null;
  do {
    const page = heldEvents(events, { ...everything, ...search, cursor });
    assert.ok(page.kind === 'page');
    pages.push(page.events.map(({ seq }) => seq));
    ({ cursor } = page);
  } while (cursor !== null && pages.length < 20);
  return pages;
}

test('held events are read page by page, each once, the newest first', () => {
  assert.deepEqual(pagesOf({}), [
    [10, 9, 8, 7],
    [6, 5, 4, 3],
    [2, 1],
  ]);
  assert.deepEqual(pagesOf({ limit: 5 }), [
    [10, 9, 8, 7, 6],
    [5, 4, 3, 2, 1],
  ]);
  assert.deepEqual(pagesOf({ kinds: ['admin_action'], limit: 3 }), [
    [9, 7, 5],
    [3, 1],
  ]);
  assert.deepEqual(pagesOf({ since: 3000, until: 6000 }), [[7, 6, 5, 4]]);
  assert.deepEqual(pagesOf({ kinds: [] }), [[]]);
});

test('a cursor that is none begins with the newest', () => {
  const page = heldEvents(events, { ...everything, cursor: '3-212' });
  assert.deepEqual(page.kind === 'page' && page.events[0]?.seq, 10);
});
