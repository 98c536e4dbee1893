import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { RecentCount } from './recent-count.ts';

test('a count remembers a minute, and when the first of a flood came and the last', async () => {
  const clock = new SimulatedClock();
  const start = clock.now();
  const passes = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 500) {
      await clock.advance(500);
      count.sample();
    }
  };
  const seen = (): readonly number[] => [count.lastMinute, count.since - start, count.lastAt - start, count.total];
  const count = new RecentCount(clock);
  await passes(5000);
  count.add(3);
  assert.deepEqual(seen(), [3, 5000, 5000, 3]);
  await passes(59_000);
  count.add(2);
  assert.deepEqual(seen(), [5, 5000, 64_000, 5], 'a pause of less than a minute belongs to the flood');
  await passes(30_000);
  assert.deepEqual(seen(), [2, 5000, 64_000, 5], 'the first three are more than a minute old');
  await passes(30_000);
  count.add(1);
  assert.deepEqual(seen().slice(1), [124_000, 124_000, 6], 'after a minute without any begins the next flood');
});
