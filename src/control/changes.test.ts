import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Configuration } from '../core/configuration.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { changesBetween } from './changes.ts';

const before = {
  deployment: 'edge',
  member: 'one',
  listeners: [{ id: 'web', port: 80 }],
  routes: [{ id: 'a' }, { id: 'b', x: 1 }, { id: 'c' }],
  upstreams: [{ id: 'shop', features: { releases: { bakeMs: 1 }, limits: 1 } }, { id: 'api' }],
  applications: [],
  unrouted: { errorPages: {}, disclosure: 'public' },
  workers: { count: null },
  drain: { timeoutMs: 10_000 },
  stateFolder: null,
  dns: { servers: [] },
  trustedPeers: ['10.0.0.0/8'],
  client: { headMs: 1 },
  admin: { socket: null },
  log: { path: '-' },
} as unknown as Configuration;

/** The routes of `before`, each with `more` added. */
function beforeRoutes(more: object): readonly object[] {
  return before.routes.map((route) => ({ ...route, ...more }));
}

const table: readonly [what: string, change: object, says: readonly string[]][] = [
  ['nothing', {}, []],
  ['a route changed', { routes: [{ id: 'a' }, { id: 'b', x: 2 }, { id: 'c' }] }, ['routes: b']],
  ['a route gone and one new', { routes: [{ id: 'a' }, { id: 'c' }, { id: 'd' }] }, ['routes: d, b']],
  ['the order of routes', { routes: [{ id: 'b', x: 1 }, { id: 'a' }, { id: 'c' }] }, ['routes']],
  [
    'timeouts of all routes as what they are',
    { routes: beforeRoutes({ timeouts: { responseHeadMs: 2 } }) },
    ['timeouts'],
  ],
  [
    'two keys that all routes have from the file',
    { routes: beforeRoutes({ timeouts: { responseHeadMs: 2 }, commitDelayMs: 0 }) },
    ['timeouts', 'commit_delay'],
  ],
  [
    'the settings of WebSockets of all routes',
    { routes: beforeRoutes({ tunnel: { idleMs: 2, pingMs: null } }) },
    ['websocket'],
  ],
  [
    'the timeouts of one route',
    { routes: [{ id: 'a', timeouts: { responseHeadMs: 2 } }, { id: 'b', x: 1 }, { id: 'c' }] },
    ['routes: a (timeouts)'],
  ],
  [
    'the disclosure once, although each route inherits it',
    { unrouted: { errorPages: {}, disclosure: 'operator' }, routes: beforeRoutes({ disclosure: 'operator' }) },
    ['disclosure'],
  ],
  ['the trusted peers', { trustedPeers: [] }, ['trusted_peers']],
  ['the disclosure', { unrouted: { errorPages: {}, disclosure: 'operator' } }, ['disclosure']],
  ['the drain settings', { drain: { timeoutMs: 20_000 } }, ['drain']],
  [
    'how an application is rolled out',
    { upstreams: [{ id: 'shop', features: { releases: { bakeMs: 2 }, limits: 1 } }, { id: 'api' }] },
    ['releases: shop'],
  ],
  [
    'another feature of an upstream',
    { upstreams: [{ id: 'shop', features: { releases: { bakeMs: 1 }, limits: 2 } }, { id: 'api' }] },
    ['upstreams: shop'],
  ],
  ['what applications depend on', { features: { dependencies: { dependencies: [] } } }, ['dependencies']],
  ['two parts', { member: 'two', client: { headMs: 2 } }, ['member', 'client (head_timeout)']],
];

describe('changesBetween', () => {
  for (const [what, change, says] of table) {
    it(`names ${what}`, async () =>
      assert.deepEqual(await changesBetween(before, { ...before, ...change }, new SimulatedClock()), says));
  }

  it('compares every part of a configuration', async () => {
    for (const part of Object.keys(before)) {
      const others: Readonly<Record<string, unknown>> = {
        unrouted: { errorPages: {}, disclosure: 'operator' },
        routes: [],
        upstreams: [before.upstreams[0]],
        applications: [{ id: 'shop' }],
      };
      const change = others[part] ?? 'other';
      const changes = await changesBetween(before, { ...before, [part]: change }, new SimulatedClock());
      assert.equal(changes.length, 1, part);
    }
  });
});
