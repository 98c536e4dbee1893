import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { SemaphoreHandle } from '../../src/core/semaphores.ts';
import { SharedCounts } from '../../src/limits/shared-counts.ts';
import { WorkerSemaphores } from '../../src/limits/worker-semaphores.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import { logInAt } from './connection-login.ts';
import { type Http1Settings, Http1World } from './http1-world.ts';
import type { ArrivedRequest, ClientActor, WorldOptions } from './world.ts';

// One client address cannot take an endpoint from all others, in simulated time.

const connectionsMax = 16;
const longLivedMax = 60;
const attacker = '203.0.113.66';
const visitor = '198.51.100.9';

const switching = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n';
const upgrade = { Connection: 'Upgrade', Upgrade: 'chat' };

/** `/` is answered at once, `/slow` never; `/events` is a stream that does not end, `/ws` a tunnel. */
function behave(request: ArrivedRequest): void {
  if (request.target === '/') request.answer(200, 'ok');
  if (request.target === '/events') {
    request.head(200, null, { 'Content-Type': 'text/event-stream' });
    request.write('data: 1\n\n');
  }
  if (request.target === '/ws') request.raw(switching);
}

function worldOf(settings: Http1Settings = {}, options: WorldOptions = {}, clock = new SimulatedClock()): Http1World {
  const world = new Http1World({ connectionsMax, ...options }, { queueMax: 8, longLivedMax, ...settings }, clock);
  for (const name of options.endpoints ?? ['a']) world.endpoint(name).onRequest = behave;
  return world;
}

