import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeptBody } from './kept-body.ts';

const kib = 1024;

for (const [sizes, isKept] of [
  [[], true],
  [[5, 7], true],
  [[32 * kib], true],
  [[20 * kib, 12 * kib], true],
  [[32 * kib + 1], false],
  [[32 * kib, 1], false],
  [[40 * kib, 1], false],
] as const)
  test(`content of ${sizes.join(' and ')} bytes is ${isKept ? 'kept' : 'not kept'}`, () => {
    const kept = new KeptBody();
    const all = sizes.map((size, index) => Buffer.alloc(size, `part ${index}`));
    for (const part of all) kept.add(part, 0, part.length);
    assert.deepEqual(kept.body(), isKept ? Buffer.concat(all) : null);
  });

test('the range of each part is kept as it was when it was given', () => {
  const kept = new KeptBody();
  const borrowed = Buffer.from('say hello now');
  kept.add(borrowed, 4, 9);
  borrowed.fill('x');
  assert.equal(Buffer.from(kept.body() ?? []).toString(), 'hello');
});
