import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from '../../test/properties.ts';
import type { UpstreamId } from '../core/endpoint.ts';
import type { RouteSpec } from '../core/route-spec.ts';
import type { RequestHead } from '../core/message.ts';
import type { MaintenanceSetting, PauseSetting, RouteOverlay } from '../core/overlay.ts';
import type { Route } from '../exchange/ports.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { compileRoute, type CompiledRoute } from './compile-route.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { noHooks } from './feature-parts.ts';
import { LiveRouteSplit } from './route-split.ts';
import { RouteOverrides } from './route-overrides.ts';

const ids = ['/a', '/b', '/ready'] as const;

function compiled(id: string, to = 'app'): CompiledRoute {
  const none = { set: [], add: [], remove: [] };
  const spec = {
    id,
    match: { hosts: [], pathPrefix: id, methods: [] },
    action: id === '/ready' ? { kind: 'feature', feature: 'readiness' } : { kind: 'upstream', upstream: 'app' },
    requestHeaders: none,
    responseHeaders: none,
    rewrite: { host: 'client', pathPrefix: null },
  } as unknown as RouteSpec;
  const upstream = id === '/ready' ? null : ({ id: to } as unknown as Route['upstream']);
  return compileRoute(
    spec,
    upstream,
    undefined,
    id === '/ready' ? { ...noHooks, filters: [{ name: 'readiness' }], answersChecks: true } : noHooks,
  );
}

const client = { address: '192.0.2.1', listener: 'http', scheme: 'http' } as const;

function world() {
  const routes = new Map(ids.map((id) => [id as string, compiled(id)]));
  const overrides = new RouteOverrides(new SimulatedClock());
  const router = overrides.routerOf({ route: ({ target }) => routes.get(target) ?? null });
  const filtersAt = (target: string): readonly string[] =>
    (router.route({ target } as RequestHead, client)?.filters?.filters ?? []).map(({ name }) => name);
  return { overrides, routes, filtersAt };
}

const maintenance = (route: string | null): MaintenanceSetting => ({
  kind: 'maintenance',
  route,
  message: 'soon back',
  retryAfterS: 300,
});
const pause = (scope: PauseSetting['scope'], target: string): PauseSetting => ({
  kind: 'pause',
  scope,
  target,
  waitMs: 1000,
  waitersMax: 10,
});

const settings = fc.record({
  maintenance: fc.uniqueArray(fc.constantFrom<string | null>(null, ...ids), { maxLength: 3 }),
  pauses: fc.uniqueArray(fc.constantFrom('upstream:app', 'route:/a', 'route:/b'), { maxLength: 3 }),
});
type Settings = typeof settings extends fc.Arbitrary<infer T> ? T : never;

function overlayOf(revision: number, { maintenance: routes, pauses }: Settings): RouteOverlay {
  const paused = pauses.map((text) => {
    const [scope, target = ''] = text.split(':');
    return pause(scope as PauseSetting['scope'], target);
  });
  return { revision, maintenance: routes.map((route) => maintenance(route)), pauses: paused };
}

/** By the text of the settings alone. */
function expectedAt(target: string, { maintenance: routes, pauses: some }: Settings): string[] {
  const pauses: readonly string[] = some;
  const ofAll = target !== '/ready' && routes.includes(null);
  return [
    ...(routes.includes(target) || ofAll ? ['maintenance'] : []),
    ...(pauses.includes(`route:${target}`) ? ['pause'] : []),
    ...(target !== '/ready' && pauses.includes('upstream:app') ? ['pause'] : []),
  ];
}

describe('the overlay on the routes of a worker', () => {
  test('a request gets the filters of the newest overlay, whichever overlays its route has been asked under', () => {
    const step = fc.oneof(settings, fc.constantFrom(...ids));
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        const { overrides, filtersAt } = world();
        let [revision, newest]: [number, Settings] = [0, { maintenance: [], pauses: [] }];
        for (const one of steps) {
          if (typeof one === 'string')
            assert.deepEqual(filtersAt(one).slice(0, 3), [...expectedAt(one, newest), ...own(one)]);
          else {
            newest = one;
            overrides.apply(overlayOf(++revision, one));
          }
        }
        for (const id of ids) assert.deepEqual(filtersAt(id), [...expectedAt(id, newest), ...own(id)]);
      }),
    );
  });

  test('a paused upstream holds its own requests of a route that divides them', () => {
    const shares = ['v1', 'v2'].map((id) => ({ upstream: id as UpstreamId, weight: 1 }));
    const parts = { clock: new SimulatedClock(), random: new SeededRandom(1) };
    const split = new LiveRouteSplit({ shares, by: null }, [compiled('/a', 'v1'), compiled('/a', 'v2')], parts);
    const overrides = new RouteOverrides(parts.clock);
    const filtersNow = (): readonly (readonly string[])[] => {
      overrides.routerOf({ route: () => split.variants[0] as CompiledRoute }).route({} as RequestHead, client);
      return split.variants.map(({ filters }) => (filters?.filters ?? []).map(({ name }) => name));
    };
    overrides.apply(overlayOf(1, { maintenance: [], pauses: ['upstream:v2'] as never }));
    assert.deepEqual(filtersNow(), [[], ['pause']]);
    overrides.apply(overlayOf(2, { maintenance: ['/a'], pauses: [] }));
    assert.deepEqual(filtersNow(), [['maintenance'], ['maintenance']]);
  });

  test('an overlay that is not newer changes nothing', () => {
    const { overrides, filtersAt } = world();
    overrides.apply(overlayOf(2, { maintenance: [null], pauses: [] }));
    overrides.apply(overlayOf(2, { maintenance: [], pauses: [] }));
    overrides.apply(overlayOf(1, { maintenance: [], pauses: [] }));
    assert.deepEqual(filtersAt('/a'), ['maintenance']);
  });

  test('a change of the overlay touches no route before its next request', () => {
    const { overrides, routes, filtersAt } = world();
    overrides.apply(overlayOf(1, { maintenance: [null], pauses: [] }));
    assert.equal(routes.get('/a')?.filters, null);
    assert.deepEqual(filtersAt('/a'), ['maintenance']);
    const before = routes.get('/a')?.filters;
    filtersAt('/a');
    assert.equal(routes.get('/a')?.filters, before);
  });
});

function own(id: string): string[] {
  return id === '/ready' ? ['readiness'] : [];
}
