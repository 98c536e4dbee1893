import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { PagedList, visibleRows } from './paged-list.ts';

const perPage = 200;

/** A store of numbers from `count` down to 1. */
function fetchPage(count: number, cursor: string | null): { rows: number[]; cursor: string | null } {
  const from = cursor === null ? 0 : Number(cursor);
  const rows = Array.from({ length: Math.min(perPage, count - from) }, (_, index) => count - from - index);
  return { rows, cursor: from + perPage < count ? String(from + perPage) : null };
}

function see(list: PagedList<number>, count: number, first: number, last: number): number {
  let fetched = 0;
  for (;;) {
    const wanted = list.wanted(first, last);
    if (wanted.length === 0) break;
    for (const page of wanted) list.put(page, fetchPage(count, page.cursor));
    fetched += wanted.length;
  }
  list.release(first, last);
  return fetched;
}

describe('a list in pages', () => {
  test('a million rows are scrolled through, and few of them are held', () => {
    const [count, step] = [1_000_000, 5000];
    const list = new PagedList<number>();
    for (let first = 0; first < count; first += step) {
      see(list, count, first, first + 50);
      while (!list.isComplete && list.length < first + step + 50) see(list, count, list.length - 10, list.length);
    }
    assert.equal(list.length, count);
    assert.ok(list.isComplete);
    let held = 0;
    for (let index = 0; index < count; index++) if (list.at(index) !== null) held++;
    assert.ok(held <= 10_000, `${held} rows are held`);
    assert.equal(see(list, count, 0, 50), 1);
    assert.equal(list.at(0), count);
    assert.equal(list.at(49), count - 49);
  });

  test('rows that are new stand at the beginning, and the others keep their order', () => {
    const list = new PagedList<number>();
    see(list, 300, 0, 50);
    list.prepend([302, 301]);
    assert.deepEqual(
      [0, 1, 2, 3].map((index) => list.at(index)),
      [302, 301, 300, 299],
    );
    assert.equal(see(list, 300, 190, 260), 1);
    assert.equal(list.at(301), 1);
    assert.equal(list.length, 302);
    assert.equal(list.at(302), null);
  });

  test('a search without results is complete', () => {
    const list = new PagedList<number>();
    assert.equal(see(list, 0, 0, 50), 1);
    assert.deepEqual([list.length, list.isComplete], [0, true]);
  });

  test('a page without rows, from a search that takes long, leads to the next one', () => {
    const list = new PagedList<number>();
    list.put({ index: 0, cursor: null, count: null }, { rows: [], cursor: 'on' });
    assert.deepEqual(list.wanted(0, 50), [{ index: 1, cursor: 'on', count: null }]);
  });
});

test('the rows that are drawn, and the gaps above and below, are as high as all rows', () => {
  for (const scrolled of [0, 10, 5000, 25_000]) {
    const { first, end, above, below } = visibleRows(scrolled, 600, 26, 1000);
    assert.equal(above + below + (end - first) * 26, 26_000);
    assert.ok(first * 26 <= Math.min(scrolled, 26_000) && end - first <= 60);
  }
});
