import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EndpointId, UpstreamId } from '../core/endpoint.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import type { Instant } from '../core/time.ts';
import { SharedCounts } from '../limits/shared-counts.ts';
import { WorkerSemaphores } from '../limits/worker-semaphores.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { EndpointSemaphoreAllocator } from './endpoint-semaphore-allocator.ts';

const app = 'app' as UpstreamId;

function endpoint(name: string): EndpointSnapshot {
  return {
    id: `app/${name}` as EndpointId,
    address: { kind: 'tcp', host: name, port: 80 },
    state: 'healthy',
    reason: 'its check passes',
    sinceInstant: 0,
    checks: null,
    release: null,
    exit: null,
  };
}

function twoSlots(): {
  readonly shared: SharedCounts;
  readonly slots: EndpointSemaphoreAllocator;
  readonly seat: WorkerSemaphores;
} {
  const clock = new SimulatedClock();
  const shared = new SharedCounts({ workersMax: 1, endpointsMax: 2, addressesMax: 16 }, clock, new SeededRandom(1));
  return {
    shared,
    slots: new EndpointSemaphoreAllocator(shared),
    seat: new WorkerSemaphores(shared.memory, shared.claimWorkerIndex() ?? 0, clock),
  };
}

describe('the cells of endpoints', () => {
  it('stay with an endpoint while it exists', () => {
    const { slots } = twoSlots();
    const [a, b] = slots.of(app, [endpoint('a'), endpoint('b')]);
    assert.notDeepEqual(a?.semaphores, b?.semaphores);
    assert.deepEqual(slots.of(app, [endpoint('a')])[0]?.semaphores, a?.semaphores);
  });

  it('go to another endpoint once theirs is gone and all permits are released, with a new generation', () => {
    const { slots } = twoSlots();
    const [a] = slots.of(app, [endpoint('a'), endpoint('b')]);
    const [, c] = slots.of(app, [endpoint('b'), endpoint('c')]);
    assert.equal(c?.semaphores?.index, a?.semaphores?.index);
    assert.notEqual(c?.semaphores?.generation, a?.semaphores?.generation);
  });

  it('give no permit to a worker that still has the generation before', () => {
    const { slots, seat } = twoSlots();
    const [a] = slots.of(app, [endpoint('a'), endpoint('b')]);
    slots.of(app, [endpoint('b'), endpoint('c')]);
    const before = seat.endpoint(a?.semaphores ?? assert.fail(), () => {});
    assert.equal(before.connections.tryAcquire(10, 0 as Instant), false);
  });

  it('are missing where there are more endpoints than cells: those get no requests, with the reason', () => {
    const { slots, seat } = twoSlots();
    const [a] = slots.of(app, [endpoint('a'), endpoint('b')]);
    const places = seat.endpoint(a?.semaphores ?? assert.fail(), () => {});
    assert.ok(places.connections.tryAcquire(10, 0 as Instant));
    const [, c] = slots.of(app, [endpoint('b'), endpoint('c')]);
    assert.deepEqual([c?.semaphores, c?.state, c?.failure?.cause], [undefined, 'unhealthy', 'too_many_endpoints']);
    places.connections.release(10);
    const [, again] = slots.of(app, [endpoint('b'), endpoint('c')]);
    assert.equal(again?.semaphores?.index, a?.semaphores?.index);
    assert.equal(again?.failure, undefined);
  });

  it('are free when their upstream is gone', () => {
    const { slots } = twoSlots();
    slots.of(app, [endpoint('a'), endpoint('b')]);
    slots.keepOnly([]);
    const other = slots.of('other' as UpstreamId, [endpoint('c')]);
    assert.ok(other[0]?.semaphores !== undefined);
  });
});
