import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { CoreShare, coreShare } from './core-share.ts';

test('work is at most its share of the time, whatever its steps cost', async () => {
  const costs = fc.array(fc.double({ min: 0, max: 500, noNaN: true }), { minLength: 1, maxLength: 50 });
  await fc.assert(
    fc.asyncProperty(costs, fc.double({ min: 0.01, max: 1, noNaN: true }), async (steps, share) => {
      const clock = new SimulatedClock();
      let spentMs = 0;
      const work = new CoreShare(clock, () => spentMs, share);
      const start = clock.now();
      for (const cost of steps) {
        work.spend(() => void (spentMs += cost));
        const rested = work.rest();
        await clock.advance((clock.nextDueAt ?? clock.now()) - clock.now());
        assert.equal(await rested, true);
        // Simulated time passes only in rests; real time passes in steps too.
        assert.ok(spentMs <= share * (clock.now() - start + spentMs) + 1e-6, `${spentMs} ms of ${clock.now() - start}`);
      }
    }),
  );
});

test('a rest is no longer than the share demands', async () => {
  const clock = new SimulatedClock();
  let spentMs = 0;
  const share = new CoreShare(clock, () => spentMs);
  share.spend(() => void (spentMs += 2));
  void share.rest();
  assert.equal(clock.nextDueAt, 2 / coreShare - 2);
});

test('stopping ends a rest at once, leaves no timer, and allows no further step', async () => {
  const clock = new SimulatedClock();
  let spentMs = 0;
  const share = new CoreShare(clock, () => spentMs);
  share.spend(() => void (spentMs += 2));
  const rested = share.rest();
  share.stop();
  assert.equal(await rested, false);
  assert.equal(await share.rest(), false);
  assert.equal(clock.timersLive, 0);
});
