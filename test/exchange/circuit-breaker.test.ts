import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { CircuitBreakerSpec } from '../../src/policy/outlier-settings.ts';
import type { UpstreamId } from '../../src/core/endpoint.ts';
import type { NewEvent } from '../../src/core/event.ts';
import { explain } from '#failures/failure-texts.ts';
import { OutlierDetector } from '../../src/discovery/outlier-detector.ts';
import { outlierSettingsOf } from '../../src/policy/outlier-settings.ts';
import * as fc from '../properties.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { OutcomeCounts } from '../../src/worker/outcome-counts.ts';
import { Http1World } from './http1-world.ts';
import type { ArrivedRequest, ClientActor } from './world.ts';

/** Endpoints with circuit breakers, judged by their outcomes every 50 ms, as the main thread does it. */
class BreakerWorld {
  readonly world: Http1World;
  readonly events: NewEvent[] = [];
  readonly #outcomes = new OutcomeCounts();
  readonly #detector: OutlierDetector;
  #counted = 0;

  constructor(names = ['a'], circuitBreaker: CircuitBreakerSpec = { openMs: 500, openMaxMs: null }) {
    this.world = new Http1World({ endpoints: names }, { whenNoneReady: { waitMs: 5000, waitersMax: 100 } });
    const checked = names.map((name) => this.world.endpoint(name).snapshot());
    const settings = outlierSettingsOf(undefined, circuitBreaker);
    this.#detector = new OutlierDetector({
      clock: this.world.clock,
      random: new SeededRandom(1),
      events: { emit: (event) => void this.events.push(event) },
      checked: () => new Map(checked.map((endpoint) => [endpoint.id, endpoint])),
      checkOf: () => 'tcp',
      onChange: (upstream) => {
        this.#detector.review(upstream);
        this.world.upstream.changeEndpoints(this.#detector.adjust(checked));
      },
      settingsOf: () => settings,
    });
  }

  request(): ClientActor {
    return this.world.request({ method: 'POST', body: 'x' });
  }

  pass(ms: number): void {
    for (let passed = 0; passed < ms; passed += 50) {
      this.world.pass(Math.min(50, ms - passed));
      for (; this.#counted < this.world.records.length; this.#counted++) {
        const record = this.world.records[this.#counted];
        if (record !== undefined) this.#outcomes.count(record);
      }
      this.#detector.onOutcomes(this.#outcomes.take().map((one) => ({ ...one, upstream: 'app' as UpstreamId })));
    }
  }

  ask(): ClientActor {
    const client = this.request();
    this.pass(50);
    return client;
  }

  get causes(): readonly (string | undefined)[] {
    return this.world.records.map(({ failure }) => failure?.cause);
  }
}

function breakOff(breaker: BreakerWorld, name = 'a'): void {
  breaker.world.endpoint(name).onRequest = (request) => request.breakOff('reset');
}

function answer(breaker: BreakerWorld, name = 'a'): void {
  breaker.world.endpoint(name).onRequest = (request) => request.answer(200, name);
}

function opened(names?: string[], spec?: CircuitBreakerSpec): BreakerWorld {
  const breaker = new BreakerWorld(names, spec);
  for (const name of names ?? ['a']) breakOff(breaker, name);
  for (let count = 0; count < 10 * (names?.length ?? 1); count++) breaker.ask();
  return breaker;
}

