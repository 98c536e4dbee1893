import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fuzzWire, growing, timeOf } from './fuzz-wire.ts';

test('two seconds of mutated messages find nothing', (context) => {
  const end = process.hrtime.bigint() + 2_000_000_000n;
  const { runs } = fuzzWire('the suite', () => process.hrtime.bigint() < end);
  context.diagnostic(`${runs} messages`);
  assert.ok(runs > 100);
});

for (const [what, kind, make] of growing) {
  test(`${what}, byte by byte, takes time in proportion to the length`, () => {
    const short = timeOf(kind, make(1800));
    const long = timeOf(kind, make(1800 * 8));
    // Linear is 8, quadratic 64; the machine has other work, and short times are inexact.
    assert.ok(long < short * 30 + 2e6, `${short} ns for 1,800 bytes, ${long} ns for eight times as many`);
  });
}
