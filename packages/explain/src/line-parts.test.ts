import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLogfmt, statusOf } from './json-fields.ts';

const pairs = (text: string): unknown => Object.fromEntries(parseLogfmt(text));

test('pairs are read with and without quotation marks, and other text is skipped', () => {
  assert.deepEqual(pairs('level=error msg="said \\"no\\" twice" word code=H12 level=info'), {
    level: 'error',
    msg: 'said "no" twice',
    code: 'H12',
  });
  assert.deepEqual(pairs('a= b="open'), { a: '', b: 'open' });
  assert.deepEqual(pairs('no pairs at all'), {});
});

test('the marks that logs write for a missing status are read as no status', () => {
  for (const value of ['-', 0, -1, '000', 1000, 200.5, null, undefined]) assert.equal(statusOf(value), null);
  assert.deepEqual([statusOf('502'), statusOf(101), statusOf(999)], [502, 101, 999]);
});