describe('the circuit breaker of the only endpoint', () => {
  it('opens after ten failures in a row: requests are answered at once with 503, Retry-After and the reason', () => {
    const breaker = opened();
    const arrived = breaker.world.endpoint('a').arrived.length;
    const client = breaker.ask();
    assert.equal(client.status, 503);
    assert.equal(client.header('retry-after'), '1');
    assert.equal(breaker.causes.at(-1), 'circuit_open');
    const { failure = null } = breaker.world.records.at(-1) ?? {};
    assert.match(
      failure === null ? '' : explain(failure),
      /its checks pass, but 10 of 10 attempts within 30 s failed \(mostly reset_before_response\); its circuit breaker is open for 0\.\d s/,
    );
    assert.equal(breaker.world.records.at(-1)?.attempts.length, 0);
    assert.equal(breaker.world.endpoint('a').arrived.length, arrived, 'the endpoint got nothing');
    const [event] = breaker.events;
    assert.deepEqual([event?.kind, event?.from, event?.to], ['health_disagreement', 'healthy', 'circuit_open']);
  });

  it('is half-open after its time, closes after three answers, and says so in events', () => {
    const breaker = opened();
    breaker.pass(700);
    answer(breaker);
    for (let count = 0; count < 4; count++) assert.equal(breaker.ask().status, 200);
    assert.deepEqual(
      breaker.events.map(({ kind, from, to }) => [kind, from, to]),
      [
        ['health_disagreement', 'healthy', 'circuit_open'],
        ['endpoint_state', 'circuit_open', 'half_open'],
        ['endpoint_state', 'half_open', 'healthy'],
      ],
    );
    assert.deepEqual(
      breaker.world.records.slice(-4).map(({ attempts }) => attempts[0]?.endpointState),
      ['half_open', 'half_open', 'half_open', 'healthy'],
    );
  });

  it('lets the next request through after 5 s while one hangs that it has let through', () => {
    const breaker = opened();
    breaker.world.endpoint('a').onRequest = () => {};
    breaker.pass(700);
    const hangs = breaker.ask();
    breaker.pass(4000);
    assert.equal(breaker.ask().status, 503);
    breaker.pass(1000);
    answer(breaker);
    for (let count = 0; count < 3; count++) assert.equal(breaker.ask().status, 200);
    assert.deepEqual([hangs.status, breaker.events.at(-1)?.to], [0, 'healthy']);
  });

  it('lets the next request through when the client of one leaves that it has let through, which says nothing', () => {
    const breaker = opened();
    breaker.world.endpoint('a').onRequest = () => {};
    breaker.pass(700);
    const left = breaker.ask();
    assert.equal(breaker.ask().status, 503);
    left.leave();
    breaker.pass(50);
    answer(breaker);
    assert.equal(breaker.ask().status, 200);
    assert.deepEqual(
      breaker.events.map(({ to }) => to),
      ['circuit_open', 'half_open'],
    );
  });

  for (const [which, spec, longestMs] of [
    ['2 s at most while checks pass', { openMs: 500, openMaxMs: null }, 2000],
    ['as long as the configuration says', { openMs: 500, openMaxMs: 8000 }, 8000],
  ] as const) {
    it(`opens again when a request fails, each time for twice as long, ${which}`, () => {
      const breaker = opened(['a'], spec);
      const pauses: (number | null)[] = [];
      for (let count = 0; count < 400; count++) breaker.ask();
      for (const { evidence } of breaker.events) if ('pauseMs' in evidence) pauses.push(evidence.pauseMs);
      assert.ok(pauses.length >= 5);
      pauses.forEach((pauseMs, index) => {
        const least = Math.floor(Math.min(longestMs / 1.2, 500 * 2 ** index));
        assert.ok(pauseMs !== null && pauseMs >= least && pauseMs <= Math.ceil(least * 1.2), `${pauseMs} of ${least}`);
      });
    });
  }

  for (const probesMax of [1, 3])
    it(`never lets more than ${probesMax} at a time through while it is half-open, in whatever order requests come and end`, () => {
      const step = fc.constantFrom('request', 'request', 'answer', 'fail', 'wait', 'leave');
      fc.assert(
        fc.property(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => {
          const breaker = opened(['a'], { openMs: 500, openMaxMs: null, probesMax });
          const open: ArrivedRequest[] = [];
          const clients: ClientActor[] = [];
          let most = 0;
          breaker.world.endpoint('a').onRequest = (request) => {
            open.push(request);
          };
          breaker.pass(700);
          for (const one of steps) {
            if (one === 'request') clients.push(breaker.request());
            if (one === 'answer') open.shift()?.answer(200, 'ok');
            if (one === 'fail') open.shift()?.breakOff('reset');
            if (one === 'leave') clients.pop()?.leave();
            const isHalfOpen = breaker.events.at(-1)?.to === 'half_open';
            breaker.pass(one === 'wait' ? 700 : 50);
            if (isHalfOpen && breaker.events.at(-1)?.to === 'half_open') {
              most = Math.max(most, open.filter(({ gone }) => !gone).length);
            }
          }
          return most <= probesMax;
        }),
        { numRuns: 60 },
      );
    });

  it('lets as many requests through at a time as `probes` says, and the others get a 503', () => {
    const breaker = opened(['a'], { openMs: 500, openMaxMs: null, probesMax: 3 });
    const open: ArrivedRequest[] = [];
    breaker.world.endpoint('a').onRequest = (request) => void open.push(request);
    breaker.pass(700);
    const clients = Array.from({ length: 5 }, () => breaker.request());
    breaker.pass(50);
    assert.equal(open.length, 3);
    assert.deepEqual(
      clients.map(({ status }) => status),
      [0, 0, 0, 503, 503],
    );
    open.shift()?.answer(200, 'a');
    breaker.pass(50);
    breaker.request();
    breaker.request();
    breaker.pass(50);
    assert.equal(open.length, 3, 'another one after the first has ended');
    for (const request of open.splice(0)) request.answer(200, 'a');
    breaker.pass(100);
    assert.equal(breaker.events.at(-1)?.to, 'healthy');
    breaker.world.pass(100_000);
    breaker.world.verifyAtRest();
  });
});

