import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import type { RouteId } from '../../src/core/endpoint.ts';
import { maintenanceWindows } from '../../src/features/maintenance-windows/worker.ts';
import type { MaintenanceWindowSpec } from '../../src/features/maintenance-windows/settings.ts';
import { Http1World } from './http1-world.ts';

before(() => maintenanceWindows.load?.());

/** In each hour, for ten minutes. */
const hourly = { schedule: '0 * * * *', timeZone: 'UTC', lengthMs: 600_000, message: 'Back at ten past.', allow: [] };

function worldOf(...windows: Partial<MaintenanceWindowSpec>[]): Http1World {
  const spec = { windows: windows.map((one) => ({ ...hourly, ...one })) };
  const world = new Http1World({ routes: [{ id: '/shop' as RouteId, features: { maintenance_windows: spec } }] });
  world.endpoint('a').onRequest = (request) => request.answer(200, 'ok');
  return world;
}

function asked(world: Http1World): readonly [status: number | null, retryAfter: string | null] {
  const client = world.request({});
  world.pass(200);
  return [client.status, client.header('retry-after')];
}

/** To so many milliseconds after the hour. */
function passTo(world: Http1World, ms: number): void {
  world.pass(3_600_000 - (world.clock.wallTime() % 3_600_000) + ms);
}

describe('maintenance windows', () => {
  it('close a route, say until when, and open it again', () => {
    const world = worldOf({});
    passTo(world, -1000);
    assert.deepEqual(asked(world), [200, null]);
    world.pass(60_800);
    assert.deepEqual(asked(world), [503, '540']);
    const [, record] = world.records;
    assert.deepEqual(record?.failure?.evidence, {
      ...{ route: '/shop', message: 'Back at ten past.', retryAfterS: 540 },
    });
    world.pass(540_000);
    assert.deepEqual(asked(world), [200, null]);
    passTo(world, 1000);
    assert.deepEqual(asked(world), [503, '599']);
  });

  it('let the networks pass that are named', () => {
    for (const [allow, status] of [
      [['192.0.2.0/24'], 200],
      [['198.51.100.0/24', '2001:db8::/32'], 503],
    ] as const) {
      const world = worldOf({ allow });
      passTo(world, 1000);
      assert.equal(asked(world)[0], status);
    }
  });

  it('hold each by itself', () => {
    const world = worldOf({ schedule: '5 * * * *', lengthMs: 60_000 }, { schedule: '30 * * * *', lengthMs: 120_000 });
    for (const [at, status] of [
      [4 * 60_000, 200],
      [5 * 60_000, 503],
      [6 * 60_000, 200],
      [31 * 60_000, 503],
    ] as const) {
      passTo(world, at);
      assert.equal(asked(world)[0], status, String(at));
    }
  });
});
