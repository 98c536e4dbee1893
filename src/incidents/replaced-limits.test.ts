import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReplacedLimits } from './replaced-limits.ts';

const routes = (limits: Readonly<Record<string, number>>) =>
  Object.entries(limits).map(([id, responseHeadMs]) => ({
    id,
    timeouts: { responseHeadMs, exchangeMs: null },
  })) as never;

test('the timeouts before a change are known of each route that it changed, of the last five changes', () => {
  const replaced = new ReplacedLimits();
  replaced.replace(routes({ a: 5000, b: 5000, gone: 1 }), routes({ a: 500, b: 5000, added: 1 }), 2);
  const before = (route: string, revision: number) => replaced.of(route, revision)?.responseHeadMs ?? null;
  assert.deepEqual(
    ['a', 'b', 'gone', 'added', 'none'].map((route) => before(route, 2)),
    [5000, null, null, null, null],
  );
  for (let revision = 3; revision <= 6; revision += 1)
    replaced.replace(routes({ a: 500 }), routes({ a: 500 }), revision);
  assert.deepEqual([before('a', 2), before('a', 3)], [5000, null]);
  replaced.replace(routes({ a: 500 }), routes({ a: 400 }), 7);
  assert.deepEqual([before('a', 2), before('a', 7)], [null, 500]);
});
