import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { UpstreamId } from '../../src/core/endpoint.ts';
import type { ClientFacts } from '../../src/core/exchange.ts';
import { BufferAllowance } from '../../src/exchange/buffer-allowance.ts';
import type { ServingRevision } from '../../src/exchange/ports.ts';
import { MemoryTransport } from '../../src/testing/memory-transport.ts';
import { SeededRandom } from '../../src/testing/seeded-random.ts';
import { IdSource } from '../../src/wire/request-id.ts';
import { subrequests } from '../../src/worker/subrequests.ts';
import { type Http1Settings, Http1World } from './http1-world.ts';
import type { ArrivedRequest, ClientActor, WorldOptions } from './world.ts';

/** An endpoint that answers with the target it was asked for. */
function world(settings: Http1Settings, options: WorldOptions = {}): Http1World {
  const made = new Http1World(options, settings);
  made.endpoint('a').onRequest = (request) => request.answer(200, request.target);
  return made;
}

function ask(made: Http1World, target: string, method = 'GET'): ClientActor {
  const client = made.request({ target, method });
  made.pass(5);
  return client;
}

const reuses = ({ records }: Http1World): boolean[] => records.map(({ attempts }) => attempts[0]?.reused ?? false);

function end(made: Http1World): void {
  made.pass(100_000);
  made.verifyAtRest();
}

describe('reuse: never', () => {
  it('opens a connection for each request, and tells the endpoint that no other follows', () => {
    const made = world({ reuse: 'never' });
    for (const [target, method] of [
      ['/1', 'GET'],
      ['/2', 'POST'],
      ['/3', 'GET'],
    ] as const)
      assert.equal(ask(made, target, method).body.toString(), target);
    assert.deepEqual(reuses(made), [false, false, false]);
    assert.deepEqual(
      made.endpoint('a').arrived.map((request) => request.header('connection')),
      ['close', 'close', 'close'],
    );
    assert.equal(made.counts.upstreamConnections, 0, 'none is kept');
    end(made);
  });

  it('gives a request that waits for a connection one of its own', () => {
    const made = world({ reuse: 'never', queueMax: 2 }, { connectionsMax: 1 });
    const clients = ['/1', '/2', '/3'].map((target) => made.request({ target }));
    made.pass(50);
    assert.deepEqual(
      clients.map(({ body }) => body.toString()),
      ['/1', '/2', '/3'],
    );
    assert.equal(made.endpoint('a').connectionsMade, 3);
    end(made);
  });

  it('closes idle connections when a reload asks for it', () => {
    const made = world({});
    ask(made, '/1');
    assert.equal(made.counts.upstreamConnectionsIdle, 1);
    made.changedReuse('never');
    assert.equal(made.counts.upstreamConnectionsIdle, 0);
    ask(made, '/2');
    assert.deepEqual(reuses(made), [false, false]);
    end(made);
  });
});

describe('reuse: after_check', () => {
  it('looks at a connection before each reuse, however lately one was looked at', (test) => {
    const made = world({ reuse: 'after_check' });
    ask(made, '/1');
    const { mock } = test.mock.method(MemoryTransport.prototype, 'isQuiet');
    for (const target of ['/2', '/3', '/4']) ask(made, target);
    assert.deepEqual(reuses(made), [false, true, true, true]);
    assert.equal(mock.callCount(), 3);
    end(made);
  });

  for (const method of ['GET', 'POST']) {
    it(`sends a ${method} over another connection where bytes have come that nobody asked for`, () => {
      const made = world({ reuse: 'after_check' });
      ask(made, '/1');
      const client = made.request({ target: '/2', method });
      made.endpoint('a').arrived[0]?.answer(200, 'stray'); // In the same instant, and read after the request.
      made.pass(5);
      assert.equal(client.body.toString(), '/2');
      assert.deepEqual(reuses(made), [false, false]);
      assert.equal(made.counts.staleReusesAvoided, 1);
      end(made);
    });
  }

  it('gives a request in line another connection where bytes have come on the one that is given back', (test) => {
    const made = world({ reuse: 'after_check', queueMax: 1 }, { connectionsMax: 1 });
    const clients = ['/1', '/2'].map((target) => made.request({ target }));
    const { mock } = test.mock.method(MemoryTransport.prototype, 'isQuiet', () => false);
    made.pass(50);
    assert.deepEqual(
      clients.map(({ body }) => body.toString()),
      ['/1', '/2'],
    );
    assert.deepEqual([mock.callCount(), made.endpoint('a').connectionsMade], [1, 2]);
    end(made);
  });
});

describe("a question of the gateway's own", () => {
  /** Asks at the upstream of the world, as a service is asked who a user is. */
  function asking(made: Http1World): (target: string) => Promise<string> {
    const { clock, counts, upstream } = made;
    const buffers = new BufferAllowance(counts, 1_000_000);
    const ask = subrequests({
      clock,
      exchangePorts: () => ({ clock, buffers, ids: new IdSource(new SeededRandom('ask')), recorder: { ended() {} } }),
      current: () => made.created[0]?.serving as ServingRevision,
      upstream: () => upstream,
    });
    return async (target) => {
      const answer = ask({
        ...{ upstream: 'app' as UpstreamId, route: 'authentication of /', method: 'GET', target, authority: 'a' },
        ...{ headers: [], body: null, client: { ...made.created[0]?.client } as ClientFacts },
        ...{ limitMs: 2000, bodyBytesMax: 1000 },
      });
      for (let step = 0; step < 4; step++) {
        await new Promise(setImmediate);
        made.pass(1);
      }
      const result = await answer;
      return result.ok ? String(result.value.body) : result.failure.cause;
    };
  }

  /** The second answer to the first question comes then. */
  const strays: readonly (readonly [when: string, send: (made: Http1World, first: ArrivedRequest) => void])[] = [
    ['while the connection is idle', (made, first) => (first.answer(200, 'stray'), made.pass(5))],
    ['in the same instant as the next question', (_, first) => first.answer(200, 'stray')],
  ];
  for (const [when, send] of strays)
    it(`is not answered by a second answer to another one that comes ${when}`, async () => {
      const made = world({});
      ask(made, '/client');
      const put = asking(made);
      assert.equal(await put('/1'), '/1');
      const { arrived } = made.endpoint('a');
      send(made, arrived.at(-1) as ArrivedRequest);
      assert.equal(await put('/2'), '/2');
      end(made);
    });

  it('is not answered by what came right behind the answer to another one', async () => {
    const made = world({});
    ask(made, '/client');
    made.endpoint('a').onRequest = (request) => {
      request.answer(200, request.target);
      request.answer(200, 'stray');
    };
    const put = asking(made);
    assert.deepEqual([await put('/1'), await put('/2')], ['/1', '/2']);
    end(made);
  });
});

describe('a new connection whose endpoint speaks before it is asked', () => {
  it('serves one request only', () => {
    const made = world({ pairOptions: (side) => (side === 'endpoint' ? { holds: 'first' } : {}) });
    made.endpoint('a').greets = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly';
    const clients = ['/1', '/2'].map((target) => ask(made, target));
    assert.deepEqual(
      clients.map(({ body }) => body.toString()),
      ['early', 'early'],
      'each got what its own connection brought',
    );
    assert.deepEqual(reuses(made), [false, false]);
    end(made);
  });
});
