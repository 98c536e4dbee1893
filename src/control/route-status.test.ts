import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RouteId } from '../core/endpoint.ts';
import type { RouteSpec } from '../core/route-spec.ts';
import { LastMinute } from '../record/last-minute.ts';
import { sampleCount } from '../record/sample-count.test-support.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { routeStatus, withStandby } from './status.ts';

const action = { kind: 'upstream', upstream: 'shop' } as RouteSpec['action'];
const routes = (count: number) => Array.from({ length: count }, (_, index) => ({ id: `/${index}` as RouteId, action }));

test('the status has each route in the order of the configuration, and requests without one where there are any', () => {
  const minute = new LastMinute(new SimulatedClock());
  const answers = {
    id: '/old' as RouteId,
    action: { kind: 'feature', feature: 'redirect' } as unknown as RouteSpec['action'],
  };
  minute.add([sampleCount({ route: '/1', count: 7 })]);
  const shown = (): unknown =>
    routeStatus([...routes(2), answers], minute).map(({ id, upstream, lastMinute }) => [
      id,
      upstream,
      lastMinute.requests,
    ]);
  const configured = [
    ['/0', 'shop', 0],
    ['/1', 'shop', 7],
    ['/old', null, 0],
  ];
  assert.deepEqual(shown(), configured);
  minute.add([sampleCount({ route: '', upstream: '', count: 3 })]);
  assert.deepEqual(shown(), [['', null, 3], ...configured]);
});

test('of thousands of routes the status has the 200 with the most errors, then the most requests', () => {
  const minute = new LastMinute(new SimulatedClock());
  minute.add([
    sampleCount({ route: '/4999', count: 1, statusClass: '5xx' }),
    ...routes(300).map(({ id }) => sampleCount({ route: id, count: id === '/299' ? 2 : 1 })),
  ]);
  const ids = routeStatus(routes(5000), minute).map(({ id }) => id);
  assert.deepEqual([ids.length, ids.slice(0, 2), ids.slice(-2)], [200, ['/0', '/1'], ['/299', '/4999']]);
});

test('an endpoint that is well and gets no requests says why', () => {
  assert.equal(withStandby('it answered', {}), 'it answered');
  assert.equal(withStandby('it answered', { weight: 3, priority: 0 }), 'it answered');
  assert.equal(withStandby('', { weight: 0 }), 'weight 0: it gets requests only while no other endpoint may');
  assert.match(withStandby('it answered', { weight: 0, priority: 1 }), /^it answered; weight 0: /);
  assert.match(
    withStandby('it answered', { weight: 1, priority: 2 }),
    /; priority 2: it gets requests only while no endpoint of a lower one may$/,
  );
});
