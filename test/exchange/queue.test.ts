import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { BalancedEndpoint, Balancer, BalancerContext } from '../../src/policy/balancer.ts';
import { type Http1Settings, Http1World } from './http1-world.ts';
import type { ArrivedRequest, ClientActor, WorldOptions } from './world.ts';

/** One endpoint with one connection at most, whose requests are answered when the test says so. */
function oneAtATime(
  settings: Http1Settings = {},
  options: WorldOptions = {},
): { world: Http1World; arrived: ArrivedRequest[] } {
  const world = new Http1World({ connectionsMax: 1, ...options }, { queueMax: 2, ...settings });
  const arrived: ArrivedRequest[] = [];
  world.endpoint('a').onRequest = (request) => void arrived.push(request);
  return { world, arrived };
}

function ask(world: Http1World, target: string, method = 'GET'): ClientActor {
  const client = world.request({ target, method });
  world.pass(5);
  return client;
}

/** The last failure that was recorded, with what it says of limits. */
function causeText(world: Http1World): string {
  const failure = world.records.at(-1)?.failure;
  if (failure === null || failure === undefined) return 'none';
  const { limit, queueMax } = failure.evidence as { limit?: number; queueMax?: number };
  return `${failure.cause} limit=${limit}${queueMax === undefined ? '' : ` queueMax=${queueMax}`}`;
}

class FirstUntried<E extends BalancedEndpoint> implements Balancer<E> {
  #endpoints: readonly E[] = [];

  update(endpoints: readonly E[]): void {
    this.#endpoints = endpoints;
  }

  pick({ tried }: BalancerContext<E>): E | null {
    return this.#endpoints.find((endpoint) => !tried.includes(endpoint)) ?? null;
  }
}

