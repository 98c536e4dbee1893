import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RouteSpec } from '../core/route-spec.ts';
import type { ApplicationId, EndpointId, EndpointState, UpstreamId } from '../core/endpoint.ts';
import type { Instant } from '../core/time.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import type { OverlayStatus, StatusProblem } from '../core/schemas/status.ts';
import { routeMaintenance, verdictOfUpstream } from './verdicts.ts';

const route = (id: string, action: Partial<RouteSpec['action']>) =>
  ({ id, action }) as Pick<RouteSpec, 'id' | 'action'>;
const to = (id: string, upstream: string) => route(id, { kind: 'upstream', upstream } as Partial<RouteSpec['action']>);

const routes = [
  to('/a', 'shop'),
  to('/b', 'shop'),
  to('/c', 'api'),
  route('/old', { kind: 'feature', feature: 'maintenance' }),
  route('/ready', { kind: 'feature', feature: 'readiness' }),
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

const pausedCases: readonly [what: string, id: string, shop: string, api: string][] = [
  ['a route', 'pause:route:/a', '/a +1', ' +1'],
  ['an upstream', 'pause:upstream:api', ' +2', '/c +0'],
  ['nothing that there is', 'pause:route:/gone', ' +2', ' +1'],
];

for (const [what, id, shop, api] of pausedCases)
  test(`paused: ${what}`, () => {
    const found = routeMaintenance(routes, { entries: [{ kind: 'pause', id } as OverlayStatus['entries'][number]] });
    const text = (part = found.all): string => {
      assert.ok(part.paused.every((route) => part.closed.includes(route)));
      return `${part.paused.join(' ')} +${part.open}`;
    };
    assert.deepEqual([text(found.of.get('shop')), text(found.of.get('api'))], [shop, api]);
  });

for (const [what, targets, all, shop, api] of cases)
  test(`closed for maintenance: ${what}`, () => {
    const found = routeMaintenance(routes, overlay(...targets));
    const text = (part = found.all): string => `${part.closed.join(' ')} +${part.open}`;
    assert.deepEqual([text(), text(found.of.get('shop')), text(found.of.get('api'))], [all, shop, api]);
  });

test('closed for maintenance: a route at this time', () => {
  const { all } = routeMaintenance(routes, overlay(), new Set(['/a', '/gone']));
  assert.deepEqual([all.closed.includes('/a'), all.closed.includes('/gone')], [true, false]);
});

const quiet = { requests: 0, errors: 0 };

function verdictOf(
  states: readonly EndpointState[],
  takenOutBy?: string,
  problems: readonly Pick<StatusProblem, 'kind' | 'application'>[] = [],
): string {
  const endpoints = states.map((state, index): EndpointSnapshot => {
    const address = { kind: 'tcp', host: 'a', port: 80 } as const;
    const id = `app/${index}` as EndpointId;
    const out = state === 'ejected' && takenOutBy !== undefined ? { takenOutBy } : {};
    return { id, address, state, ...out, reason: '', sinceInstant: 0, checks: null, release: null, exit: null };
  });
  const lastMinute = {
    ...quiet,
    seconds: 60,
    requestsPerS: 0,
    recentPerS: 0,
    abandoned: 0,
    errorShare: null,
    p50Ms: null,
    p99Ms: null,
  };
  const { state, reason } = verdictOfUpstream(
    { id: 'app' as UpstreamId, application: 'web' as ApplicationId, endpoints },
    {
      history: { recent: () => quiet, silentS: () => null },
      lastMinute: { all: lastMinute, of: () => lastMinute },
      refusedRoutes: () => 0,
      maintenance: routeMaintenance([], overlay()),
      problems,
      waiting: [],
      isRefusing: () => false,
      now: 0 as Instant,
    },
  );
  return `${state}: ${reason}`;
}

for (const [states, expected] of [
  [['half_open'], /^degraded: .*1 of 1 gets single requests/],
  [['half_open', 'circuit_open'], /^degraded: .*1 of 2 gets single requests/],
  [['circuit_open'], /^failing: no endpoint may get requests/],
  [['ejected', 'unhealthy'], /^degraded: .*1 of 2 gets requests all the same/],
  [['probation', 'ejected'], /^degraded: .*2 of 2 get requests all the same/],
  [['healthy', 'ejected'], /^degraded: 1 of 2 endpoints is not healthy/],
] as const)
  test(`an upstream without requests whose endpoints are ${states.join(' and ')}`, () => {
    assert.match(verdictOf(states), expected);
  });

for (const [states, expected] of [
  [['healthy', 'ejected'], /^idle:/],
  [['ejected'], /^degraded: .*1 of 1 gets requests all the same/],
  [['ejected', 'draining'], /^degraded: .*1 of 2 gets requests all the same/],
] as const)
  test(`an upstream of whose endpoints, ${states.join(' and ')}, an operator has ejected one`, () => {
    assert.match(verdictOf(states, 'admin:socket'), expected);
  });

for (const [kind, application, state, expected] of [
  ['crash_loop', 'web', 'healthy', /^degraded: an instance of its application ends again and again$/],
  ['crash_loop', 'web', 'starting', /^degraded: an instance of its application ends again and again$/],
  ['crash_loop', 'other', 'healthy', /^idle:/],
  ['application_not_ready', 'web', 'starting', /^degraded: an instance of its application does not become ready$/],
  ['replacement_failing', 'web', 'healthy', /^idle:/],
] as const)
  test(`an upstream with an endpoint that is ${state} while ${application} has the problem ${kind}`, () => {
    assert.match(verdictOf([state], undefined, [{ kind, application }]), expected);
  });
