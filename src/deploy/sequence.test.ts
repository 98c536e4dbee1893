import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Sequence } from './sequence.ts';

test('an item that is added while another is handled is handled after it', () => {
  const handled: string[] = [];
  const sequence: Sequence<string> = new Sequence((item) => {
    handled.push(`${item} begins`);
    if (item === 'first') assert.equal(sequence.add('second'), false);
    handled.push(`${item} ends`);
  });
  assert.equal(sequence.add('first'), true);
  assert.deepEqual(handled, ['first begins', 'first ends', 'second begins', 'second ends']);
});

test('after an item that fails the next one is handled', () => {
  const handled: number[] = [];
  const sequence = new Sequence((item: number) => {
    if (item === 1) throw new Error('it fails');
    handled.push(item);
  });
  assert.throws(() => sequence.add(1));
  assert.equal(sequence.add(2), true);
  assert.deepEqual(handled, [2]);
});
