import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { localEndpointSemaphores } from '../core/local-semaphore.ts';
import type { ConnectGate } from '../core/semaphores.ts';
import type { Instant } from '../core/time.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { SharedCounts } from './shared-counts.ts';
import { WorkerSemaphores } from './worker-semaphores.ts';

const backoffMs = 1000;
const at = (ms: number): Instant => ms as Instant;

/** Two workers' ends of one endpoint's gate, and the main thread's. */
function shared(): { one: ConnectGate; two: ConnectGate; counts: SharedCounts; clock: SimulatedClock } {
  const clock = new SimulatedClock();
  const counts = new SharedCounts({ workersMax: 2, endpointsMax: 1, addressesMax: 16 }, clock, new SeededRandom(1));
  const handle = counts.allocate('app') ?? assert.fail('a new table has room');
  const [one, two] = [0, 1].map(
    (workerIndex) => new WorkerSemaphores(counts.memory, workerIndex, clock).endpoint(handle, () => {}).connectGate,
  );
  return { one: one as ConnectGate, two: two as ConnectGate, counts, clock };
}

for (const [name, gateOf] of [
  ['a gate that workers share', () => shared().one],
  ['a gate of one worker', () => localEndpointSemaphores().connectGate],
] as const) {
  describe(name, () => {
    it('is open until a connection is refused', () => {
      assert.equal(gateOf().msSinceRefusal(at(50), backoffMs), null);
    });

    it('is closed for the backoff time after a refusal, and answers how long ago that was', () => {
      const gate = gateOf();
      gate.noteRefusal(at(100));
      assert.equal(gate.msSinceRefusal(at(100), backoffMs), 0);
      assert.equal(gate.msSinceRefusal(at(1099), backoffMs), 999);
    });

    it('lets one caller connect after the backoff time, and stays closed for the others', () => {
      const gate = gateOf();
      gate.noteRefusal(at(100));
      assert.equal(gate.msSinceRefusal(at(1100), backoffMs), null);
      assert.equal(gate.msSinceRefusal(at(1100), backoffMs), 0);
      assert.equal(gate.msSinceRefusal(at(2099), backoffMs), 999);
      assert.equal(gate.msSinceRefusal(at(2100), backoffMs), null);
    });

    it('is open again once a connection was made', () => {
      const gate = gateOf();
      gate.noteRefusal(at(100));
      gate.noteAccepted();
      assert.equal(gate.msSinceRefusal(at(101), backoffMs), null);
    });

    it('is open again once a connection failed for another reason', () => {
      const gate = gateOf();
      gate.noteRefusal(at(100));
      gate.reopen();
      assert.equal(gate.msSinceRefusal(at(101), backoffMs), null);
      assert.equal(gate.hasAccepted, false);
    });

    it('keeps that a connection was made before, whatever comes after', () => {
      const gate = gateOf();
      gate.noteRefusal(at(100));
      assert.equal(gate.hasAccepted, false);
      gate.noteAccepted();
      for (const refusedAt of [100, 301]) {
        gate.noteRefusal(at(refusedAt));
        assert.equal(gate.hasAccepted, true);
        assert.equal(gate.msSinceRefusal(at(refusedAt + backoffMs + 1), backoffMs), null);
      }
      gate.reopen();
      assert.equal(gate.hasAccepted, true);
      assert.equal(gate.msSinceRefusal(at(302), backoffMs), null);
    });
  });
}

describe('a gate that workers share', () => {
  it('closes and opens for all workers at once', () => {
    const { one, two } = shared();
    one.noteRefusal(at(100));
    assert.equal(two.msSinceRefusal(at(160), backoffMs), 60);
    two.reopen();
    assert.equal(one.msSinceRefusal(at(161), backoffMs), null);
  });

  it('lets one worker connect, not each of them', () => {
    const { one, two } = shared();
    one.noteRefusal(at(100));
    assert.deepEqual([one.msSinceRefusal(at(1100), backoffMs), two.msSinceRefusal(at(1100), backoffMs)], [null, 0]);
  });

  it('is closed and opened by the results of health checks', () => {
    const { one, counts, clock } = shared();
    clock.advanceSync(500);
    counts.noteChecked('app', true);
    assert.equal(one.msSinceRefusal(at(510), backoffMs), 10);
    counts.noteChecked('app', false);
    assert.equal(one.msSinceRefusal(at(511), backoffMs), null);
    counts.noteChecked('an endpoint that is gone', true);
  });

  it('of a removed endpoint does not close that of a new one', () => {
    const { one, counts } = shared();
    one.noteRefusal(at(100));
    counts.keepOnly(new Set());
    const handle = counts.allocate('another') ?? assert.fail('the cells of the other one are free');
    const gate = new WorkerSemaphores(counts.memory, 1, new SimulatedClock()).endpoint(handle, () => {}).connectGate;
    assert.equal(gate.msSinceRefusal(at(110), backoffMs), null);
  });
});
