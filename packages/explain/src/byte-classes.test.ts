import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteCache } from './byte-classes.ts';

test('a cache of bytes has a copy of them, also where they are read into one Buffer again and again', () => {
  const made: string[] = [];
  const cache = new ByteCache((text) => {
    made.push(text);
    return text;
  });
  const buffer = Buffer.from('shop.test');
  assert.equal(cache.of(buffer, 0, 9, 1), 'shop.test');
  buffer.write('blog.test');
  assert.equal(cache.of(Buffer.from('shop.test'), 0, 9, 1), 'shop.test');
  assert.equal(cache.of(buffer, 0, 9, 1), 'blog.test', 'its hash is the same');
  assert.deepEqual(made, ['shop.test', 'blog.test']);
});
