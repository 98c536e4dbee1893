import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from '../../test/properties.ts';
import { queryValues } from './query-values.ts';

describe('the values of a parameter', () => {
  for (const [target, name, values] of [
    ['/', 'a', []],
    ['/?a', 'a', ['']],
    ['/?a=1&b=2&a=3', 'a', ['1', '3']],
    ['/?a%20b=1%262&a+b=c+d', 'a b', ['1&2', 'c d']],
    ['/?&&=x&a==', 'a', ['=']],
    ['/?a=%zz&%=1', 'a', ['%zz']],
    ['/?a=%ff', 'a', ['%ff']],
    ['/?__proto__=1', '__proto__', ['1']],
    ['/?a', 'toString', []],
    ['/?x=1?a=2', 'a', []],
  ] as const)
    test(`${name} of ${target}: ${values.join(' ')}`, () => assert.deepEqual(queryValues(target, name), values));

  test('are those that URLSearchParams finds, where the query is UTF-8', () => {
    const pairs = fc.array(fc.tuple(fc.constantFrom('a', 'b', 'ä', ''), fc.string()), { maxLength: 5 });
    fc.assert(
      fc.property(pairs, (written) => {
        const query = new URLSearchParams(written);
        assert.deepEqual(queryValues(`/?${query.toString()}`, 'a'), query.getAll('a'));
      }),
    );
  });

  test('of 100,000 parameters are found in milliseconds', () => {
    const began = process.hrtime.bigint();
    assert.equal(queryValues(`/?${'a&'.repeat(100_000)}`, 'a').length, 100_000);
    assert.ok(Number(process.hrtime.bigint() - began) < 1e9);
  });
});
