import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { UpstreamId } from '../../src/core/endpoint.ts';
import type { UpstreamDelta } from '../../src/core/snapshot.ts';
import {
  configurationOf,
  createFakeChecker,
  createFakeCounters,
  ListSource,
  noInstances,
} from '../../src/discovery/discovery.test-support.ts';
import { Endpoints } from '../../src/discovery/endpoints.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { Http1World } from '../exchange/http1-world.ts';
import type { ArrivedRequest, ClientActor } from '../exchange/world.ts';

// Requests of clients, through a whole exchange, at endpoints that a source adds, changes, drains and removes
// meanwhile. The source is a list in memory; a source of containers or of a service catalogue differs only in the
// origin of its list.

const app = 'app' as UpstreamId;
const names = ['a', 'b', 'c'] as const;
const hosts = { a: '10.0.0.1', b: '10.0.0.2', c: '10.0.0.3' };

class World {
  readonly gateway = new Http1World({ endpoints: names });
  readonly up = new Set<string>(Object.values(hosts));
  readonly list: ListSource;
  readonly #endpoints: Endpoints;

  constructor() {
    const { clock } = this.gateway;
    const check = { kind: 'tcp', intervalMs: 1000, timeoutMs: 500, passes: 1, fails: 1 } as const;
    const configuration = configurationOf({ id: app, check });
    let list: ListSource | null = null;
    this.#endpoints = new Endpoints({
      checkContext: { clock, random: new SeededRandom(1), checker: createFakeChecker(clock, this.up) },
      names: { lookUp: () => assert.fail('a list has no names') },
      onUnclassified: () => assert.fail(),
      events: { emit: () => undefined },
      adjust: (endpoints) => endpoints,
      shared: createFakeCounters(),
      instances: noInstances,
      sources: [(context) => (list = new ListSource(app, context))],
      configuration: () => configuration,
      revision: () => 1,
      listeners: () => [],
      send: (delta) => this.#receive(delta),
      onChange: () => undefined,
    });
    this.list = list as unknown as ListSource;
    this.#endpoints.use(configuration);
    this.#endpoints.sendChangesSince([]);
    for (const name of names) this.gateway.endpoint(name).onRequest = (request) => request.answer(200, name);
  }

  /** As a worker does it. */
  #receive({ whole, endpoints }: UpstreamDelta): void {
    if (whole) this.gateway.upstream.updateEndpoints(endpoints);
    else this.gateway.upstream.changeEndpoints(endpoints);
  }

  pass(ms: number): void {
    this.gateway.pass(ms);
  }

  /** One request on a connection of its own. */
  send(): ClientActor {
    return this.gateway.request({});
  }

  /** The endpoints that answer twenty requests; a status stands for a response of the gateway itself. */
  answers(): readonly string[] {
    const clients = Array.from({ length: 20 }, () => {
      const client = this.send();
      this.pass(50);
      return client;
    });
    return [...new Set(clients.map(({ status, body }) => (status === 200 ? String(body) : String(status))))].sort();
  }

  stop(): void {
    this.#endpoints.stop();
  }
}

describe('a source that is a list in memory', () => {
  test('gives no endpoint at first: requests are answered with 503', () => {
    const world = new World();
    assert.deepEqual(world.answers(), ['503']);
    world.stop();
  });

  test('adds endpoints: each gets requests after its first check has passed, and not before', () => {
    const world = new World();
    world.list.set('one', hosts.a);
    world.pass(20);
    world.up.delete(hosts.b);
    world.list.set('two', hosts.b);
    assert.deepEqual(world.answers(), ['a']);
    world.up.add(hosts.b);
    world.pass(2000);
    assert.deepEqual(world.answers(), ['a', 'b']);
    world.stop();
  });

  test('changes the address of an endpoint, and its weight', () => {
    const world = new World();
    world.list.set('one', hosts.a);
    world.list.set('two', hosts.b);
    world.pass(20);
    world.list.remove('one');
    world.list.set('one', hosts.c);
    world.pass(20);
    assert.deepEqual(world.answers(), ['b', 'c']);
    world.list.set('two', hosts.b, { weight: 0 });
    assert.deepEqual(world.answers(), ['c']);
    world.stop();
  });

  test('drains and removes an endpoint: its requests in flight finish, and it gets no new ones', () => {
    const world = new World();
    const inFlight: ArrivedRequest[] = [];
    world.gateway.endpoint('a').onRequest = (request) => void inFlight.push(request);
    world.list.set('one', hosts.a);
    world.pass(20);
    const [draining, removed] = [world.send(), world.send()];
    world.pass(50);
    world.list.set('two', hosts.b);
    world.pass(20);
    world.list.drain('one');
    assert.deepEqual(world.answers(), ['b']);
    inFlight[0]?.answer(200, 'late');
    world.pass(50);
    assert.equal(String(draining.body), 'late');
    world.list.remove('one');
    assert.deepEqual(world.answers(), ['b']);
    inFlight[1]?.answer(200, 'later');
    world.pass(50);
    assert.equal(String(removed.body), 'later');
    world.stop();
  });
});
