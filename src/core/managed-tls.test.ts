import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextAttemptText } from './managed-tls.ts';

const rows: readonly (readonly [ms: number, text: string])[] = [
  [-5000, '1 s'],
  [400, '1 s'],
  [61_000, '61 s'],
  [119_000, '119 s'],
  [120_000, '2 min'],
  [299_500, '5 min'],
  [300_000, '5 min'],
  [300_900, '5 min'],
  [303_000, '6 min'],
  [7_199_000, '120 min'],
  [7_200_000, '2 h'],
  [43_200_000, '12 h'],
];

for (const [ms, text] of rows)
  test(`an attempt in ${ms} ms is announced for ${text}`, () => {
    const now = Date.UTC(2026, 0, 1);
    assert.equal(nextAttemptText(now + ms, now), `next attempt in ${text}`);
  });

test('a status, which knows the time to half a second, announces the same minute as the event before it', () => {
  for (const minutes of [3, 5, 6, 90])
    for (const offByMs of [-500, 0, 499])
      assert.equal(nextAttemptText(minutes * 60_000 + offByMs, 0), `next attempt in ${minutes} min`);
});
