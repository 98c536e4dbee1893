import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { RouteId } from '../../src/core/endpoint.ts';
import type { NewEvent } from '../../src/core/event.ts';
import { explain } from '#failures/failure-texts.ts';
import { CircuitBreakers } from '../../src/features/circuit-breaker/main.ts';
import type { RouteBreakerSpec } from '../../src/features/circuit-breaker/settings.ts';
import * as fc from '../properties.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { OutcomeCounts } from '../../src/worker/outcome-counts.ts';
import { Http1World } from './http1-world.ts';
import type { ArrivedRequest, ClientActor } from './world.ts';

const usual: RouteBreakerSpec = {
  ...{ windowMs: 30_000, requestsMin: 20, failureShareMax: 0.5, consecutiveFailuresMax: 10 },
  ...{ countsServerErrors: false, openMs: 500, openMaxMs: 4000, probesMax: 1 },
};

/** Two routes to two endpoints: /bad has a circuit breaker. Reports reach the main thread every 50 ms. */
const noApplications = {
  inForce: () => null,
  run: () => Promise.reject(new Error('no program runs here')),
  redact: (text: string) => text,
  predecessorEnded: null,
};

class BreakerWorld {
  readonly world: Http1World;
  readonly events: NewEvent<'circuit_breaker'>[] = [];
  readonly outcomes: OutcomeCounts;
  readonly breakers: CircuitBreakers;
  #counted = 0;

  constructor(spec: Partial<RouteBreakerSpec> = {}) {
    const circuitBreaker = { ...usual, ...spec };
    const match = (pathPrefix: string) => ({ hosts: [], pathPrefix, methods: [] });
    const options = {
      endpoints: ['a', 'b'],
      routes: [
        { id: '/bad' as RouteId, match: match('/bad'), features: { circuit_breaker: circuitBreaker } },
        { id: '/' as RouteId, match: match('/') },
      ],
    };
    this.world = new Http1World(options);
    this.outcomes = new OutcomeCounts((route) => this.world.features.judgesFailuresOf(route));
    this.breakers = new CircuitBreakers({
      stateFolder: null,
      applications: noApplications,
      connector: {} as never,
      checker: {} as never,
      endpoints: { onDrainSignal() {} },
      counted: () => null,
      waiting: () => [],
      launchChanged() {},
      clock: this.world.clock,
      random: new SeededRandom(1),
      events: { emit: (event) => void this.events.push(event as NewEvent<'circuit_breaker'>) },
      publish: (states) => this.world.features.onStates('circuit_breaker', structuredClone(states)),
    });
    this.breakers.use([{ scope: { kind: 'route', id: '/bad', upstream: 'app' }, spec: circuitBreaker }]);
    this.answer((request) => request.answer(200, 'ok'));
  }

  /** How both endpoints answer /bad; other requests are answered with 200. */
  answer(onBad: (request: ArrivedRequest, endpoint: string) => void): void {
    for (const name of ['a', 'b']) {
      this.world.endpoint(name).onRequest = (request) =>
        request.target.startsWith('/bad') ? onBad(request, name) : request.answer(200, 'ok');
    }
  }

  pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += 50) {
      this.world.pass(Math.min(50, ms - passed));
      for (const record of this.world.records.slice(this.#counted)) this.outcomes.count(record);
      this.#counted = this.world.records.length;
      const reports = this.world.features.take();
      if (reports !== null) this.breakers.onReports(structuredClone(reports['circuit_breaker'] ?? {}));
    }
  }

  ask(target = '/bad/search', method = 'POST'): ClientActor {
    const client = this.world.request({ method, target, ...(method === 'POST' ? { body: 'x' } : {}) });
    this.pass(50);
    return client;
  }

  open(): void {
    this.answer((request) => request.breakOff('reset'));
    for (let count = 0; this.state === 'closed' && count < 100; count++) this.ask();
    assert.equal(this.state, 'open');
  }

  get state(): string | undefined {
    return this.breakers.status().breakers[0]?.state;
  }

  get changes(): readonly string[] {
    return this.events.map(({ from, to }) => `${from} > ${to}`);
  }

  end(): void {
    this.world.pass(100_000);
    this.world.verifyAtRest();
  }
}

