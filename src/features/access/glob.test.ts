import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { starTest } from './glob.ts';

test('a glob stands for what a regular expression of the same meaning does', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 });
  fc.assert(
    fc.property(letters, fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 }), (glob, text) => {
      const pattern = new RegExp(`^${glob.replaceAll('*', '.*')}$`);
      assert.equal(starTest(glob)(text), pattern.test(text), `${glob} of ${text}`);
    }),
  );
});

test('a long text costs no more than its length', () => {
  const started = process.threadCpuUsage().user;
  assert.equal(starTest('*a*a*a*a*a*a*a*a*b')('a'.repeat(200_000)), false);
  assert.ok(process.threadCpuUsage().user - started < 500_000);
});
