import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Http1World } from './http1-world.ts';
import type { Http2Line } from './http2-client.ts';

/** More than the gateway reads of one connection in a turn. */
const many = 100;

function world(): Http1World {
  const made = new Http1World({ connectionsMax: 2 * many }, { clients: 'h2' });
  made.endpoint('a').onRequest = (request) => request.answer(200, `to ${request.target}`);
  return made;
}

describe('a client that resets each of many requests at once', () => {
  it('makes the gateway send none of them, wherever a slice of what it reads ends', () => {
    const one = world();
    for (let index = 0; index < many; index++) {
      one.request({ target: `/${index}` }, { connection: 'busy' });
      const { session } = one.http2Lines.get('busy') ?? assert.fail();
      session.eachStream((stream) => session.reset(stream, 'CANCEL'));
    }
    one.pass(200);
    const sent = one.records.filter(({ attempts }) => attempts.length > 0);
    assert.deepEqual([one.records.length, sent.length], [many, 0]);
    one.verifyAtRest();
  });
});

describe('a client that is strained', () => {
  it('has four requests begun every 9 ms, however many it has sent, and all of them in the end', () => {
    const one = world();
    const line = (): Http2Line => one.http2Lines.get('busy') ?? assert.fail();
    for (let index = 0; index < 150; index++) {
      one.request({}, { connection: 'busy' });
      line().session.eachStream((stream) => line().session.reset(stream, 'CANCEL'));
    }
    one.pass(200);
    const endpoint = one.endpoint('a');
    assert.equal(endpoint.arrived.length, 0, 'all of them were reset');
    for (let index = 0; index < many; index++) one.request({ target: `/${index}` }, { connection: 'busy' });
    for (let turn = 1; turn <= 10; turn++) {
      one.pass(9);
      assert.ok(endpoint.arrived.length <= 4 * turn + 4, `${endpoint.arrived.length} after ${9 * turn} ms`);
    }
    one.pass(500);
    assert.equal(endpoint.arrived.length, many);
    assert.deepEqual([line().goAways, line().closed], [[], false]);
    one.verifyAtRest();
  });
});

describe('a client that sends many requests at once', () => {
  it('gets all of its responses', () => {
    const one = world();
    const clients = Array.from({ length: many }, (_, index) =>
      one.request({ target: `/${index}` }, { connection: 'busy' }),
    );
    one.pass(200);
    assert.deepEqual(
      clients.map(({ content }) => content.toString()),
      clients.map((_, index) => `to /${index}`),
    );
    one.verifyAtRest();
  });

  it('lets other clients have their turn before its last requests', () => {
    const one = world();
    for (let index = 0; index < many; index++) one.request({ target: `/${index}` }, { connection: 'busy' });
    one.request({ target: '/quiet' }, { connection: 'quiet' });
    one.pass(200);
    const order = one.endpoint('a').arrived.map(({ target }) => target);
    assert.equal(order.length, many + 1);
    assert.ok(order.indexOf('/quiet') < many / 2, `it was number ${order.indexOf('/quiet')}`);
    one.verifyAtRest();
  });

  it('is not cut by a drain before all that has come is read', () => {
    const one = world();
    const clients = Array.from({ length: many }, (_, index) =>
      one.request({ target: `/${index}` }, { connection: 'busy' }),
    );
    // Behind the first part, before the rest.
    one.clock.schedule(one.clock.now(), () => one.closeIdle(), null);
    one.pass(500);
    assert.deepEqual(new Set(clients.map(({ status }) => status)), new Set([200]));
    one.verifyAtRest();
  });
});
