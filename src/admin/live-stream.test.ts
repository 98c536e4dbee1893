import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { LiveStatus } from './live-stream.ts';
import type { StatusParts } from './status-parts.ts';

test('the status is read once a second for all followers, and not without one', async () => {
  const clock = new SimulatedClock();
  let reads = 0;
  const live = new LiveStatus({ clock, status: async () => ({ reads: ++reads }) });
  const seen: (StatusParts | null)[] = [];
  const unfollow = [live.follow((parts) => seen.push(parts)), live.follow((parts) => seen.push(parts))];
  await clock.advance(2500);
  assert.equal(reads, 3);
  assert.equal(seen.length, 6);
  for (const one of unfollow) one();
  await clock.advance(5000);
  assert.equal(reads, 3);
  assert.equal(clock.timersLive, 0);
});

test('followers learn that a status could not be read', async () => {
  const clock = new SimulatedClock();
  const live = new LiveStatus({ clock, status: () => Promise.reject(new Error('no')) });
  const seen: (StatusParts | null)[] = [];
  const unfollow = live.follow((parts) => seen.push(parts));
  await clock.advance(100);
  assert.deepEqual(seen, [null]);
  unfollow();
});