/** The endpoint that an event is about. */
function nameOf({ world }: BreakerWorld, event: NewEvent | undefined): string {
  return event?.subject === `endpoint:${world.endpoint('a').snapshot().id}` ? 'a' : 'b';
}

describe('the circuit breakers of two endpoints', () => {
  it('open only where outlier detection may not eject, and requests go to the endpoint that works', () => {
    const breaker = new BreakerWorld(['a', 'b']);
    breakOff(breaker, 'a');
    answer(breaker, 'b');
    for (let count = 0; count < 60; count++) {
      // A POST would avoid the endpoint after its first failure.
      breaker.world.request({});
      breaker.pass(50);
    }
    assert.deepEqual(
      breaker.events.map(({ to }) => to),
      ['ejected'],
    );
    assert.equal(breaker.ask().status, 200);
  });

  for (const [which, endPoint] of [
    ['hang', () => {}],
    ['are reset', (request: ArrivedRequest) => request.breakOff('reset')],
  ] as const)
    it(`protect both where the requests of both ${which}: an ejected endpoint gets single requests through its own`, () => {
      const breaker = opened(['a', 'b']);
      assert.deepEqual(
        breaker.events.slice(0, 3).map(({ from, to }) => [from, to]),
        [
          ['healthy', 'ejected'],
          ['healthy', 'circuit_open'],
          ['ejected', 'circuit_open'],
        ],
      );
      for (const name of ['a', 'b']) breaker.world.endpoint(name).onRequest = endPoint;
      const before = breaker.world.records.length;
      const arrived = (): number =>
        ['a', 'b'].reduce((sum, name) => sum + breaker.world.endpoint(name).arrived.length, 0);
      const arrivedBefore = arrived();
      for (let count = 0; count < 200; count++) breaker.ask();
      const refused = breaker.world.records.slice(before).filter(({ failure }) => failure?.cause === 'circuit_open');
      assert.ok(refused.length >= 150, `${refused.length} of 200 were refused at once`);
      assert.ok(arrived() - arrivedBefore <= 50, `the endpoints got ${arrived() - arrivedBefore} of 200`);
      const states = breaker.world.records.slice(before).flatMap(({ attempts }) => attempts);
      assert.deepEqual([...new Set(states.map(({ endpointState }) => endpointState))], ['half_open']);
    });

  it('bring an ejected endpoint back after three answers when the other one fails', () => {
    const breaker = opened(['a', 'b']);
    const [ejection] = breaker.events;
    const name = nameOf(breaker, ejection);
    answer(breaker, name);
    for (let count = 0; count < 60; count++) breaker.ask();
    assert.equal(breaker.ask().status, 200);
    const own = breaker.events.filter(({ subject }) => subject === ejection?.subject);
    assert.deepEqual(
      own.map(({ to }) => to),
      ['ejected', 'circuit_open', 'half_open', 'healthy'],
    );
  });

  it('close, and the next ejection of an endpoint is as short as the first', () => {
    const breaker = opened(['a', 'b']);
    for (let count = 0; count < 200; count++) breaker.ask();
    for (const name of ['a', 'b']) answer(breaker, name);
    for (let count = 0; count < 100; count++) breaker.ask();
    const name = nameOf(
      breaker,
      breaker.events.findLast(({ to }) => to === 'circuit_open'),
    );
    breaker.events.splice(0);
    breakOff(breaker, name);
    for (let count = 0; count < 200 && breaker.events.length === 0; count++) {
      breaker.world.request({});
      breaker.pass(50);
    }
    const [event] = breaker.events;
    assert.ok(event?.to === 'ejected');
    const { pauseMs } = event.evidence as { pauseMs: number };
    assert.ok(pauseMs <= 24_000, `${pauseMs}`);
  });
});
