import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedClock } from '../../testing/simulated-clock.ts';
import type { MainFeaturePorts } from '../main-feature.ts';
import { maintenanceWindows } from './main.ts';

test('routes are closed during their windows, and the status says which is next', async () => {
  const clock = new SimulatedClock();
  const part = maintenanceWindows.start?.({ clock } as unknown as MainFeaturePorts) ?? assert.fail('no part');
  const window = { schedule: '0 * * * *', timeZone: 'UTC', lengthMs: 600_000, message: 'Back soon.', allow: [] };
  part.use([{ scope: { kind: 'route', id: '/shop', upstream: null }, spec: { windows: [window] } }]);
  const before = part.status?.();
  assert.deepEqual(before, { maintenanceWindows: [{ route: '/shop', closed: false, begins: null, ends: null }] });
  await import('../cron-schedule.ts');
  await Promise.resolve();
  const hourMs = 3_600_000;
  const toNext = hourMs - (clock.wallTime() % hourMs);
  const next = clock.wallTime() + toNext;
  const times = { begins: new Date(next).toISOString(), ends: new Date(next + 600_000).toISOString() };
  await clock.advance(toNext - 1);
  assert.deepEqual(part.closedRoutes?.(), []);
  assert.deepEqual(part.status?.(), { maintenanceWindows: [{ route: '/shop', closed: false, ...times }] });
  await clock.advance(1);
  assert.deepEqual(part.closedRoutes?.(), ['/shop']);
  assert.deepEqual(part.status?.(), { maintenanceWindows: [{ route: '/shop', closed: true, ...times }] });
  await clock.advance(600_000);
  assert.deepEqual(part.closedRoutes?.(), []);
});
