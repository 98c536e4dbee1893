import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ClientLimits } from '../../core/listener-spec.ts';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import { RecentFlood } from './recent-flood.ts';

const limits = {} as ClientLimits;

it('a flood is recent until it is not any more, which is asked once a second', () => {
  const clock = new SimulatedClock();
  let asked = 0;
  let isRecent = true;
  const hasFlooded = (): boolean => ++asked > 0 && isRecent;
  const flood = new RecentFlood({ hasFlooded }, clock, '192.0.2.1', limits);
  for (let ms = 0; ms < 1500; ms += 10) {
    assert.equal(flood.isRecent, true);
    clock.advanceSync(10);
  }
  assert.equal(asked, 2);
  isRecent = false;
  clock.advanceSync(490);
  assert.equal(flood.isRecent, true);
  clock.advanceSync(10);
  assert.equal(flood.isRecent, false);
  isRecent = true;
  clock.advanceSync(5000);
  assert.deepEqual([flood.isRecent, asked], [false, 3], 'a later one does not concern it');
});