describe('the circuit breaker of a route', () => {
  it('opens when its requests fail at every endpoint, answers with 503, the reason and what is left of its time, and leaves other routes alone', () => {
    const breaker = new BreakerWorld({ openMs: 3000 });
    breaker.open();
    const arrived = breaker.world.endpoint('a').arrived.length + breaker.world.endpoint('b').arrived.length;
    breaker.pass(1500);
    const client = breaker.ask();
    assert.deepEqual([client.status, client.header('retry-after')], [503, '2']);
    const { failure, attempts } = breaker.world.records.at(-1) ?? {};
    assert.equal(failure?.cause, 'circuit_open');
    assert.match(
      failure === undefined || failure === null ? '' : explain(failure),
      /^The circuit breaker of the route "\/bad" to "app" is open: \d+ .* failed \(mostly reset_before_response\); it is open for 3.\d s\.$/,
    );
    assert.deepEqual(attempts, []);
    const now = breaker.world.endpoint('a').arrived.length + breaker.world.endpoint('b').arrived.length;
    assert.equal(now, arrived, 'the endpoints got nothing');
    assert.equal(breaker.ask('/good').status, 200);
    const [event] = breaker.events;
    assert.deepEqual(
      [event?.kind, event?.subject, event?.from, event?.to],
      ['circuit_breaker', 'route:/bad', 'closed', 'open'],
    );
    assert.deepEqual(Object.keys(event?.evidence.causes ?? {}), ['reset_before_response']);
    breaker.end();
  });

  it('is not opened by one client while others are answered, and by two clients it is', () => {
    const breaker = new BreakerWorld();
    breaker.answer((request) =>
      request.target === '/bad/poison' ? request.breakOff('reset') : request.answer(200, 'ok'),
    );
    const ask = (target: string, address: string): void => {
      breaker.world.request({ method: 'POST', target, body: 'x' }, { address });
      breaker.pass(50);
    };
    for (const number of [1, 2, 3]) ask('/bad/search', `192.0.2.${number}`);
    for (let count = 0; count < 30; count++) ask('/bad/poison', '198.51.100.1');
    assert.equal(breaker.state, 'closed');
    for (let count = 0; count < 10; count++) ask('/bad/poison', '198.51.100.2');
    assert.equal(breaker.state, 'open');
    breaker.end();
  });

  it('is half-open after its time, and closes after three answers', () => {
    const breaker = new BreakerWorld();
    breaker.open();
    breaker.answer((request) => request.answer(200, 'ok'));
    breaker.pass(700);
    for (let count = 0; count < 4; count++) assert.equal(breaker.ask().status, 200);
    assert.deepEqual(breaker.changes, ['closed > open', 'open > half_open', 'half_open > closed']);
    assert.deepEqual(breaker.breakers.status().breakers[0]?.reason, '');
    breaker.end();
  });

  it('lets the next request through after 5 s while one hangs that it has let through, and counts how that one ends', () => {
    const breaker = new BreakerWorld();
    breaker.open();
    const held: ArrivedRequest[] = [];
    breaker.answer((request) => void held.push(request));
    breaker.pass(700);
    const hangs = breaker.ask();
    assert.equal(breaker.state, 'half_open');
    breaker.pass(4000);
    assert.equal(breaker.ask().status, 503);
    breaker.answer((request) => request.answer(200, 'ok'));
    breaker.pass(1000);
    assert.equal(breaker.ask().status, 200);
    assert.equal(hangs.status, 0);
    held[0]?.breakOff('reset');
    breaker.pass(100);
    assert.equal(breaker.state, 'open');
    breaker.end();
  });

  it('lets the next request through when the client of one leaves that it has let through, which says nothing', () => {
    const breaker = new BreakerWorld();
    breaker.open();
    breaker.answer(() => {});
    breaker.pass(700);
    breaker.ask().leave();
    breaker.answer((request) => request.answer(200, 'ok'));
    breaker.pass(50);
    assert.equal(breaker.state, 'half_open');
    assert.equal(breaker.ask().status, 200);
    breaker.end();
  });

  it('opens again when a request fails while it is half-open, each time for twice as long, up to the longest time', () => {
    const breaker = new BreakerWorld();
    breaker.open();
    for (let count = 0; count < 500; count++) breaker.ask();
    const times = breaker.events.flatMap(({ evidence: { openMs } }) => openMs ?? []);
    assert.ok(times.length >= 5);
    times.forEach((openMs, index) => {
      const least = Math.floor(Math.min(4000 / 1.2, 500 * 2 ** index));
      assert.ok(openMs >= least && openMs <= Math.min(4000, least * 1.2 + 1), `${openMs} of ${least}`);
    });
    breaker.end();
  });

  const outcomes: readonly [what: string, spec: Partial<RouteBreakerSpec>, status: number, opens: boolean][] = [
    ['500 where the route counts them', { countsServerErrors: true }, 500, true],
    ['500 otherwise', {}, 500, false],
    ['404', { countsServerErrors: true }, 404, false],
  ];
  for (const [what, spec, status, opens] of outcomes) {
    it(`${opens ? 'opens' : 'stays closed'} when its requests are answered with ${what}`, () => {
      const breaker = new BreakerWorld(spec);
      breaker.answer((request) => request.answer(status, 'no'));
      for (let count = 0; count < 40; count++) breaker.ask();
      assert.equal(breaker.state, opens ? 'open' : 'closed');
      breaker.end();
    });
  }

  it('stays closed while one endpoint of two fails and its requests are retried at the other', () => {
    const breaker = new BreakerWorld();
    breaker.answer((request, name) => (name === 'a' ? request.breakOff('reset') : request.answer(200, 'b')));
    for (let count = 0; count < 60; count++) assert.equal(breaker.ask('/bad', 'GET').status, 200);
    assert.deepEqual(breaker.changes, []);
    breaker.end();
  });

  it('stays closed while no endpoint can be connected to, and when clients leave', () => {
    const breaker = new BreakerWorld();
    breaker.answer(() => {});
    for (let count = 0; count < 30; count++) {
      const client = breaker.ask();
      client.leave();
      breaker.pass(50);
    }
    for (const name of ['a', 'b']) {
      breaker.world.endpoint(name).die('closed');
      breaker.world.endpoint(name).accepts = 'refuses';
    }
    for (let count = 0; count < 30; count++) breaker.ask();
    assert.deepEqual(breaker.changes, []);
    breaker.end();
  });

  for (const probesMax of [1, 3])
    it(`never lets more than ${probesMax} at a time through while it is half-open, in whatever order requests come and end`, () => {
      const step = fc.constantFrom('request', 'request', 'answer', 'fail', 'wait', 'leave');
      fc.assert(
        fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
          const breaker = new BreakerWorld({ probesMax });
          breaker.open();
          const open: ArrivedRequest[] = [];
          const clients: ClientActor[] = [];
          let most = 0;
          breaker.answer((request) => void open.push(request));
          breaker.pass(700);
          for (const one of steps) {
            const isHalfOpen = breaker.state === 'half_open';
            if (one === 'request') clients.push(breaker.world.request({ method: 'POST', target: '/bad', body: 'x' }));
            if (one === 'answer') open.shift()?.answer(200, 'ok');
            if (one === 'fail') open.shift()?.breakOff('reset');
            if (one === 'leave') clients.pop()?.leave();
            breaker.pass(one === 'wait' ? 700 : 50);
            if (isHalfOpen && breaker.state === 'half_open')
              most = Math.max(most, open.filter(({ gone }) => !gone).length);
          }
          for (const request of open) if (!request.gone) request.answer(200, 'ok');
          breaker.end();
          return most <= probesMax;
        }),
        { numRuns: 60 },
      );
    });
});

