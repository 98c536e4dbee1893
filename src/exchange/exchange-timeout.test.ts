import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseGrpcTimeout } from './exchange-timeout.ts';

describe('the value of grpc-timeout', () => {
  const table: readonly (readonly [value: string, ms: number | null, why: string])[] = [
    ['2H', 7_200_000, 'hours'],
    ['3M', 180_000, 'minutes'],
    ['10S', 10_000, 'seconds'],
    ['250m', 250, 'milliseconds'],
    ['2000u', 2, 'microseconds'],
    ['1u', 1, 'rounded up'],
    ['1500u', 2, 'rounded up'],
    ['99999999n', 100, 'nanoseconds, with as many digits as there may be'],
    ['0m', 0, 'it has passed already'],
    ['00000001S', 1000, 'leading zeros'],
    ['99999999S', null, 'no timer runs for three years'],
    ['100000000n', null, 'nine digits'],
    ['', null, 'empty'],
    ['10', null, 'no unit'],
    ['S', null, 'no digits'],
    ['10s', null, 'no such unit'],
    ['1.5S', null, 'no whole number'],
    ['-1S', null, 'negative'],
    ['1 S', null, 'a space'],
    ['1S\n', null, 'a line feed after it'],
    ['1S, 2S', null, 'two fields'],
    ['١S', null, 'digits that are not ASCII'],
  ];
  for (const [value, ms, why] of table)
    it(`${JSON.stringify(value)}: ${ms === null ? 'none' : `${ms} ms`} (${why})`, () =>
      assert.equal(parseGrpcTimeout(value), ms));
});