interface Asking {
  readonly address?: string;
  readonly connection?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function ask(world: Http1World, target: string, { headers, ...options }: Asking = {}): ClientActor {
  return world.request({ target, ...(headers === undefined ? {} : { headers }) }, { address: visitor, ...options });
}

/** `connections` of the attacker with `each` requests on each. */
function attack(world: Http1World, target: string, connections: number, each: number): ClientActor[] {
  const headers = target === '/ws' ? upgrade : {};
  const clients: ClientActor[] = [];
  for (let number = 0; number < connections; number++) {
    const connection = `attacker ${world.created.length} ${number}`;
    for (let count = 0; count < each; count++)
      clients.push(ask(world, target, { address: attacker, connection, headers }));
    world.pass(1);
  }
  world.pass(20);
  return clients;
}

/** Asks for a page, and says how it was answered in the next 5 ms. */
function page(world: Http1World, address = visitor): number {
  const client = ask(world, '/', { address });
  world.pass(5);
  return client.status;
}

/** The last failure that was recorded, with the limits that it names. */
function causeText(world: Http1World): string {
  const failure = world.records.findLast((record) => record.failure !== null)?.failure;
  if (failure === null || failure === undefined) return 'none';
  const { limit, addressMax } = failure.evidence as { limit?: number; addressMax?: number };
  return `${failure.cause} limit=${limit}${addressMax === undefined ? '' : ` addressMax=${addressMax}`}`;
}

const attacks: readonly [clients: 'http/1.1' | 'h2', target: string, connections: number, each: number][] = [
  ['http/1.1', '/slow', 1, 1],
  ['http/1.1', '/slow', 3, 1],
  ['http/1.1', '/slow', 200, 1],
  ['http/1.1', '/events', 1, 1],
  ['http/1.1', '/events', 3, 1],
  ['http/1.1', '/events', 200, 1],
  ['http/1.1', '/ws', 200, 1],
  ['h2', '/slow', 1, 100],
  ['h2', '/slow', 3, 100],
  ['h2', '/slow', 200, 5],
  ['h2', '/events', 1, 100],
  ['h2', '/events', 3, 100],
  ['h2', '/events', 200, 5],
];

describe('one address that occupies an endpoint', () => {
  for (const [clients, target, connections, each] of attacks) {
    it(`does not make another wait: ${connections} connections over ${clients} with ${each} requests for ${target} each`, () => {
      const world = worldOf({ clients });
      assert.equal(page(world), 200, 'before');
      attack(world, target, connections, each);
      for (let round = 0; round < 20; round++) assert.equal(page(world), 200, `in round ${round}`);
      world.pass(2500);
      assert.equal(page(world), 200, 'when requests of the attacker have waited in vain');
      const slow = (): number => world.endpoint('a').arrived.filter(({ target: at }) => at === '/slow').length;
      const before = slow();
      for (let count = 0; count < 4; count++) ask(world, '/slow', { connection: `visitor ${count}` });
      world.pass(5);
      assert.ok(slow() > before, 'and has several connections at a time');
    });
  }

  it('keeps the idle connection on which one of its clients is logged in, when the turn of that client comes', () => {
    const world = worldOf();
    page(world);
    logInAt(world.endpoint('a'));
    const { onRequest } = world.endpoint('a');
    const held: ArrivedRequest[] = [];
    world.endpoint('a').onRequest = (request) =>
      request.target === '/slow' ? void held.push(request) : onRequest(request);
    const ada = { address: attacker, connection: 'ada' };
    const logIn = (token: string): ClientActor => {
      const client = ask(world, '/', { ...ada, headers: { Authorization: `NTLM ${token}` } });
      world.pass(5);
      return client;
    };
    const challenge = logIn('hello:ada').header('www-authenticate') ?? '';
    assert.equal(logIn(`proof:ada:${challenge.split(' ')[1]}`).status, 200);
    for (let n = 0; n < 12; n++) ask(world, '/slow', { address: attacker, connection: `colleague ${n}` });
    world.pass(5);
    const { connectionsMade } = world.endpoint('a');
    const client = ask(world, '/', ada);
    world.pass(5);
    assert.equal(client.status, 0, 'it waits');
    held[0]?.answer(200);
    world.pass(5);
    assert.deepEqual([client.status, client.body.toString()], [200, 'ada']);
    assert.equal(world.endpoint('a').connectionsMade, connectionsMade);
  });

  it('says in its own failures which limit it has met', () => {
    const world = worldOf();
    page(world);
    attack(world, '/slow', 40, 1);
    assert.equal(causeText(world), `pool_full limit=16 addressMax=12`);
    world.pass(2100);
    assert.equal(causeText(world), `queue_timeout limit=16 addressMax=12`);
  });

  it('gets what it waits for when its own requests end, in turn', () => {
    const world = worldOf();
    page(world);
    const clients = attack(world, '/slow', 14, 1);
    const arrived = (): number => world.endpoint('a').arrived.filter(({ target }) => target === '/slow').length;
    const first = arrived();
    assert.ok(first < 14, 'some wait');
    world
      .endpoint('a')
      .arrived.findLast(({ target }) => target === '/slow')
      ?.answer(200, 'ok');
    world.pass(5);
    assert.equal(arrived(), first + 1);
    assert.equal(clients.filter(({ status }) => status === 200).length, 1);
  });
});

describe('one address that is alone', () => {
  it('gets all connections but a sixteenth', () => {
    const world = worldOf();
    attack(world, '/slow', connectionsMax + 1, 1);
    assert.equal(world.endpoint('a').arrived.length, connectionsMax - 1);
  });

  it('gets them again when no other has come for ten minutes', () => {
    const world = worldOf();
    page(world);
    world.pass(605_000);
    attack(world, '/slow', connectionsMax, 1);
    assert.equal(world.endpoint('a').arrived.length, connectionsMax);
  });

  for (const clients of ['http/1.1', 'h2'] as const) {
    it(`leaves room for another one that comes, however long its requests last (${clients})`, () => {
      const world = worldOf({ clients, queueMax: 16 });
      attack(world, '/slow', 60, clients === 'h2' ? 10 : 1);
      for (let round = 0; round < 20; round++) {
        assert.equal(page(world, `198.51.100.${round}`), 200, `visitor ${round}`);
        world.pass(1000);
      }
    });
  }

  it('is held to its share from the moment when another comes', () => {
    const world = worldOf();
    attack(world, '/slow', connectionsMax, 1);
    assert.equal(page(world), 200);
    const [first, second] = world.endpoint('a').arrived;
    first?.answer(200, 'ok');
    second?.answer(200, 'ok');
    world.pass(5);
    const arrived = world.endpoint('a').arrived.length;
    attack(world, '/slow', 8, 1);
    assert.equal(world.endpoint('a').arrived.length, arrived);
    assert.equal(page(world), 200);
  });
});

describe('clients of which nothing is known', () => {
  it('have no share if a trusted peer does not name them, and each its own if it does', () => {
    const balancer = '10.0.0.9';
    const all = worldOf({}, { trusted: attacker });
    ask(all, '/');
    all.pass(5);
    attack(all, '/slow', connectionsMax, 1);
    assert.equal(all.endpoint('a').arrived.length, connectionsMax + 1, 'the balancer itself has no share');
    const named = worldOf({}, { trusted: balancer });
    ask(named, '/', { address: balancer, headers: { 'X-Forwarded-For': visitor } });
    named.pass(5);
    for (let count = 0; count < connectionsMax; count++)
      ask(named, '/slow', { address: balancer, headers: { 'X-Forwarded-For': attacker } });
    named.pass(20);
    assert.ok(named.endpoint('a').arrived.length < connectionsMax);
    const other = ask(named, '/', { address: balancer, headers: { 'X-Forwarded-For': '198.51.100.44' } });
    named.pass(5);
    assert.equal(other.status, 200);
  });
});

describe('tunnels and streams of events', () => {
  it('are not among the connections that requests may have', () => {
    for (const target of ['/ws', '/events']) {
      const world = worldOf({ queueMax: 0 }, { connectionsMax: 2 });
      const clients = attack(world, target, 20, 1);
      assert.equal(clients.filter(({ state }) => state === 'open').length, 20, target);
      assert.equal(world.counts.upstreamConnectionsLongLived, 20);
      assert.equal(page(world), 200, target);
      for (const client of clients) client.leave();
      world.pass(100);
      assert.equal(world.counts.upstreamConnectionsLongLived, 0);
      world.pass(100_000);
      world.verifyAtRest();
    }
  });

  it('keep no endpoint on probation from the requests that show whether it is well', () => {
    for (const target of ['/ws', '/events']) {
      const world = worldOf({}, { connectionsMax: 8, endpoints: ['a', 'b'] });
      world.endpoint('b').setState('ejected');
      const clients = attack(world, target, 3, 1);
      world.endpoint('b').setState('healthy');
      world.endpoint('a').setState('probation');
      const before = world.endpoint('a').arrived.length;
      assert.deepEqual([before, page(world), world.endpoint('a').arrived.length], [3, 200, 4], target);
      for (const client of clients) client.leave();
      world.pass(100_000);
      world.verifyAtRest();
    }
  });

  it('keep their connection for the next request when they end in order', () => {
    const world = worldOf();
    attack(world, '/events', 1, 1);
    world.endpoint('a').arrived[0]?.end();
    world.pass(5);
    assert.deepEqual([world.counts.upstreamConnectionsLongLived, world.counts.upstreamConnectionsIdle], [0, 1]);
    assert.equal(page(world), 200);
    assert.equal(world.endpoint('a').connectionsMade, 1);
    world.pass(100_000);
    world.verifyAtRest();
  });

  it('close it if requests have all connections by then', () => {
    const world = worldOf({}, { connectionsMax: 1 });
    attack(world, '/events', 1, 1);
    ask(world, '/slow', { address: attacker });
    world.pass(5);
    world.endpoint('a').arrived[0]?.end();
    world.pass(5);
    assert.deepEqual([world.counts.upstreamConnectionsLongLived, world.counts.upstreamConnections], [0, 1]);
  });

  it('have a limit of their own, which a refused handshake names', () => {
    const world = worldOf({ longLivedMax: 5 });
    const clients = attack(world, '/ws', 7, 1);
    assert.equal(causeText(world), 'tunnels_full limit=5');
    assert.equal(clients.filter(({ status }) => status === 503).length, 2);
    clients[0]?.leave();
    world.pass(5);
    attack(world, '/ws', 1, 1);
    assert.equal(world.counts.upstreamConnectionsLongLived, 5);
    assert.equal(page(world), 200);
  });

  it('are left to other addresses beyond half of them', () => {
    const world = worldOf();
    page(world);
    attack(world, '/ws', 80, 1);
    assert.equal(causeText(world), 'tunnels_full limit=60 addressMax=30');
    const { upstreamConnectionsLongLived: taken } = world.counts;
    assert.ok(taken >= longLivedMax / 2 && taken < longLivedMax, `${taken}`);
    const client = ask(world, '/ws', { headers: upgrade });
    world.pass(5);
    assert.equal(client.state, 'open');
    assert.equal(world.counts.upstreamConnectionsLongLived, taken + 1);
  });

  it('do not count among the requests in flight that `connections.requests_max` bounds', () => {
    const world = worldOf({ requestsMax: 2 });
    const tunnels = attack(world, '/ws', 5, 1);
    assert.equal(world.counts.upstreamConnectionsLongLived, 5);
    assert.equal(page(world), 200);
    for (let count = 0; count < 2; count++) ask(world, '/slow', { address: attacker });
    world.pass(5);
    for (const tunnel of tunnels) tunnel.leave();
    world.pass(5);
    assert.equal(page(world), 0, 'the end of a tunnel makes no room: two requests are in flight');
  });
});

describe('an office of 500 behind one address', () => {
  for (const others of [false, true]) {
    it(`is served ${others ? 'beside others' : 'when it is alone'}: each has a stream of events and loads pages`, () => {
      const world = worldOf({ queueMax: 64, longLivedMax: 10_000 }, { connectionsMax: 64 });
      const office = '192.0.2.1';
      const statuses = new Map<number, number>();
      for (let person = 0; person < 500; person++) {
        ask(world, '/events', { address: office, connection: `events of ${person}` });
        const pages = ask(world, '/', { address: office, connection: `pages of ${person}` });
        const other = others ? ask(world, '/', { address: `198.51.100.${person % 200}` }) : pages;
        world.pass(4);
        for (const { status } of [pages, other]) statuses.set(status, (statuses.get(status) ?? 0) + 1);
      }
      assert.deepEqual([...statuses], [[200, 1000]]);
      assert.equal(world.counts.upstreamConnectionsLongLived, 500);
    });
  }
});

describe('two workers', () => {
  const sizes = { workersMax: 3, endpointsMax: 2, addressesMax: 32 };

  function twoWorkers(settings: Http1Settings = {}) {
    const clock = new SimulatedClock();
    const shared = new SharedCounts(sizes, clock, new SeededRandom(1));
    const semaphoresOf = (id: string): SemaphoreHandle => shared.allocate(id) ?? assert.fail('a new table has room');
    const workers = [0, 1].map(() => {
      const semaphores = new WorkerSemaphores(shared.memory, shared.claimWorkerIndex() ?? assert.fail(), clock);
      return worldOf({ semaphores, semaphoresOf, ...settings }, {}, clock);
    });
    const [one, two] = workers as [Http1World, Http1World];
    return { one, two, shared, semaphoresOf };
  }

  it('leave a part of the queue to others, also where an address has its connections in the other worker', () => {
    const { one, two } = twoWorkers({ queueMax: 32 });
    assert.equal(page(two), 200);
    ask(one, '/', { address: attacker });
    one.pass(1100);
    assert.equal(page(two), 200);
    attack(one, '/slow', 16, 1);
    for (let n = 0; n < 4; n++) ask(two, '/slow', { address: `198.51.100.${20 + n}` });
    two.pass(20);
    assert.ok(attack(two, '/slow', 100, 1).some(({ status }) => status === 503));
    const waits = ask(two, '/');
    two.pass(5);
    assert.equal(waits.status, 0, 'a visitor may wait');
  });

  it('leave connections and tunnels to an address that only the other worker knows', () => {
    const { one, two, shared, semaphoresOf } = twoWorkers();
    assert.equal(page(two), 200);
    ask(one, '/', { address: attacker });
    one.pass(1100);
    assert.equal(page(two), 200);
    attack(one, '/ws', 80, 1);
    attack(one, '/slow', 40, 1);
    const taken = one.counts.upstreamConnectionsLongLived;
    assert.ok(taken >= longLivedMax / 2 && taken < longLivedMax, `${taken}`);
    for (let round = 0; round < 5; round++) assert.equal(page(two), 200, `in round ${round}`);
    // What a worker had is free again when it has ended.
    const handle = semaphoresOf('10.0.0.1');
    assert.equal(shared.countsAt(handle).longLived, taken);
    shared.forget(0);
    assert.equal(shared.countsAt(handle).longLived, 0);
  });
});