describe('the failures of a route with a circuit breaker', () => {
  const failuresAt = (breaker: BreakerWorld): Record<string, number> => {
    const failures: Record<string, number> = {};
    for (const { endpoint, failures: count } of breaker.outcomes.take()) {
      failures[endpoint] = (failures[endpoint] ?? 0) + count;
    }
    return failures;
  };

  it('do not count against endpoints while the route fails at every one of them', () => {
    const breaker = new BreakerWorld();
    breaker.open();
    assert.deepEqual(
      Object.values(failuresAt(breaker)).filter((count) => count > 0),
      [],
    );
    breaker.end();
  });

  it('count against an endpoint once the route has succeeded at another one', () => {
    const breaker = new BreakerWorld();
    breaker.answer((request, name) => (name === 'a' ? request.breakOff('reset') : request.answer(200, 'b')));
    for (let count = 0; count < 30; count++) breaker.ask('/bad', 'GET');
    const failures = failuresAt(breaker);
    const failing = breaker.world.records.flatMap(({ attempts }) => attempts).filter(({ failure }) => failure !== null);
    assert.ok(failing.length > 0);
    assert.deepEqual(
      Object.values(failures).toSorted((one, other) => one - other),
      [0, failing.length],
    );
    assert.equal(failing[0] === undefined ? 0 : failures[failing[0].endpoint], failing.length);
    breaker.end();
  });

  it('are those of the endpoint if the route has no circuit breaker', () => {
    const breaker = new BreakerWorld();
    for (const name of ['a', 'b']) breaker.world.endpoint(name).onRequest = (request) => request.breakOff('reset');
    for (let count = 0; count < 5; count++) breaker.ask('/good');
    assert.equal(
      Object.values(failuresAt(breaker)).reduce((sum, count) => sum + count, 0),
      5,
    );
    breaker.end();
  });
});
