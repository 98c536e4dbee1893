import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { NewEvent } from '../core/event.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { UpstreamWatch } from './upstream-watch.ts';

let clock: SimulatedClock;
let told: NewEvent<'upstream_unavailable'>[];
let endpoints: readonly EndpointSnapshot[] | null;
let isOpen: boolean;
let isReported: boolean;
let watch: UpstreamWatch;

beforeEach(() => {
  clock = new SimulatedClock();
  told = [];
  isOpen = true;
  isReported = false;
  const events = { emit: (event: NewEvent) => void told.push(event as NewEvent<'upstream_unavailable'>) };
  watch = new UpstreamWatch(clock, events as never, {
    upstreams: () => (endpoints === null ? [] : [{ id: 'api' as never, application: null, endpoints }]),
    isOpen: () => isOpen,
    isReported: () => isReported,
  });
  become('healthy', 'healthy');
});

const endpointOf = (state: string, index: number): EndpointSnapshot =>
  ({
    address: { kind: 'tcp', host: `10.0.0.${index + 1}`, port: 80 },
    reason: 'GET / was refused.',
    sinceInstant: clock.now(),
    ...(state === 'taken out' ? { state: 'unhealthy', takenOutBy: 'admin' } : { state }),
  }) as unknown as EndpointSnapshot;

/** The endpoints have these states for so many milliseconds; null: there is no such upstream. */
function become(...states: string[]): void {
  endpoints = states.map((state, index) => endpointOf(state, index));
  watch.noteChange();
  clock.advanceSync(1000);
}

const said = (): readonly string[] => told.map(({ to, reason }) => `${to}: ${reason}`);

describe('an upstream without an available endpoint', () => {
  test('is reported once after ten seconds, without a request, and when it is over', () => {
    become('unhealthy', 'healthy');
    clock.advanceSync(60_000);
    become('unhealthy', 'unhealthy');
    clock.advanceSync(8000);
    assert.deepEqual(said(), [], 'a restart is no outage');
    clock.advanceSync(60_000);
    const unavailable =
      'unavailable: none of the 2 endpoints of upstream api is available; 10.0.0.1:80: GET / was refused';
    assert.deepEqual(said(), [unavailable]);
    assert.match(told[0]?.evidence.fix ?? '', /^See whether the program at 10.0.0.1:80 runs/);
    become('unhealthy', 'healthy');
    assert.deepEqual(said().slice(1), ['available: the endpoint 10.0.0.2:80 of upstream api is available']);
    clock.advanceSync(60_000);
    assert.equal(told.length, 2);
  });

  test('is reported when its name leads nowhere any more', () => {
    become();
    clock.advanceSync(20_000);
    assert.deepEqual(said(), ['unavailable: upstream api has no endpoint any more']);
  });

  for (const [what, change] of [
    ['an incident or its application says the same', () => (isReported = true)],
    ['no request may come', () => (isOpen = false)],
  ] as const)
    test(`is not reported where ${what}`, () => {
      change();
      become('unhealthy');
      clock.advanceSync(60_000);
      assert.deepEqual(said(), []);
    });

  test('is reported once what said the same is over, if the outage goes on', () => {
    isReported = true;
    become('unhealthy');
    clock.advanceSync(60_000);
    isReported = false;
    clock.advanceSync(6000);
    assert.equal(told.length, 1);
  });

  for (const states of [['taken out'], ['draining'], ['half_open']])
    test(`is not reported where each is ${states.join(' or ')}`, () => {
      become(...states);
      clock.advanceSync(60_000);
      assert.deepEqual(said(), []);
    });

  test('is reported where each circuit breaker is open, and is not over while one lets single requests through', () => {
    become('circuit_open', 'circuit_open');
    for (let round = 0; round < 6; round++) {
      clock.advanceSync(4000);
      become('half_open', 'circuit_open');
      become('circuit_open', 'half_open');
    }
    assert.match(
      said()[0] ?? '',
      /^unavailable: none of the 2 endpoints of upstream api is available; 10\.0\.0\.\d:80:/,
    );
    assert.match(told[0]?.evidence.fix ?? '', /See why its requests fail/);
    become('half_open', 'half_open');
    clock.advanceSync(30_000);
    assert.equal(told.length, 1);
    become('healthy', 'half_open');
    assert.deepEqual(said().slice(1), ['available: the endpoint 10.0.0.1:80 of upstream api is available']);
  });

  test('is over when a circuit breaker was half-open for a minute, because no request has failed since', () => {
    become('circuit_open');
    clock.advanceSync(20_000);
    become('half_open');
    clock.advanceSync(70_000);
    assert.deepEqual(said().slice(1), [
      'available: requests to the endpoint 10.0.0.1:80 of upstream api are tried, and none has failed for a minute',
    ]);
  });

  for (const others of ['unhealthy', 'circuit_open', 'ejected'])
    test(`is not reported while an ejected endpoint gets its requests, beside one that is ${others}`, () => {
      become('ejected', others);
      clock.advanceSync(60_000);
      assert.deepEqual(said(), []);
    });

  test('is over when an operator closes its routes, and when it is removed', () => {
    for (const end of [() => (isOpen = false), () => (endpoints = null)]) {
      told = [];
      isOpen = true;
      become('healthy');
      become('unhealthy');
      clock.advanceSync(20_000);
      end();
      clock.advanceSync(6000);
      assert.equal(told.length, 2);
    }
    assert.deepEqual(said().slice(1), ['removed: the configuration has no upstream api any more']);
  });
});

describe('an upstream that was never available', () => {
  for (const [what, application, expected] of [
    ['is reported after a minute, since its endpoints may be started after the gateway', null, 1],
    ['is not reported if the gateway runs its application: it is a release', 'web', 0],
  ] as const)
    test(what, () => {
      const events = { emit: (event: NewEvent) => void told.push(event as NewEvent<'upstream_unavailable'>) };
      const other = new UpstreamWatch(clock, events as never, {
        upstreams: () => [
          { id: 'new' as never, application: application as never, endpoints: [endpointOf('unhealthy', 0)] },
        ],
        isOpen: () => true,
        isReported: () => false,
      });
      other.noteChange();
      clock.advanceSync(50_000);
      assert.equal(told.length, 0);
      clock.advanceSync(60_000);
      assert.equal(told.length, expected);
      other.close();
    });
});
