import assert from 'node:assert/strict';
import type { ConcurrencySettings } from '../../src/features/concurrency/settings.ts';
import { describe, it } from 'node:test';
import type { RouteSpec } from '../../src/core/route-spec.ts';
import type { ConcurrencySpec } from '../../src/core/upstream-spec.ts';
import type { RouteId, UpstreamId } from '../../src/core/endpoint.ts';
import { type Http1Settings, Http1World } from './http1-world.ts';
import type { ArrivedRequest, ClientActor, WorldOptions } from './world.ts';

function bound(requestsMax: number, { queueMax = 2, queueMs = 2000, adaptive = false } = {}): ConcurrencySpec {
  return { requestsMax, adaptive, queueMax, queueMs };
}

const toApp: Pick<RouteSpec, 'action'> = { action: { kind: 'upstream', upstream: 'app' as UpstreamId } };

function route(id: string, pathPrefix: string, rest: Partial<RouteSpec> = {}): Partial<RouteSpec> {
  return { id: id as RouteId, match: { hosts: [], pathPrefix, methods: [] }, ...toApp, ...rest };
}

const settings = (concurrency: ConcurrencySettings): Partial<RouteSpec> => ({ features: { concurrency } });

/** One endpoint, whose requests are answered when the test says so. */
class Bounded {
  readonly world: Http1World;
  readonly arrived: ArrivedRequest[] = [];

  constructor(concurrency: ConcurrencySpec | undefined, options: WorldOptions = {}, settings: Http1Settings = {}) {
    const spec = concurrency === undefined ? {} : { concurrency };
    this.world = new Http1World(options, { ...spec, ...settings });
    this.world.endpoint('a').onRequest = (request) => void this.arrived.push(request);
  }

  ask(target: string): ClientActor {
    const client = this.world.request({ target });
    this.world.pass(5);
    return client;
  }

  get targets(): string[] {
    return this.arrived.map(({ target }) => target);
  }

  answer(target: string): void {
    const request = this.arrived.find((one) => one.target === target) ?? assert.fail(`${target} has not arrived`);
    request.answer(200, 'ok');
    this.world.pass(5);
  }

  /** What was recorded of the request for `target`: the bound that refused it, or how long it waited. */
  recordOf(target: string): { cause: string | null; bound: string | null; waited: boolean } {
    const record = this.world.records.find((one) => one.target === target) ?? assert.fail(`${target} has not ended`);
    const evidence = record.failure?.evidence as { bound?: string } | undefined;
    return {
      cause: record.failure?.cause ?? null,
      bound: evidence?.bound ?? null,
      waited: (record.turnMs ?? -1) > 0,
    };
  }

  /** All requests that arrived are answered, and nothing is left. */
  end(): void {
    for (let index = 0; index < this.arrived.length; index++) {
      if (this.arrived[index]?.gone === false) this.arrived[index]?.answer(200, 'ok');
      this.world.pass(5);
    }
    this.world.pass(100_000);
    assert.deepEqual(this.world.features.waiting(), []);
    this.world.verifyAtRest();
  }
}

