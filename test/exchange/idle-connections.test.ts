import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { MemoryTransport } from '../../src/testing/memory-transport.ts';
import { unbuffered } from './cases.ts';
import { Http1World } from './http1-world.ts';

/** An endpoint that closes its connections when they have been idle for a second. */
function closingAfterASecond(): {
  readonly world: Http1World;
  readonly ask: (afterMs: number, method?: string) => void;
} {
  const world = new Http1World();
  const endpoint = world.endpoint('a');
  let used = 0;
  endpoint.onRequest = (request) => {
    request.answer(200, 'ok');
    const use = ++used;
    const closeIdle = (): void => {
      if (use === used) endpoint.die('closed');
    };
    world.clock.schedule((world.clock.now() + 1000) as ReturnType<typeof world.clock.now>, closeIdle, null);
  };
  const ask = (afterMs: number, method = 'GET'): void => {
    world.pass(afterMs);
    world.request({ method });
    world.pass(5);
  };
  return { world, ask };
}

const reuses = (world: Http1World): boolean[] => world.records.map(({ attempts }) => attempts[0]?.reused ?? false);

describe('connections between requests', () => {
  it('are used again while they are young', () => {
    const { world, ask } = closingAfterASecond();
    ask(0);
    ask(900);
    ask(900);
    assert.deepEqual(reuses(world), [false, true, true]);
  });

  it('are let go in time once their endpoint was seen to close them twice after the same while', () => {
    const { world, ask } = closingAfterASecond();
    ask(0);
    ask(1500);
    ask(1500);
    ask(900);
    ask(700);
    assert.deepEqual(reuses(world), [false, false, false, false, true], '0.8 s is what is left of the second');
    world.pass(100_000);
    world.verifyAtRest();
  });

  for (const [method, answered] of [
    ['POST', [false]],
    ['GET', [true, false]],
  ] as const) {
    it(`carry no ${method} when their end has come, though nobody has heard of it${method === 'GET' ? ' but it goes again' : ''}`, () => {
      const world = new Http1World();
      const endpoint = world.endpoint('a');
      endpoint.onRequest = (request) => request.answer(200, 'ok');
      world.request({});
      world.pass(100);
      world.request({ method });
      endpoint.die('closed'); // In the same instant, and seen after the request.
      world.pass(100);
      const record = world.records[1];
      assert.deepEqual([record?.statusSent, record?.attempts.map(({ reused }) => reused)], [200, answered]);
      world.pass(100_000);
      world.verifyAtRest();
    });
  }

  it('are looked at before a GET that may be tried only once: it goes on a fresh one', () => {
    const world = new Http1World({ attemptsMax: 1 });
    const endpoint = world.endpoint('a');
    endpoint.onRequest = (request) => request.answer(200, 'ok');
    world.request({});
    world.pass(100);
    world.request({});
    endpoint.die('closed'); // In the same instant, and seen after the request.
    world.pass(100);
    const record = world.records[1];
    assert.deepEqual([record?.statusSent, record?.attempts.map(({ reused }) => reused)], [200, [false]]);
    assert.equal(world.counts.staleReusesAvoided, 1);
    world.pass(100_000);
    world.verifyAtRest();
  });

  it('are looked at once where the endpoint has just kept another one open', (test) => {
    const world = new Http1World();
    world.endpoint('a').onRequest = (request) => request.answer(200, 'ok');
    const askTwice = (): void => {
      world.request({ method: 'POST' });
      world.request({ method: 'POST' });
      world.pass(100);
    };
    askTwice();
    const { mock } = test.mock.method(MemoryTransport.prototype, 'isQuiet');
    askTwice();
    assert.deepEqual(reuses(world), [false, false, true, true]);
    assert.equal(mock.callCount(), 1);
    askTwice();
    assert.equal(mock.callCount(), 2, 'what was known 100 ms ago is known no more');
    world.pass(100_000);
    world.verifyAtRest();
  });

  it('carry a GET that may be tried only once however long they have been idle, if nothing has come of them', () => {
    const world = new Http1World({ attemptsMax: 1 });
    world.endpoint('a').onRequest = (request) => request.answer(200, 'ok');
    world.request({});
    world.pass(900);
    world.request({});
    world.pass(100);
    assert.deepEqual(reuses(world), [false, true]);
    world.pass(100_000);
    world.verifyAtRest();
  });

  for (const method of ['GET', 'POST']) {
    for (const [what, happens] of [
      ['FIN', (endpoint) => endpoint.die('closed')],
      ['RST', (endpoint) => endpoint.die('reset')],
      ['a 408 of its own', (endpoint) => endpoint.arrived[0]?.answer(408, 'too late')],
    ] as readonly (readonly [string, (endpoint: ReturnType<Http1World['endpoint']>) => void])[]) {
      it(`send nothing of a ${method} when ${what} comes before it has left: it goes on a fresh one`, () => {
        const world = new Http1World({}, { pairOptions: (side) => (side === 'endpoint' ? { holds: 'first' } : {}) });
        const endpoint = world.endpoint('a');
        endpoint.onRequest = (request) => request.answer(200, 'ok');
        world.request({});
        world.pass(2);
        world.request({ method });
        happens(endpoint); // In the same instant, and read after the request.
        world.pass(100);
        const { statusSent, attempts = [] } = world.records[1] ?? {};
        assert.deepEqual(
          [statusSent, attempts.map(({ reused, retryReason }) => [reused, retryReason])],
          [
            200,
            [
              [true, 'nothing_sent'],
              [false, 'accepted'],
            ],
          ],
        );
        assert.deepEqual(
          endpoint.arrived.map((request) => request.method),
          ['GET', method],
        );
        world.pass(100_000);
        world.verifyAtRest();
      });
    }
  }

  for (const [what, body, rest] of [
    ['all of its content', 'whole', ''],
    ['the beginning of its content', 'begin', 'ning'],
    ['none of its content yet', '', 'all'],
  ] as const) {
    it(`give a POST back with ${what}, which goes on a fresh one`, () => {
      const world = new Http1World(unbuffered, {
        pairOptions: (side) => (side === 'endpoint' ? { holds: 'first' } : {}),
      });
      const endpoint = world.endpoint('a');
      endpoint.onRequest = (request) => {
        if (request.method === 'GET') request.answer(200, 'ok');
      };
      world.request({});
      world.pass(2);
      const client = world.request({ method: 'POST', expects: body.length + rest.length });
      if (body !== '') client.write(body);
      endpoint.die('closed');
      world.pass(5);
      if (rest !== '') client.write(rest);
      world.pass(5);
      const [, again, ...more] = endpoint.arrived;
      assert.deepEqual([again?.method, again?.body.toString(), more], ['POST', body + rest, []]);
      again?.answer(201, 'made');
      world.pass(5);
      assert.deepEqual(
        world.records[1]?.attempts.map(({ reused, retryReason }) => [reused, retryReason]),
        [
          [true, 'nothing_sent'],
          [false, 'accepted'],
        ],
      );
      assert.deepEqual(
        world.records[1]?.attempts.map(({ bytesToEndpoint }) => bytesToEndpoint),
        [0, body.length + rest.length],
      );
      assert.equal(world.records[1]?.statusSent, 201);
      world.pass(100_000);
      world.verifyAtRest();
    });
  }

  it('are not chosen any more once their end has been read', () => {
    const world = new Http1World();
    const endpoint = world.endpoint('a');
    endpoint.onRequest = (request) => request.answer(200, 'ok');
    world.request({});
    world.pass(2);
    endpoint.die('closed');
    world.pass(1);
    assert.equal(world.counts.upstreamConnectionsIdle, 0);
    world.request({ method: 'POST' });
    world.pass(2);
    assert.deepEqual(
      world.records[1]?.attempts.map(({ reused, failure }) => [reused, failure]),
      [[false, null]],
    );
  });

  it('carry no PUT with a body for longer than a POST: its body is there once', () => {
    const { world, ask } = closingAfterASecond();
    ask(0);
    world.pass(600);
    world.request({ method: 'PUT', body: 'x' });
    world.pass(5);
    assert.deepEqual(reuses(world), [false, false]);
  });

  it('carry no POST when they have been idle for half a second: its loss could not be made good', () => {
    const { world, ask } = closingAfterASecond();
    ask(0);
    ask(400, 'POST');
    ask(600, 'POST');
    assert.deepEqual(reuses(world), [false, true, false]);
  });
});
