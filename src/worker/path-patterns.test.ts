import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PathPatterns } from './path-patterns.ts';

for (const [target, pattern] of [
  ['/', '/'],
  ['/?page=2', '/'],
  ['*', '/'],
  ['/cart', '/cart'],
  ['/cart?id=7', '/cart'],
  ['/orders/7', '/orders/#'],
  ['/orders/7/lines/3', '/orders/#/lines/#'],
  ['/api/v1/users/8a7f/mails/9/parts', '/api/v1/users/#'],
  ['/assets/app-3f9c.js', '/assets/#'],
  ['/M%C3%BCnchen/map', '/#/map'],
  [`/${'a'.repeat(41)}`, '/#'],
] as const)
  test(`${target.slice(0, 40)} is at ${pattern}, also when it is known`, () => {
    const patterns = new PathPatterns();
    assert.deepEqual([patterns.of(target, true), patterns.of(target, false)], [pattern, pattern]);
  });

test('what looks alike is one pattern', () => {
  const patterns = new PathPatterns();
  for (let id = 0; id < 100; id++) assert.equal(patterns.of(`/orders/${id}`, true), '/orders/#');
});

test('of many names in one folder those beyond the first are one pattern', () => {
  const patterns = new PathPatterns();
  const letters = (number: number): string => String.fromCharCode(97 + (number % 26), 97 + Math.floor(number / 26));
  const found = Array.from({ length: 50 }, (_, number) => patterns.of(`/wiki/${letters(number)}/edit`, true));
  assert.equal(found[0], '/wiki/aa/edit');
  assert.deepEqual(new Set(found.slice(32)), new Set(['/wiki/*']));
});

test('what is not answered well teaches no names, and is one pattern for each folder', () => {
  const patterns = new PathPatterns();
  patterns.of('/cart/lines', true);
  for (let number = 0; number < 10_000; number++)
    assert.equal(patterns.of(`/${'x'.repeat(1 + (number % 40))}.php`, false), '/*');
  assert.deepEqual([patterns.of('/cart/other', false), patterns.of('/orders', true)], ['/cart/*', '/orders']);
});

test('a path costs no more for the segments that no pattern has', () => {
  const patterns = new PathPatterns();
  const timeOf = (target: string): number => {
    const start = performance.now();
    for (let count = 0; count < 2000; count++) patterns.of(target, false);
    return performance.now() - start;
  };
  const short = '/a/b/c/d/e';
  timeOf(short);
  const [least, most] = [timeOf(short), timeOf(short + '/'.repeat(16_000))];
  assert.ok(most < 50 + 20 * least, `${most} ms instead of ${least}`);
});
