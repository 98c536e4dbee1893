import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { UpstreamId } from '../core/endpoint.ts';
import type { NewEvent } from '../core/event.ts';
import { fail } from '#failures/failure.ts';
import type { HealthChecker, HealthCheckResult } from '../core/health-checker.ts';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { configurationOf, createFakeChecker, ListSource } from './discovery.test-support.ts';
import { EndpointRegistry } from './endpoint-registry.ts';
import type { EndpointSourceFactory } from './endpoint-source.ts';
import { StaticSource } from './endpoints.ts';

const app = 'app' as UpstreamId;
const check = { kind: 'tcp', intervalMs: 5000, timeoutMs: 1000, passes: 1, fails: 1 } as const;

/** What checks find at once; null: what the fake checker says. */
const checks: { answer: HealthCheckResult | null } = { answer: null };

function world(...more: readonly EndpointSourceFactory[]) {
  const clock = new SimulatedClock();
  const up = new Set<string>();
  const checked: string[] = [];
  const events: NewEvent[] = [];
  const changes: UpstreamId[] = [];
  let list: ListSource | null = null;
  const fake = createFakeChecker(clock, up, checked);
  const checker: HealthChecker = {
    check: (request, onResult) => {
      if (checks.answer === null) return fake.check(request, onResult);
      onResult(checks.answer);
      return { cancel: () => undefined };
    },
  };
  const registry = new EndpointRegistry({
    checkContext: { clock, random: new SeededRandom(1), checker },
    sources: [(context) => (list = new ListSource(app, context)), ...more],
    listeners: () => [],
    events: { emit: (event) => void events.push(event as unknown as NewEvent) },
    onChange: (id) => void changes.push(id),
    onChecked: () => undefined,
  });
  const states = (): unknown[] => [...(registry.endpoints(app)?.values() ?? [])].map(({ id, state }) => [id, state]);
  return { clock, up, checked, events, changes, registry, list: list as unknown as ListSource, states };
}

describe('the endpoint registry', () => {
  test('emits a change of state once, and never because of a question', () => {
    const { registry, events, changes, list } = world();
    list.set('1', '10.0.0.1', { health: { state: 'starting', reason: 'starting' } });
    changes.length = 0;
    registry.activate(configurationOf({ id: app }));
    list.set('1', '10.0.0.1', { health: { state: 'healthy', reason: 'ready' } });
    for (let time = 0; time < 3; time++) registry.upstreams();
    for (let time = 0; time < 2; time++) list.set('1', '10.0.0.1', { health: { state: 'healthy', reason: 'ready' } });
    assert.deepEqual(
      events.map(({ from, to }) => [from, to]),
      [['starting', 'healthy']],
    );
    assert.equal(changes.length, 3);
  });

  test('forgets an endpoint that is gone: one with its id begins anew', () => {
    const { registry, events, list } = world();
    const healthy = { health: { state: 'healthy', reason: 'ready' } } as const;
    registry.activate(configurationOf({ id: app }));
    list.set('1', '10.0.0.1', healthy);
    list.remove('1');
    list.set('1', '10.0.0.1', healthy);
    assert.deepEqual(
      events.map(({ subject, from }) => [subject, from]),
      [
        ['endpoint:app/1', null],
        ['endpoint:app/1', null],
      ],
    );
  });

  test('has no endpoints for workers, and no events, of a configuration that is only prepared', () => {
    const { clock, registry, events, list, up, checked } = world();
    up.add('10.0.0.1');
    registry.activate(configurationOf());
    registry.prepare(configurationOf({ id: app, check }));
    list.set('1', '10.0.0.1');
    clock.advanceSync(10);
    assert.deepEqual(checked, ['10.0.0.1'], 'it is checked, so that its state is known when it is active');
    assert.deepEqual([registry.endpoints(app), events.length], [null, 0]);
    registry.activate(configurationOf({ id: app, check }));
    assert.equal(registry.endpoints(app)?.size, 1);
    assert.deepEqual(
      events.map(({ from, to }) => [from, to]),
      [[null, 'healthy']],
    );
  });

  test('lists the endpoints of several sources in the order of the configuration', () => {
    const { registry, list } = world((context) => new StaticSource(context));
    const endpoints = ['10.0.0.8', '10.0.0.9'].map((host) => ({ address: { kind: 'tcp', host, port: 80 } as const }));
    list.set('first', '10.0.0.1');
    list.set('last', '10.0.0.2', { weight: 5 });
    const [upstream] = (registry.activate(configurationOf({ id: app, endpoints })), registry.upstreams());
    assert.deepEqual(
      upstream?.endpoints.map(({ id, weight }) => [id, weight]),
      [
        ['app/first', undefined],
        ['app/last', 5],
        ['app/10.0.0.8:80', undefined],
        ['app/10.0.0.9:80', undefined],
      ],
    );
  });

  test('is settled when every source is, and every check has ended once', () => {
    const { clock, registry, list } = world();
    list.isSettled = false;
    registry.activate(configurationOf({ id: app, check }));
    assert.equal(registry.isSettled, false, 'the source still looks');
    list.isSettled = true;
    assert.equal(registry.isSettled, true);
    list.set('1', '10.0.0.1');
    assert.equal(registry.isSettled, false, 'the check has not ended');
    clock.advanceSync(10);
    assert.equal(registry.isSettled, true);
  });

  test('checks no endpoint that its source has removed, drains or reports itself, nor one that a reload has removed', () => {
    const { clock, registry, list, checked } = world();
    registry.activate(configurationOf({ id: app, check }));
    for (const name of ['removed', 'drained', 'reported', 'reloaded']) list.set(name, name);
    list.remove('removed');
    list.drain('drained');
    list.set('reported', 'reported', { health: { state: 'healthy', reason: 'its orchestrator says so' } });
    clock.advanceSync(10);
    checked.length = 0;
    clock.advanceSync(20_000);
    assert.deepEqual([...new Set(checked)], ['reloaded']);
    registry.activate(configurationOf());
    checked.length = 0;
    clock.advanceSync(20_000);
    assert.deepEqual(checked, []);
  });

  test('says of an endpoint that speaks another protocol what to do', () => {
    const { registry, list } = world();
    const evidence = { address: '10.0.0.1:80', guess: 'http2', firstBytes: '000000040000000000' } as const;
    const failure = fail('response_not_http', 'response', evidence);
    checks.answer = { kind: 'failed', failure, firstBytes: new Uint8Array(0) };
    registry.activate(configurationOf({ id: app, check }));
    list.set('1', '10.0.0.1');
    checks.answer = null;
    const [endpoint] = registry.endpoints(app)?.values() ?? [];
    assert.equal(endpoint?.state, 'unhealthy');
    assert.match(endpoint.finding?.fix ?? '', /^set `http2: true` of the upstream/);
    registry.stop();
  });

  test('stops its sources, and asks nothing of them afterwards', () => {
    const { registry, list } = world();
    registry.activate(configurationOf({ id: app }));
    registry.stop();
    // As a reload does that is refused since the end has come.
    registry.prepare(configurationOf({ id: app }));
    registry.activate(configurationOf({ id: app }));
    assert.deepEqual(list.calls, ['activate', 'stop']);
  });

  test('checks nothing after its end, even if a source still reports changes', () => {
    const { clock, registry, list, checked } = world();
    registry.activate(configurationOf({ id: app, check }));
    list.set('1', '10.0.0.1');
    registry.stop();
    checked.length = 0;
    list.set('2', '10.0.0.2');
    clock.advanceSync(60_000);
    assert.deepEqual(checked, []);
  });
});