describe('a bound of requests in flight', () => {
  it('lets as many through as it says; others wait, and get their turn in the order in which they came', () => {
    const bounded = new Bounded(bound(2));
    const clients = ['/1', '/2', '/3', '/4'].map((target) => bounded.ask(target));
    assert.deepEqual(bounded.targets, ['/1', '/2']);
    bounded.answer('/2');
    assert.deepEqual(bounded.targets, ['/1', '/2', '/3']);
    bounded.answer('/1');
    assert.deepEqual(bounded.targets, ['/1', '/2', '/3', '/4']);
    bounded.end();
    assert.deepEqual(
      clients.map(({ status }) => status),
      [200, 200, 200, 200],
    );
    assert.deepEqual(bounded.recordOf('/1'), { cause: null, bound: null, waited: false });
    assert.deepEqual(bounded.recordOf('/4'), { cause: null, bound: null, waited: true });
  });

  it('refuses a request at once when its queue is full, and says which bound it was and when to come back', () => {
    const bounded = new Bounded(bound(1, { queueMax: 1 }));
    for (const target of ['/1', '/2']) bounded.ask(target);
    const refused = bounded.ask('/3');
    assert.equal(refused.status, 503);
    assert.ok(Number(refused.header('retry-after')) >= 1);
    assert.deepEqual(bounded.recordOf('/3'), { cause: 'concurrency_limit', bound: 'upstream app', waited: false });
    bounded.end();
  });

  it('refuses a request that has waited as long as it may', () => {
    const bounded = new Bounded(bound(1));
    bounded.ask('/1');
    const late = bounded.ask('/2');
    bounded.world.pass(1950);
    assert.equal(late.status, 0);
    bounded.world.pass(80);
    assert.equal(late.status, 503);
    assert.deepEqual(bounded.recordOf('/2'), { cause: 'concurrency_timeout', bound: 'upstream app', waited: true });
    bounded.end();
  });

  it('frees the place of a client that leaves while it waits, or while its request is in flight', () => {
    const bounded = new Bounded(bound(1, { queueMax: 1 }));
    const [first, second] = ['/1', '/2'].map((target) => bounded.ask(target));
    second?.leave();
    bounded.world.pass(5);
    const third = bounded.ask('/3');
    assert.equal(third.status, 0, 'it waits');
    first?.leave();
    bounded.world.pass(5);
    assert.deepEqual(bounded.targets, ['/1', '/3']);
    bounded.end();
    assert.equal(third.status, 200);
  });

  it('bounds a route besides its upstream: other routes have what it leaves', () => {
    const routes = [route('slow', '/slow', settings({ bound: bound(1, { queueMax: 1 }) })), route('rest', '/')];
    const bounded = new Bounded(bound(3), { routes });
    for (const target of ['/slow/1', '/slow/2', '/a', '/b', '/c']) bounded.ask(target);
    const refused = bounded.ask('/slow/3');
    assert.deepEqual(bounded.targets, ['/slow/1', '/a', '/b']);
    assert.equal(refused.status, 503);
    assert.deepEqual(bounded.recordOf('/slow/3'), { cause: 'concurrency_limit', bound: 'route slow', waited: false });
    assert.deepEqual(
      bounded.world.features.waiting().map(({ at, count }) => `${at} ${count}`),
      ['route slow 1', 'upstream app 1'],
    );
    bounded.end();
    assert.equal(bounded.arrived.length, 5);
  });

  it('serves a higher priority first, and within one in order', () => {
    const routes = [
      route('low', '/low', settings({ priority: 'low' })),
      route('high', '/high', settings({ priority: 'high' })),
      route('normal', '/'),
    ];
    const bounded = new Bounded(bound(1, { queueMax: 9 }), { routes });
    for (const target of ['/0', '/low/1', '/2', '/high/3', '/low/4', '/high/5', '/6']) bounded.ask(target);
    bounded.end();
    assert.deepEqual(bounded.targets, ['/0', '/high/3', '/high/5', '/2', '/6', '/low/1', '/low/4']);
  });

  it('gives the place of the last request of a lower priority to a higher one when the queue is full', () => {
    const routes = [route('high', '/high', settings({ priority: 'high' })), route('normal', '/')];
    const bounded = new Bounded(bound(1), { routes });
    const [, second, third] = ['/1', '/2', '/3'].map((target) => bounded.ask(target));
    const high = bounded.ask('/high');
    assert.deepEqual([second?.status, third?.status, high.status], [0, 503, 0]);
    const evidence = bounded.world.records[0]?.failure?.evidence as { displaced?: boolean } | undefined;
    assert.equal(evidence?.displaced, true);
    assert.equal(bounded.ask('/4').status, 503, 'the queue is as full as before');
    bounded.end();
    assert.deepEqual(bounded.targets, ['/1', '/high', '/2']);
  });

  it('refuses a request at once whose turn would come after its deadline', () => {
    const bounded = new Bounded(bound(1, { queueMax: 40, queueMs: 60_000 }), { timeouts: { exchangeMs: 1000 } });
    // The queue moves each 100 ms, until that is known.
    bounded.ask('/first');
    for (let index = 0; index < 20; index++) bounded.ask(`/${index}`);
    let next = 0;
    for (; next < 9; next++) {
      bounded.world.pass(95);
      bounded.arrived.at(-1)?.answer(200, 'ok');
      bounded.world.pass(5);
    }
    bounded.world.pass(1000);
    bounded.arrived.at(-1)?.answer(200, 'ok');
    bounded.world.pass(5);
    const before = bounded.world.records.length;
    const clients = Array.from({ length: 30 }, (_, index) => bounded.ask(`/late-${index}`));
    assert.ok(
      clients.slice(0, 4).every(({ status }) => status === 0),
      'the first ones wait',
    );
    const refused = clients.filter(({ status }) => status === 503);
    assert.ok(refused.length > 0);
    const causes = new Set(bounded.world.records.slice(before).map(({ failure }) => failure?.cause));
    assert.deepEqual([...causes], ['deadline_unreachable']);
    bounded.end();
  });

  it('counts a request until its response is here, however slowly its client reads', () => {
    const bounded = new Bounded(
      bound(1),
      {},
      { pairOptions: (side) => (side === 'client' ? { windowBytes: 1024 } : {}) },
    );
    const slow = bounded.world.request({ target: '/1' });
    bounded.world.pass(5);
    slow.stopReading();
    bounded.arrived[0]?.answer(200, 'x'.repeat(100_000));
    bounded.world.pass(50);
    bounded.ask('/2');
    assert.deepEqual(bounded.targets, ['/1', '/2']);
    slow.readOn();
    bounded.end();
  });

  it('counts a request through its retries, and releases it once', () => {
    const bounded = new Bounded(bound(1), { endpoints: ['a', 'b'] });
    bounded.world.endpoint('b').onRequest = (request) => void bounded.arrived.push(request);
    bounded.ask('/1');
    bounded.ask('/2');
    bounded.arrived[0]?.breakOff('reset');
    bounded.world.pass(20);
    assert.deepEqual(bounded.targets, ['/1', '/1'], 'the retry has the turn of its request');
    bounded.end();
    assert.deepEqual(bounded.targets, ['/1', '/1', '/2']);
  });

  it('goes on where every request that waits fails at once', () => {
    const bounded = new Bounded(bound(1, { queueMax: 500 }), {}, { connectFault: () => 'EHOSTUNREACH' });
    const clients = Array.from({ length: 200 }, (_, index) => bounded.world.request({ target: `/${index}` }));
    bounded.world.pass(500);
    assert.ok(clients.every(({ status }) => status === 502));
    bounded.end();
  });

  it('that adapts lets twenty through at first, and no more than its maximum', () => {
    const bounded = new Bounded(bound(12, { adaptive: true, queueMax: 20 }));
    for (let index = 0; index < 15; index++) bounded.ask(`/${index}`);
    assert.equal(bounded.arrived.length, 12);
    bounded.end();
    assert.equal(bounded.arrived.length, 15);
  });
});
