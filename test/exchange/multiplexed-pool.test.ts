import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { MemoryEndpointConnection } from '../../src/testing/memory-streams.ts';
import { type StreamSettings, StreamWorld } from './stream-world.ts';
import type { ClientActor, WorldOptions } from './world.ts';

/** One endpoint that answers when the test says so, whose connections carry two streams. */
function worldOf(settings: StreamSettings = {}, options: WorldOptions = { connectionsMax: 1 }): StreamWorld {
  return new StreamWorld(options, { streamsMax: 2, queueMax: 4, ...settings });
}

function ask(world: StreamWorld, target: string, method = 'GET'): ClientActor {
  const client = world.request({ target, method });
  world.pass(5);
  return client;
}

function targets(world: StreamWorld): string {
  return world
    .endpoint('a')
    .arrived.map(({ target }) => target)
    .join(' ');
}

function connectionOf(world: StreamWorld, index = 0): MemoryEndpointConnection {
  return world.endpoint('a').connections[index] ?? assert.fail(`no connection ${index}`);
}

function answer(world: StreamWorld, ...indexes: number[]): void {
  for (const index of indexes) world.endpoint('a').arrived[index]?.answer(200, 'ok');
  world.pass(5);
}

function end(world: StreamWorld): void {
  world.pass(100_000);
  world.verifyAtRest();
}

