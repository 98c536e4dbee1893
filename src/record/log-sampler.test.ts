import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LogSampler } from './log-sampler.ts';

test('the share of a route is logged evenly, and says for how many it stands', () => {
  for (const [share, logged] of [
    [0.1, 10],
    [0.3, 30],
    [0.5, 50],
    [1, 100],
    [0, 0],
  ] as const) {
    const sampler = new LogSampler();
    const chosen = Array.from({ length: 100 }, () => sampler.choose('shop', share)).filter((one) => one > 0);
    assert.equal(chosen.length, logged, String(share));
    if (share > 0) assert.ok(chosen.reduce((sum, one) => sum + one, 0) > 100 - 1 / share, String(share));
  }
});
