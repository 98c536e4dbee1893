import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bandwidthPart } from '../../src/features/bandwidth/worker-part.ts';
import type { BandwidthSpec } from '../../src/features/bandwidth/settings.ts';
import type { FeaturePorts } from '../../src/features/worker-feature.ts';
import type { Filter } from '../../src/core/filter.ts';
import { StreamWorld } from './stream-world.ts';
import type { ClientActor } from './world.ts';

const kib = 1024;

/** The clock of the world, which is made with its filters. */
function worldOf(given: Partial<BandwidthSpec>, bytes: number): StreamWorld {
  let world: StreamWorld | null = null;
  const clock = {
    now: () => world?.clock.now() ?? 0,
    wallTime: () => 0,
    schedule: (...call: [never, never, never]) => world?.clock.schedule(...call),
  };
  const spec = { responseBytesPerS: null, routeBytesPerS: null, freeBytes: 0, ...given };
  const scope = { kind: 'route', id: 'all', upstream: 'app' } as const;
  const { hooks } = bandwidthPart(scope, spec, { clock } as unknown as FeaturePorts);
  world = new StreamWorld({ filters: hooks.filters as readonly Filter[] });
  world.endpoint('a').onRequest = (request) => request.answer(200, Buffer.alloc(bytes, 'x'));
  return world;
}

/** How many bytes the client has after each of these times. */
function after(world: StreamWorld, clients: readonly ClientActor[], times: readonly number[]): number[] {
  let passed = 0;
  return times.map((ms) => {
    for (; passed < ms; passed += 5) world.pass(5);
    return clients.reduce((sum, { body }) => sum + body.length, 0);
  });
}

function near(actual: number, wanted: number, share = 0.05): void {
  assert.ok(Math.abs(actual - wanted) <= share * wanted, `${actual} is not near ${wanted}`);
}

describe('bandwidth', () => {
  it('sends a response no faster than its limit, with its length, whole', () => {
    const world = worldOf({ responseBytesPerS: 100 * kib }, 500 * kib);
    const client = world.request({});
    const [first = 0, second = 0, last = 0] = after(world, [client], [1000, 3000, 5200]);
    near(first, 110 * kib, 0.1);
    near(second - first, 200 * kib);
    assert.equal(last, 500 * kib);
    assert.ok(
      client.body.every((byte) => byte === 0x78),
      'held bytes are copied',
    );
    assert.deepEqual([client.state, client.header('content-length')], ['whole', `${500 * kib}`]);
    world.verifyAtRest();
  });

  it('sends the beginning at once where that is free', () => {
    const world = worldOf({ responseBytesPerS: 10 * kib, freeBytes: 300 * kib }, 400 * kib);
    const client = world.request({});
    const [first = 0, second = 0] = after(world, [client], [100, 2100]);
    near(first, 305 * kib);
    near(second - first, 20 * kib, 0.3);
    client.leave();
    world.pass(100);
    world.verifyAtRest();
  });

  it('gives the responses of a route its speed together', () => {
    const world = worldOf({ routeBytesPerS: 256 * kib }, 600 * kib);
    const clients = [world.request({}), world.request({})];
    const [first = 0, second = 0, last = 0] = after(world, clients, [1000, 3000, 5000]);
    near(second - first, 512 * kib);
    assert.ok(first <= (256 + 64 + 16) * kib, `${first}`);
    assert.ok(clients.every(({ body }) => body.length > 0.3 * last));
    assert.equal(last, 1200 * kib);
    world.verifyAtRest();
  });

  it('sends what fits at once', () => {
    const world = worldOf({ responseBytesPerS: 100 * kib }, 2 * kib);
    const client = world.request({});
    assert.deepEqual(after(world, [client], [10]), [2 * kib]);
    assert.equal(client.state, 'whole');
  });
});