describe('a pool whose connections carry many streams', () => {
  it('sends requests at the same time on one connection', () => {
    const world = worldOf({ streamsMax: 50 });
    const clients = ['/first'].map((target) => ask(world, target));
    for (let number = 1; number < 50; number++) clients.push(world.request({ target: `/${number}` }));
    world.pass(5);
    assert.deepEqual([world.endpoint('a').connectionsMade, connectionOf(world).streamsOpen], [1, 50]);
    assert.equal(world.counts.upstreamConnectionsIdle, 0);
    answer(world, ...clients.keys());
    assert.ok(clients.every(({ status }) => status === 200));
    assert.equal(world.counts.upstreamConnectionsIdle, 1);
    end(world);
  });

  it('counts requests in flight as load, not connections', () => {
    const world = worldOf({ streamsMax: 50 }, { endpoints: ['a', 'b'] });
    world.endpoint('b').setState('unhealthy');
    for (let number = 0; number < 10; number++) ask(world, `/${number}`);
    world.endpoint('b').setState('healthy');
    // Ten requests on one connection: an endpoint with none gets the next ten.
    for (let number = 0; number < 10; number++) ask(world, `/${number}`);
    assert.deepEqual([world.endpoint('a').arrived.length, world.endpoint('b').arrived.length], [10, 10]);
    for (const name of ['a', 'b']) for (const request of world.endpoint(name).arrived) request.answer(200);
    end(world);
  });

  it('lets a request wait only when streams and connections are used up, and gives it the next free stream', () => {
    const world = worldOf({}, { connectionsMax: 2 });
    const clients = ['/1', '/2', '/3', '/4', '/5', '/6'].map((target) => ask(world, target));
    assert.equal(targets(world), '/1 /2 /3 /4');
    assert.equal(world.endpoint('a').connectionsMade, 2);
    answer(world, 1);
    assert.equal(targets(world), '/1 /2 /3 /4 /5');
    answer(world, 2, 0, 3, 4);
    answer(world, 5);
    assert.deepEqual(
      clients.map(({ status }) => status),
      [200, 200, 200, 200, 200, 200],
    );
    assert.deepEqual(
      world.endpoint('a').connections.map(({ streamsOpenMax }) => streamsOpenMax),
      [2, 2],
    );
    end(world);
  });

  it('refuses a request when the queue is full too', () => {
    const world = worldOf({ queueMax: 1 });
    for (const target of ['/1', '/2', '/3']) ask(world, target);
    assert.equal(ask(world, '/4').status, 503);
    assert.equal(world.records[0]?.failure?.cause, 'pool_full');
    answer(world, 0, 1);
    answer(world, 2);
    end(world);
  });

  it('gives all who wait a stream when the connection that is being dialed is there', () => {
    const world = worldOf({ streamsMax: 5 });
    const clients = ['/1', '/2', '/3', '/4'].map((target) => world.request({ target }));
    world.pass(5);
    assert.deepEqual([targets(world), world.endpoint('a').connectionsMade], ['/1 /2 /3 /4', 1]);
    answer(world, 0, 1, 2, 3);
    assert.ok(clients.every(({ status }) => status === 200));
    end(world);
  });

  it('opens no more streams on a connection that takes no more, while those that are open go on', () => {
    const world = worldOf({ streamsMax: 5 }, { connectionsMax: 2 });
    const [first, second] = ['/1', '/2'].map((target) => ask(world, target));
    connectionOf(world).goAway();
    const third = ask(world, '/3');
    assert.equal(world.endpoint('a').connectionsMade, 2);
    answer(world, 0);
    assert.equal(connectionOf(world).isClosed, false, 'a stream is still open');
    assert.equal(world.counts.upstreamConnections, 2);
    answer(world, 1, 2);
    assert.deepEqual([first?.status, second?.status, third.status], [200, 200, 200]);
    assert.deepEqual([connectionOf(world).isClosed, connectionOf(world).endReason], [true, 'going_away']);
    assert.equal(world.counts.upstreamConnections, 1);
    end(world);
  });

  it('holds the permit of such a connection until its last stream has ended', () => {
    const world = worldOf({ streamsMax: 5 });
    ask(world, '/1');
    connectionOf(world).goAway();
    const waiting = ask(world, '/2');
    assert.deepEqual([targets(world), waiting.status], ['/1', 0]);
    answer(world, 0);
    answer(world, 1);
    assert.deepEqual([targets(world), waiting.status], ['/1 /2', 200]);
    end(world);
  });

  it('notices when an idle connection takes no more streams', () => {
    const world = worldOf();
    ask(world, '/1');
    answer(world, 0);
    connectionOf(world).goAway();
    assert.deepEqual([world.counts.upstreamConnections, world.counts.upstreamConnectionsIdle], [0, 0]);
    ask(world, '/2');
    assert.equal(world.endpoint('a').connectionsMade, 2);
    answer(world, 1);
    end(world);
  });

  it('gives waiters the streams that an endpoint allows later', () => {
    const world = worldOf({ streamsMax: 1 });
    for (const target of ['/1', '/2', '/3']) ask(world, target);
    assert.equal(targets(world), '/1');
    connectionOf(world).allowStreams(3);
    world.pass(5);
    assert.equal(targets(world), '/1 /2 /3');
    connectionOf(world).allowStreams(1); // Fewer than are open.
    ask(world, '/4');
    answer(world, 0);
    assert.equal(targets(world), '/1 /2 /3');
    answer(world, 1, 2);
    assert.equal(targets(world), '/1 /2 /3 /4');
    answer(world, 3);
    end(world);
  });

  it('fails all streams of a connection that breaks, and dials one connection for those that are retried', () => {
    const world = worldOf({ streamsMax: 5 });
    const clients = ['/1', '/2', '/3'].map((target) => ask(world, target));
    connectionOf(world).lose();
    world.pass(10);
    // The first request met a new connection that broke: that is no stale connection, and there is no other endpoint.
    assert.deepEqual([targets(world), world.endpoint('a').connectionsMade], ['/1 /2 /3 /2 /3', 2]);
    answer(world, 3, 4);
    assert.deepEqual(
      clients.map(({ status }) => status),
      [502, 200, 200],
    );
    end(world);
  });

  it('lets a request that must not be repeated use a connection that carries others, however long it was made ago', () => {
    const world = worldOf();
    ask(world, '/slow');
    world.pass(2000);
    ask(world, '/post', 'POST');
    assert.deepEqual([targets(world), world.endpoint('a').connectionsMade], ['/slow /post', 1]);
    answer(world, 0, 1);
    end(world);
  });

  it('prefers a connection that carries streams where one that has been idle will not do', () => {
    const world = worldOf({}, { connectionsMax: 3 });
    for (const target of ['/1', '/2', '/3']) ask(world, target);
    answer(world, 1);
    answer(world, 2);
    world.pass(2000);
    ask(world, '/post', 'POST');
    assert.deepEqual([world.endpoint('a').connectionsMade, connectionOf(world).streamsOpen], [2, 2]);
    answer(world, 0, 3);
    end(world);
  });

  it('closes only idle connections to make room for another one', () => {
    const world = worldOf({ streamsMax: 1 }, { connectionsMax: 2 });
    for (const target of ['/1', '/2']) ask(world, target);
    answer(world, 1);
    world.pass(2000);
    ask(world, '/post', 'POST'); // It may not use the connection that has been idle.
    assert.deepEqual(
      world.endpoint('a').connections.map(({ isClosed }) => isClosed),
      [false, true, false],
    );
    answer(world, 0, 2);
    end(world);
  });

  it('is drained when its last stream has ended', () => {
    const world = worldOf();
    for (const target of ['/1', '/2']) ask(world, target);
    world.endpoint('a').setState('draining');
    answer(world, 0);
    assert.deepEqual(world.upstream.takeDrained(), []);
    answer(world, 1);
    assert.equal(world.upstream.takeDrained().length, 1);
    assert.equal(connectionOf(world).isClosed, true);
    end(world);
  });

  it('closes a connection after a long time without streams', () => {
    const world = worldOf();
    ask(world, '/1');
    answer(world, 0);
    world.pass(29_000);
    assert.equal(connectionOf(world).isClosed, false);
    world.pass(2000);
    assert.deepEqual([connectionOf(world).isClosed, world.counts.upstreamConnectionsIdle], [true, 0]);
    end(world);
  });
});
