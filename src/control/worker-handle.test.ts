import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { SharedCounts } from '../limits/shared-counts.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { createRecordRing, createWakeWord } from '../record/record-ring.ts';
import type { Snapshot, UpstreamDelta } from '../core/snapshot.ts';
import { WorkerHandle, type WorkerListener } from './worker-handle.ts';

const { memory: shared } = new SharedCounts(
  { workersMax: 1, endpointsMax: 1, addressesMax: 1 },
  new SimulatedClock(),
  new SeededRandom(1),
);
const init = {
  worker: 1,
  workerIndex: 0,
  member: 'one',
  processStartedUnixMs: 0,
  processKey: 'k3f9xa',
  inheritedSockets: [],
  passedSockets: [],
  heldSockets: [],
  shared,
  recordRing: createRecordRing(createWakeWord()),
  storeRing: createRecordRing(createWakeWord()),
  otlpRing: createRecordRing(createWakeWord()),
  ticketKey: new Uint8Array(48),
  managedTls: { certificates: [], challenges: [] },
};

/** Enough for the modules of a worker to load on a busy machine; the test goes on as soon as they have loaded. */
const timeoutMs = 60_000;

test('a worker whose modules load slowly does not count as unresponsive', {
  timeout: timeoutMs,
}, async () => {
  const clock = new SimulatedClock();
  const lost: string[] = [];
  const { promise: left, resolve: leave } = Promise.withResolvers<void>();
  const worker = new WorkerHandle({
    workerModule: new URL('../worker/worker-main.ts', import.meta.url),
    init,
    clock,
    listener: {
      onBatch: () => {},
      onLost: ({ why }) => {
        lost.push(why);
        leave();
      },
      onSilent: () => {},
      onStandInFailed: () => {},
    },
    memoryBytesMax: null,
  });
  try {
    // The event loop does not turn meanwhile, so no message of the worker can have arrived.
    clock.advanceSync(20_000);
    // `drained` is its first answer; a worker that was given up never answers, but is reported as lost.
    await Promise.race([
      worker.drain({ why: 'gateway_stopping', tunnels: 'wait', idleMs: 0, hasSuccessor: false }),
      left,
    ]);
    assert.deepEqual(lost, []);
    // From now on a missing answer counts.
    clock.advanceSync(5000);
    await left;
    assert.deepEqual(lost, ['it has not answered for 3 s']);
  } finally {
    await worker.terminate();
  }
});

const deaf: WorkerListener = { onBatch: () => {}, onLost: () => {}, onSilent: () => {}, onStandInFailed: () => {} };

test('the control plane works with any worker module that answers its messages', { timeout: timeoutMs }, async () => {
  const workerModule = new URL('./fixtures/puppet-worker.ts', import.meta.url);
  const batches: number[] = [];
  const listener = {
    ...deaf,
    onBatch: ({ counts }) => batches.push(counts.unclassifiedTotal),
  } satisfies WorkerListener;
  const worker = new WorkerHandle({ workerModule, init, clock: new SimulatedClock(), listener, memoryBytesMax: null });
  try {
    await worker.loaded;
    const listeners = [{ id: 'http', host: '127.0.0.1', port: 8080 }];
    const upstreams = [{ id: 'app', endpoints: [{ id: 'app/a' }] }];
    const snapshot = { revision: 3, listeners, upstreams, routes: [] } as unknown as Snapshot;
    assert.deepEqual(await worker.prepare(snapshot), { ok: true, listeners: [] });
    assert.equal(worker.state, 'starting');
    assert.deepEqual(await worker.activate(3), { ok: true, listeners: [] });
    assert.equal(worker.state, 'serving');
    assert.equal(worker.revision, 3);
    assert.ok(worker.mayUseEndpoint('/a'));
    worker.sendEndpoints({ revision: 3, upstream: 'app', whole: true, endpoints: [] } as unknown as UpstreamDelta);
    await worker.report();
    assert.deepEqual(batches, [7]);
    await worker.drain({ why: 'gateway_stopping', tunnels: 'wait', idleMs: 0, hasSuccessor: false });
  } finally {
    await worker.terminate();
  }
  assert.equal(worker.state, 'lost');
});