describe('a request that finds all connections in use', () => {
  it('waits, and gets the connection as it comes back, in the order in which requests came', () => {
    const { world, arrived } = oneAtATime();
    const clients = ['/1', '/2', '/3'].map((target) => ask(world, target));
    assert.deepEqual(
      arrived.map(({ target }) => target),
      ['/1'],
    );
    for (const [index, client] of clients.entries()) {
      arrived[index]?.answer(200, 'ok');
      world.pass(5);
      assert.equal(client.status, 200);
    }
    assert.deepEqual(
      arrived.map(({ target }) => target),
      ['/1', '/2', '/3'],
    );
    assert.equal(world.endpoint('a').connectionsMade, 1);
    assert.deepEqual(
      world.records.map(({ attempts }) => (attempts[0]?.queuedMs ?? -1) > 0),
      [false, true, true],
      'the record says how long each waited',
    );
    world.pass(100_000);
    world.verifyAtRest();
  });

  it('is refused at once when the queue is full', () => {
    const { world, arrived } = oneAtATime();
    for (const target of ['/1', '/2', '/3']) ask(world, target);
    const refused = ask(world, '/4');
    assert.equal(refused.status, 503);
    assert.equal(causeText(world), 'pool_full limit=1 queueMax=2');
    assert.ok(Number(refused.header('retry-after')) >= 1);
    while (arrived.some((one) => !one.gone) && world.records.length < 4) {
      arrived.at(-1)?.answer(200, 'ok');
      world.pass(5);
    }
    world.pass(100_000);
    world.verifyAtRest();
  });

  it('is refused after one attempt by a route with retries too: repeating it would make the overload last', () => {
    const { world, arrived } = oneAtATime({}, { retry: { attemptsMax: 3 } });
    for (const target of ['/1', '/2', '/3']) ask(world, target);
    const refused = ask(world, '/4');
    assert.equal(refused.status, 503);
    assert.deepEqual(
      world.records.map(({ attempts }) => attempts.map(({ retryReason }) => retryReason)),
      [['nowhere_else']],
    );
    for (let index = 0; index < 3; index++) {
      arrived[index]?.answer(200, 'ok');
      world.pass(5);
    }
    world.pass(100_000);
    world.verifyAtRest();
  });

  it('goes to an endpoint that has room, on a connection that is already there', () => {
    const world = new Http1World(
      { endpoints: ['a', 'b'], connectionsMax: 1 },
      { queueMax: 0, balancerOf: () => () => new FirstUntried() },
    );
    const arrived = { a: [] as ArrivedRequest[], b: [] as ArrivedRequest[] };
    for (const name of ['a', 'b'] as const) {
      world.endpoint(name).onRequest = (request) => void arrived[name].push(request);
    }
    for (let round = 0; round < 3; round++) {
      const clients = [ask(world, '/first'), ask(world, '/second')];
      arrived.a[round]?.answer(200, 'ok');
      arrived.b[round]?.answer(200, 'ok');
      world.pass(5);
      assert.deepEqual(
        clients.map(({ status }) => status),
        [200, 200],
      );
    }
    assert.deepEqual([world.endpoint('a').connectionsMade, world.endpoint('b').connectionsMade], [1, 1]);
    world.pass(100_000);
    world.verifyAtRest();
  });

  it('is answered when it has waited for the limit: nothing was sent, and it is not tried again', () => {
    const { world, arrived } = oneAtATime();
    ask(world, '/1');
    const late = ask(world, '/2');
    world.pass(1950);
    assert.equal(late.status, 0);
    world.pass(80);
    assert.equal(late.status, 503);
    assert.match(causeText(world), /^queue_timeout limit=1/);
    const [record] = world.records;
    assert.equal(record?.delivery, 'not_sent');
    assert.deepEqual(
      record?.attempts.map(({ retryReason }) => retryReason),
      ['no_time_left'],
    );
    // As it stands, one request in the queue takes longer than it has taken by now.
    assert.ok(Number(late.header('retry-after')) >= 2, String(late.header('retry-after')));
    arrived[0]?.answer(200, 'ok');
    world.pass(100_000);
    world.verifyAtRest();
  });

  it('leaves the queue with its client, and makes room there', () => {
    const { world, arrived } = oneAtATime();
    const [, second, third] = ['/1', '/2', '/3'].map((target) => ask(world, target));
    second?.leave();
    world.pass(5);
    const fourth = ask(world, '/4');
    assert.equal(fourth.status, 0, 'it waits');
    for (let index = 0; index < 3; index++) {
      arrived[index]?.answer(200, 'ok');
      world.pass(5);
    }
    assert.deepEqual([third?.status, fourth.status], [200, 200]);
    assert.deepEqual(
      arrived.map(({ target }) => target),
      ['/1', '/3', '/4'],
    );
    world.pass(100_000);
    world.verifyAtRest();
  });

  it('gets its turn when the dial before it has failed', () => {
    let refuses = true;
    const { world, arrived } = oneAtATime({
      connectMs: () => 50,
      connectFault: () => (refuses ? 'EHOSTUNREACH' : null),
    });
    const first = ask(world, '/1');
    refuses = false;
    const second = ask(world, '/2');
    world.pass(100);
    assert.equal(first.status, 502);
    assert.equal(arrived.length, 1);
    arrived[0]?.answer(200, 'ok');
    world.pass(5);
    assert.equal(second.status, 200);
    world.pass(100_000);
    world.verifyAtRest();
  });

  it('fails at once when the connection before it was refused, and no other is tried', () => {
    let tried = 0;
    const { world } = oneAtATime({
      connectMs: () => 50,
      connectFault: () => {
        tried++;
        return 'ECONNREFUSED';
      },
    });
    const clients = ['/1', '/2', '/3'].map((path) => ask(world, path));
    world.pass(60);
    assert.deepEqual(
      clients.map(({ status }) => status),
      [502, 502, 502],
    );
    assert.equal(tried, 1);
    world.pass(100_000);
    world.verifyAtRest();
  });

  it('has its turn when the exchange before it is cut by the endpoint', () => {
    const { world, arrived } = oneAtATime();
    ask(world, '/1', 'POST');
    const second = ask(world, '/2');
    arrived[0]?.breakOff('reset');
    world.pass(20);
    arrived[1]?.answer(200, 'ok');
    world.pass(5);
    assert.equal(second.status, 200);
    assert.equal(world.endpoint('a').connectionsMade, 2);
    world.pass(100_000);
    world.verifyAtRest();
  });

  it('may still use the endpoint that it waits for when that has been removed', () => {
    const { world, arrived } = oneAtATime();
    ask(world, '/1');
    const second = ask(world, '/2');
    world.endpoint('a').setState('gone');
    arrived[0]?.answer(200, 'ok');
    world.pass(10);
    arrived[1]?.answer(200, 'ok');
    world.pass(5);
    assert.equal(second.status, 200);
    world.pass(100_000);
    world.verifyAtRest();
  });

  it('has its connection at once when a reload allows more of them', () => {
    const options = { connectionsMax: 1 };
    const world = new Http1World(options, { queueMax: 2 });
    const arrived: ArrivedRequest[] = [];
    world.endpoint('a').onRequest = (request) => void arrived.push(request);
    const clients = ['/1', '/2'].map((target) => ask(world, target));
    options.connectionsMax = 2;
    world.changedTls(null);
    world.pass(5);
    assert.equal(arrived.length, 2);
    for (const request of arrived) request.answer(200, 'ok');
    world.pass(5);
    assert.deepEqual(
      clients.map(({ status }) => status),
      [200, 200],
    );
    world.pass(100_000);
    world.verifyAtRest();
  });

  it('is counted as under way there, so that the endpoint is not drained before', () => {
    const { world, arrived } = oneAtATime();
    ask(world, '/1');
    ask(world, '/2');
    world.endpoint('a').setState('draining');
    arrived[0]?.answer(200, 'ok');
    world.pass(10);
    assert.deepEqual(world.upstream.takeDrained(), []);
    arrived[1]?.answer(200, 'ok');
    world.pass(10);
    assert.equal(world.upstream.takeDrained().length, 1);
    world.pass(100_000);
    world.verifyAtRest();
  });

  it('says in Retry-After how long the queue takes as it moves', () => {
    const { world, arrived } = oneAtATime({ queueMax: 3 });
    for (let index = 0; index < 12; index++) ask(world, `/${index}`);
    for (let index = 0; index < 8; index++) {
      world.pass(400);
      arrived[index]?.answer(200, 'ok');
      world.pass(5);
      ask(world, `/more-${index}`);
    }
    const refused = ask(world, '/refused');
    assert.equal(refused.status, 503);
    // Four of 0.4 s each, where the pace has not settled yet since the second that it began with.
    assert.ok(['2', '3'].includes(refused.header('retry-after') ?? ''), String(refused.header('retry-after')));
    for (let index = 8; index < arrived.length + 1 && index < 40; index++) {
      arrived[index]?.answer(200, 'ok');
      world.pass(5);
    }
    world.pass(100_000);
    world.verifyAtRest();
  });
});
