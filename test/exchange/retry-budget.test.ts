import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Http1World } from './http1-world.ts';

/** Two endpoints that take every request and hang up without an answer. */
function failing(): Http1World {
  const world = new Http1World({ endpoints: ['a', 'b'] });
  for (const name of ['a', 'b']) world.endpoint(name).onRequest = (request) => request.breakOff('closed');
  return world;
}

function arrived(world: Http1World): number {
  return world.endpoint('a').arrived.length + world.endpoint('b').arrived.length;
}

describe('where everything fails', () => {
  it('a few requests are retried, each once', () => {
    const world = failing();
    for (let n = 0; n < 5; n++) world.request({});
    world.pass(100);
    assert.equal(arrived(world), 10);
    assert.deepEqual(
      [...new Set(world.records.map(({ attempts }) => attempts.at(-1)?.retryReason))],
      ['attempts_spent'],
    );
  });

  it('a hundred at once make half more, not twice the load, and the others say why', () => {
    const world = failing();
    for (let n = 0; n < 100; n++) world.request({});
    world.pass(1000);
    assert.equal(world.records.length, 100);
    const repeated = world.records.filter(({ attempts }) => attempts.length === 2).length;
    assert.ok(repeated >= 48 && repeated <= 51, `${repeated} were repeated`);
    assert.equal(arrived(world), 100 + repeated);
    for (const { attempts, statusSent } of world.records) {
      assert.equal(statusSent, 502);
      assert.equal(attempts.at(-1)?.retryReason, attempts.length === 2 ? 'attempts_spent' : 'budget_spent');
    }
  });

  it('later there is room again', () => {
    const world = failing();
    for (let n = 0; n < 100; n++) world.request({});
    world.pass(3000);
    world.request({});
    world.pass(100);
    assert.equal(world.records.at(-1)?.attempts.length, 2);
  });
});

describe('retries that cost no endpoint work are not counted', () => {
  it('requests of which nothing was sent are retried elsewhere, however many', () => {
    const world = new Http1World({ endpoints: ['a', 'b'] });
    world.endpoint('a').accepts = 'refuses';
    world.endpoint('b').onRequest = (request) => request.answer(200);
    for (let n = 0; n < 90; n++) world.request({ method: 'POST' });
    world.pass(1000);
    assert.ok(world.records.every(({ statusSent }) => statusSent === 200));
  });

  it('nor are retries after a stale connection', () => {
    const world = new Http1World({ endpoints: ['a'] });
    world.endpoint('a').onRequest = (request) => request.answer(200);
    const send = (round: string): void => {
      for (let n = 0; n < 10; n++) world.request({ target: `/${round}/${n}` });
      world.pass(10);
    };
    send('first');
    // From now on each kept connection is closed just as a request goes over it.
    const seen = new Set<string>();
    world.endpoint('a').onRequest = (request) => {
      if (seen.has(request.target)) return request.answer(200);
      seen.add(request.target);
      request.breakOff('closed');
    };
    for (const round of ['second', 'third', 'fourth', 'fifth']) send(round);
    assert.equal(world.records.filter(({ attempts }) => attempts.length === 2).length, 40);
    assert.ok(world.records.every(({ statusSent }) => statusSent === 200));
  });
});
