import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryAfterMsOf } from './retry-after.ts';

const now = Date.UTC(2026, 0, 1, 12, 0, 0);

const cases: readonly (readonly [written: string, ms: number | null])[] = [
  ['0', 0],
  ['120', 120_000],
  ['Thu, 01 Jan 2026 12:00:30 GMT', 30_000],
  ['Thu, 01 Jan 2026 11:00:00 GMT', 0],
  ['Thursday, 01-Jan-26 12:00:30 GMT', 30_000],
  ['-1', null],
  ['1.5', null],
  ['soon', null],
  ['', null],
  ['99999999999', null],
  ['2026-01-01', null],
];

for (const [written, ms] of cases) {
  test(`Retry-After: ${written === '' ? '(empty)' : written} asks for ${ms === null ? 'nothing usable' : `${ms} ms`}`, () => {
    assert.equal(retryAfterMsOf(written, now), ms);
  });
}
