import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from '../../test/properties.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { CoreShare, coreShare } from './core-share.ts';

test('work takes no more than its share of the time, whatever its steps cost', async () => {
  const costs = fc.array(fc.double({ min: 0, max: 500, noNaN: true }), { minLength: 1, maxLength: 50 });
  await fc.assert(
    fc.asyncProperty(costs, fc.double({ min: 0.01, max: 1, noNaN: true }), async (steps, share) => {
      const clock = new SimulatedClock();
      let spentMs = 0;
      const work = new CoreShare(clock, () => spentMs, share);
      const start = clock.now();
      work.begin();
      for (const cost of steps) {
        spentMs += cost;
        const rested = work.rest();
        await clock.advance((clock.nextDueAt ?? clock.now()) - clock.now());
        assert.equal(await rested, true);
        // Simulated time passes only in rests; real time passes in steps too.
        assert.ok(spentMs <= share * (clock.now() - start + spentMs) + 1e-6, `${spentMs} ms of ${clock.now() - start}`);
      }
    }),
  );
});

test('a rest is no longer than the share demands', () => {
  const clock = new SimulatedClock();
  let spentMs = 7;
  const share = new CoreShare(clock, () => spentMs);
  share.begin();
  spentMs += 2;
  void share.rest();
  assert.equal(clock.nextDueAt, 2 / coreShare - 2);
});

test('what passes in a rest is no work', async () => {
  const clock = new SimulatedClock();
  let spentMs = 0;
  const share = new CoreShare(clock, () => spentMs + clock.now());
  share.begin();
  spentMs += 2;
  const rested = share.rest();
  await clock.advance(38);
  await rested;
  const at = clock.now();
  spentMs += 1;
  void share.rest();
  assert.equal(clock.nextDueAt, at + 19);
});

test('stopping ends a rest at once, leaves no timer, and allows no further step', async () => {
  const clock = new SimulatedClock();
  let spentMs = 0;
  const share = new CoreShare(clock, () => spentMs);
  spentMs += 2;
  const rested = share.rest();
  share.stop();
  assert.equal(await rested, false);
  assert.equal(await share.rest(), false);
  assert.equal(clock.timersLive, 0);
});
