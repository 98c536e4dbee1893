import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { largeCases, carryLargeBody } from './large-body.ts';
import { raceKeepAlive } from './keep-alive-race.ts';
import { patternAt, PatternCheck } from './position-pattern.ts';

// The short form of `npm run soak:race` and `npm run soak:large`; docs/development/testing.md has their promises.

const mebibyte = 1024 * 1024;

// 1.018, 0.912, 1.017, 1.020, 1.025 and 0.899 s.
const raceSeed = '154';

test('connections that the origin closes just as they are reused cause no failed request', async () => {
  // With this seed some pauses end while closes are in transit.
  const figures = await raceKeepAlive({
    clients: 32,
    requests: 32 * 7,
    idleMs: 1000,
    latencyMs: 400,
    together: true,
    seed: raceSeed,
  });
  assert.deepEqual(figures.errors, []);
  assert.deepEqual([figures.requests, figures.postsSeenTwice, figures.untold], [32 * 7, 0, 0]);
  assert.ok(figures.raced >= 16, `${figures.raced} requests met a close`);
});

describe('a large body', () => {
  test('arrives complete, within bounded memory, in both directions, whichever side is slow', async () => {
    const figures = await carryLargeBody({ bytes: 64_000_000, slowBytes: 16_000_000 });
    assert.deepEqual(
      figures.map(({ what, wrongAt }) => [what, wrongAt]),
      [...largeCases.keys()].map((what) => [what, null]),
    );
    for (const { what, idleBytes, peakBytes } of figures)
      assert.ok(peakBytes - idleBytes <= 40 * mebibyte, `${what}: ${peakBytes - idleBytes} bytes more than idle`);
  });

  test('is compared byte by byte: a lost, repeated or moved slice is noticed where it is', () => {
    const all = Buffer.concat([patternAt(0, 1_000_003), patternAt(1_000_003, 500_000)]);
    const whole = new PatternCheck();
    for (let at = 0; at < all.length; at += 70_000) whole.push(all.subarray(at, at + 70_000));
    assert.deepEqual([whole.bytes, whole.wrongAt], [all.length, null]);
    const lost = new PatternCheck();
    for (const slice of [all.subarray(0, 65_536), all.subarray(131_072, 200_000)]) lost.push(slice);
    assert.equal(lost.wrongAt, 65_536);
    const doubled = new PatternCheck();
    for (const slice of [all.subarray(0, 65_536), all.subarray(0, 65_536)]) doubled.push(slice);
    assert.equal(doubled.wrongAt, 65_536);
  });
});
