import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RouteSpec } from '../core/configuration.ts';
import type { OverlayStatus } from './gateway-status.ts';
import { routeMaintenance } from './verdicts.ts';

const route = (id: string, action: Partial<RouteSpec['action']>) =>
  ({ id, action }) as Pick<RouteSpec, 'id' | 'action'>;
const to = (id: string, upstream: string) => route(id, { kind: 'upstream', upstream } as Partial<RouteSpec['action']>);

const routes = [
  to('/a', 'shop'),
  to('/b', 'shop'),
  to('/c', 'api'),
  route('/old', { kind: 'maintenance' }),
  route('/ready', { kind: 'readiness' }),
];

const overlay = (...targets: (string | null)[]): Pick<OverlayStatus, 'entries'> => ({
  entries: targets.map((target) => ({ kind: 'maintenance', target }) as OverlayStatus['entries'][number]),
});

const cases: readonly [what: string, targets: (string | null)[], all: string, shop: string, api: string][] = [
  ['none by the overlay: those of the configuration are', [], '/old +3', ' +2', ' +1'],
  ['one route', ['/a'], '/a /old +2', '/a +1', ' +1'],
  ['every route of an upstream', ['/c'], '/c /old +2', ' +2', '/c +0'],
  ['all routes, those apart that report readiness', [null], '/a /b /c /old +0', '/a /b +0', '/c +0'],
  ['a route that there is not any more', ['/gone'], '/old +3', ' +2', ' +1'],
];

for (const [what, targets, all, shop, api] of cases)
  test(`closed for maintenance: ${what}`, () => {
    const found = routeMaintenance(routes, overlay(...targets));
    const text = (part = found.all): string => `${part.closed.join(' ')} +${part.open}`;
    assert.deepEqual([text(), text(found.of.get('shop')), text(found.of.get('api'))], [all, shop, api]);
  });
