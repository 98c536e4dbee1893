import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { EndpointSnapshot } from '../../src/core/snapshot.ts';
import { fail } from '#failures/failure.ts';
import { type Http1Settings, Http1World } from './http1-world.ts';
import type { ClientActor, WorldOptions } from './world.ts';

const whenNoneReady = { waitMs: 5000, waitersMax: 256 };

function worldOf(settings: Http1Settings = {}, options: WorldOptions = {}): Http1World {
  const world = new Http1World(options, { whenNoneReady, queueMax: 1000, ...settings });
  for (const name of options.endpoints ?? ['a']) {
    world.endpoint(name).onRequest = (request) => request.answer(200, request.target);
  }
  return world;
}

/** The process behind the endpoint ends; nothing listens there. */
function stop(world: Http1World, name = 'a'): void {
  world.endpoint(name).die('closed');
  world.endpoint(name).accepts = 'refuses';
}

/** Another process listens there. */
function comesBack(world: Http1World, name = 'a'): void {
  world.endpoint(name).onRequest = (request) => request.answer(200, request.target);
  world.endpoint(name).accepts = 'yes';
}

/** How often the endpoint got this request. */
function arrivals(world: Http1World, target: string, name = 'a'): number {
  return world.endpoint(name).arrived.filter((request) => request.target === target).length;
}

/** The main thread has found the endpoint in this state. */
function found(world: Http1World, state: EndpointSnapshot['state'], name = 'a'): void {
  world.endpoint(name).state = state;
  world.changed();
}

function ask(world: Http1World, target = '/', method = 'GET'): ClientActor {
  const client = world.request({ target, method });
  world.pass(5);
  return client;
}

const lastCause = (world: Http1World): string | undefined => world.records.at(-1)?.failure?.cause;

function rests(world: Http1World): void {
  world.pass(100_000);
  world.verifyAtRest();
  assert.equal(world.counts.readyWaiters, 0);
}

describe('while no endpoint is ready, a request', () => {
  for (const method of ['GET', 'POST']) {
    it(`waits for a single endpoint that restarts, and none fails: ${method}`, () => {
      const world = worldOf();
      ask(world, '/0');
      stop(world);
      const clients: ClientActor[] = [];
      for (let ms = 0; ms < 2000; ms += 50) {
        clients.push(world.request({ target: `/${ms}`, method }));
        world.pass(50);
      }
      world.endpoint('a').accepts = 'yes';
      world.pass(1100);
      assert.deepEqual(
        clients.map(({ status }) => status),
        clients.map(() => 200),
      );
      assert.ok(world.records.some(({ waitedMs = -1 }) => waitedMs > 1500));
      rests(world);
    });
  }

  for (const method of ['GET', 'POST']) {
    it(`waits, if its connection is reset while it is opened, because the process that listened was killed: ${method}`, () => {
      let isKilled = true;
      const world = worldOf({ connectFault: () => (isKilled ? 'ECONNRESET' : null) });
      world.pass(1000);
      const client = world.request({ target: '/', method });
      world.pass(20);
      isKilled = false;
      world.endpoint('a').accepts = 'refuses';
      world.pass(1000);
      assert.equal(client.status, 0);
      comesBack(world);
      world.pass(2000);
      assert.deepEqual([client.status, arrivals(world, '/')], [200, 1]);
      assert.equal(world.records.at(-1)?.attempts[0]?.failure?.cause, 'connect_reset');
      rests(world);
    });
  }

  it('waits, though a kept connection still seems to live: its next attempt needs a new one, which is refused', () => {
    const world = worldOf();
    world.endpoint('a').onRequest = () => {};
    const first = [world.request({ target: '/1' }), world.request({ target: '/2' })];
    world.pass(20);
    for (const request of world.endpoint('a').arrived) request.answer(200, 'ok');
    world.pass(20);
    assert.deepEqual(
      first.map(({ status }) => status),
      [200, 200],
    );
    world.endpoint('a').onRequest = (request) => request.breakOff('closed');
    world.endpoint('a').accepts = 'refuses';
    const client = world.request({ target: '/' });
    world.pass(500);
    assert.equal(client.status, 0);
    comesBack(world);
    world.pass(2000);
    const { attempts = [], waitedMs = -1 } = world.records.at(-1) ?? {};
    assert.equal(client.status, 200);
    assert.ok(attempts.length <= 4 && waitedMs > 400, `${attempts.length} attempts, ${waitedMs} ms`);
    rests(world);
  });

  it('waits until the main thread says that an endpoint is healthy again, and the record says how long', () => {
    const world = worldOf();
    stop(world);
    found(world, 'unhealthy');
    const client = ask(world);
    assert.equal(world.counts.readyWaiters, 1);
    world.pass(1995);
    assert.equal(client.status, 0);
    world.endpoint('a').accepts = 'yes';
    found(world, 'healthy');
    world.pass(5);
    assert.equal(client.status, 200);
    const { waitedMs = -1, attempts = [] } = world.records.at(-1) ?? {};
    assert.ok(waitedMs >= 1990 && waitedMs <= 2010, `${waitedMs}`);
    assert.equal(attempts.length, 1);
    rests(world);
  });

  it('goes on in the order in which it came', () => {
    const world = worldOf({}, { connectionsMax: 1 });
    found(world, 'unhealthy');
    for (let number = 0; number < 20; number++) ask(world, `/${number}`);
    found(world, 'healthy');
    world.pass(200);
    assert.deepEqual(
      world.endpoint('a').arrived.map(({ target }) => target),
      Array.from({ length: 20 }, (_, number) => `/${number}`),
    );
    rests(world);
  });

  it('waits on while the endpoint that is back has no room for it, so that none fails', () => {
    const world = worldOf({ queueMax: 2 }, { connectionsMax: 3 });
    found(world, 'unhealthy');
    const clients = Array.from({ length: 40 }, (_, number) => world.request({ target: `/${number}` }));
    world.pass(50);
    world.endpoint('a').onRequest = () => {};
    found(world, 'healthy');
    for (let answered = 0; answered < 40; answered++) {
      world.pass(30);
      world.endpoint('a').arrived[answered]?.answer(200, 'ok');
    }
    world.pass(50);
    assert.deepEqual(new Set(clients.map(({ status }) => status)), new Set([200]));
    rests(world);
  });

  it('gets the failure when its time is over: with Retry-After if there was no attempt, else that of the attempt', () => {
    const world = worldOf();
    found(world, 'unhealthy');
    const client = ask(world);
    world.pass(5100);
    assert.equal(client.status, 503);
    assert.match(client.header('retry-after') ?? '', /^\d+$/);
    assert.equal(lastCause(world), 'no_endpoint_ready');
    assert.ok((world.records.at(-1)?.waitedMs ?? 0) >= 5000);
    found(world, 'healthy');
    stop(world);
    const other = ask(world);
    world.pass(6000);
    assert.equal(other.status, 502);
    assert.equal(lastCause(world), 'connect_refused');
    assert.equal(world.records.at(-1)?.attempts[0]?.retryReason, 'may_return');
    rests(world);
  });

  it('is answered at once when as many wait as may', () => {
    const world = worldOf({ whenNoneReady: { waitMs: 5000, waitersMax: 2 } });
    found(world, 'unhealthy');
    const clients = [ask(world), ask(world), ask(world)];
    assert.deepEqual(
      clients.map(({ status }) => status),
      [0, 0, 503],
    );
    found(world, 'healthy');
    world.pass(50);
    assert.deepEqual(
      clients.map(({ status }) => status),
      [200, 200, 503],
    );
    rests(world);
  });

  for (const uses of ['used', 'fresh'] as const) {
    it(`waits, if it was in flight on a ${uses} connection when the process of the only endpoint ended, and is sent again: a GET`, () => {
      const world = worldOf();
      if (uses === 'used') ask(world, '/0');
      world.endpoint('a').onRequest = () => {};
      const client = ask(world, '/lost');
      stop(world);
      world.pass(1000);
      assert.equal(client.status, 0);
      comesBack(world);
      world.pass(1100);
      assert.equal(client.status, 200);
      assert.equal(arrivals(world, '/lost'), 2);
      rests(world);
    });
  }

  it('gets, if it waited in vain after its process had ended, the failure of its attempt, and the record why no endpoint is ready', () => {
    const world = worldOf();
    world.endpoint('a').onRequest = () => {};
    const client = ask(world);
    stop(world);
    found(world, 'unhealthy');
    world.pass(6000);
    assert.equal(client.status, 502);
    const attempt = world.records.at(-1)?.attempts.at(-1);
    assert.equal(attempt?.failure?.cause, 'closed_before_response');
    assert.equal(attempt.noneReady?.cause, 'no_endpoint_ready');
    assert.equal(attempt.retryReason, 'nowhere_else');
    rests(world);
  });

  it('waits, if it lost a used connection and the fresh one after it to the process that ends', () => {
    const world = worldOf();
    ask(world, '/0');
    world.endpoint('a').onRequest = (request) => {
      request.breakOff('reset');
      if (arrivals(world, '/lost') === 2) world.endpoint('a').accepts = 'refuses';
    };
    const client = ask(world, '/lost');
    world.pass(500);
    assert.equal(client.status, 0);
    comesBack(world);
    world.pass(1100);
    assert.equal(client.status, 200);
    assert.equal(arrivals(world, '/lost'), 3);
    rests(world);
  });

  for (const retry of [undefined, { backoffMs: 10, backoffMaxMs: 10 }])
    it(`is not sent again to the process that ends, whose listener outlives its connections by a moment${retry === undefined ? '' : ', though its route retries sooner'}`, () => {
      const world = worldOf({}, retry === undefined ? {} : { retry });
      world.endpoint('a').onRequest = (request) => request.breakOff('reset');
      const client = ask(world, '/lost');
      world.pass(30);
      stop(world);
      world.pass(500);
      assert.deepEqual([client.status, arrivals(world, '/lost')], [0, 1]);
      comesBack(world);
      world.pass(1100);
      assert.deepEqual([client.status, arrivals(world, '/lost')], [200, 2]);
      rests(world);
    });

  it('gets the failure of its attempt if no endpoint comes back, and the attempt says that no other followed', () => {
    const world = worldOf();
    world.endpoint('a').onRequest = () => {};
    const client = ask(world, '/lost');
    stop(world);
    world.pass(8000);
    assert.equal(client.status, 502);
    const { attempts = [] } = world.records.at(-1) ?? {};
    assert.equal(attempts.at(-1)?.retry, false);
    assert.equal(attempts.at(-1)?.retryReason, 'nowhere_else');
    rests(world);
  });

  it('is not sent again after it was in flight when the process ended, and gets 502 with sent_unknown: a POST', () => {
    const world = worldOf();
    world.endpoint('a').onRequest = () => {};
    const client = ask(world, '/lost', 'POST');
    stop(world);
    world.pass(50);
    assert.deepEqual([client.status, world.records.at(-1)?.delivery], [502, 'sent_unknown']);
    rests(world);
  });

  for (const [uses, sent] of [
    ['fresh', 2],
    ['used', 3],
  ] as const) {
    it(`gets 502 after it was sent ${sent} times, if the endpoint accepts and resets each ${uses} connection`, () => {
      const world = worldOf();
      if (uses === 'used') ask(world, '/0');
      world.endpoint('a').onRequest = (request) => request.breakOff('reset');
      const client = ask(world, '/lost');
      world.pass(100);
      assert.equal(client.status, 502);
      assert.equal(arrivals(world, '/lost'), sent);
      rests(world);
    });
  }

  it('is sent once where `attempts` is 1', () => {
    const world = worldOf({}, { attemptsMax: 1 });
    world.endpoint('a').onRequest = (request) => request.breakOff('reset');
    assert.equal(ask(world, '/lost').status, 502);
    assert.equal(arrivals(world, '/lost'), 1);
    rests(world);
  });

  it('is sent again only within the retry budget, if an endpoint resets every connection', () => {
    const world = worldOf();
    world.endpoint('a').onRequest = (request) => request.breakOff('reset');
    const [seconds, perSecond] = [10, 200];
    for (let sent = 0; sent < seconds * perSecond; sent++) {
      world.request({ target: '/lost' });
      world.pass(1000 / perSecond);
    }
    const retries = arrivals(world, '/lost') - seconds * perSecond;
    assert.ok(retries > 0 && retries <= 30 + 0.2 * seconds * perSecond, `${retries} retries`);
    rests(world);
  });

  it('is taken out when its client leaves, and is not sent later', () => {
    const world = worldOf();
    found(world, 'unhealthy');
    const client = ask(world);
    client.leave();
    world.pass(50);
    assert.equal(world.counts.readyWaiters, 0);
    found(world, 'healthy');
    world.pass(50);
    assert.equal(world.endpoint('a').arrived.length, 0);
    assert.equal(lastCause(world), 'client_gone');
    rests(world);
  });

  it('does not wait beyond the time limit of its route', () => {
    const world = worldOf({}, { timeouts: { exchangeMs: 1000 } });
    found(world, 'unhealthy');
    const client = ask(world);
    world.pass(1100);
    assert.equal(client.status, 504);
    assert.equal(lastCause(world), 'exchange_timeout');
    rests(world);
  });

  it('stops waiting when there is no hope any more', () => {
    const world = worldOf();
    found(world, 'unhealthy');
    const client = ask(world);
    found(world, 'draining');
    world.pass(50);
    assert.equal(client.status, 503);
    rests(world);
  });

  it('goes to another endpoint at once while one endpoint refuses', () => {
    const world = worldOf({ balance: { kind: 'hash', key: { kind: 'path' } } }, { endpoints: ['a', 'b'] });
    stop(world, 'a');
    for (let number = 0; number < 10; number++) assert.equal(ask(world, `/${number}`).status, 200);
    assert.equal(world.counts.readyWaitsTotal, 0);
    rests(world);
  });

  it('queues at an endpoint whose connections are all in use, rather than failing at one that refuses', () => {
    const world = worldOf({}, { endpoints: ['a', 'b'], connectionsMax: 1 });
    stop(world, 'a');
    world.endpoint('b').onRequest = () => {};
    for (let number = 0; number < 9; number++) ask(world);
    const refused = world.created.filter(({ attempts }) => attempts.length > 1).length;
    assert.ok(refused <= 1, `${refused} requests met the endpoint that refuses`);
    assert.equal(world.counts.readyWaitsTotal, 0);
    for (const request of world.endpoint('b').arrived) request.answer(200, 'b');
    world.endpoint('b').onRequest = (request) => request.answer(200, 'b');
    world.pass(100);
    rests(world);
  });

  it('waits for an endpoint without checks, at which one request after the other finds out', () => {
    const world = worldOf({ endpointChanges: () => ({ state: 'unchecked' }) });
    ask(world, '/0');
    stop(world);
    const clients = [ask(world), ask(world)];
    world.pass(3000);
    const attempts = world.created.reduce((sum, exchange) => sum + exchange.attempts.length, 0);
    assert.ok(attempts > 8 && attempts < 20, `${attempts} attempts`);
    world.endpoint('a').accepts = 'yes';
    world.pass(300);
    assert.deepEqual(
      clients.map(({ status }) => status),
      [200, 200],
    );
    rests(world);
  });

  it('is answered at once where an endpoint without checks was never there', () => {
    const world = worldOf({ endpointChanges: () => ({ state: 'unchecked' }) });
    stop(world);
    assert.equal(ask(world).status, 502);
    assert.equal(world.counts.readyWaitsTotal, 0);
    rests(world);
  });

  for (const clients of ['http/1.1', 'h2'] as const)
    for (const how of ['is unhealthy', 'refuses connections'])
      it(`is sent once if its body ends while it waits: ${clients}, the endpoint ${how}`, () => {
        const world = worldOf({ clients });
        ask(world, '/0');
        const others = how === 'is unhealthy' ? 0 : 1;
        if (others > 0) stop(world);
        if (others > 0) ask(world, '/meets-the-refusal');
        const client = world.request({ target: '/body', method: 'POST', expects: 'chunked' });
        client.write('one');
        world.pass(10);
        if (others === 0) found(world, 'unhealthy');
        // Longer than the gateway waits for a body of unknown length.
        world.pass(60);
        assert.equal(world.counts.readyWaiters, 1 + others);
        client.write(' two');
        client.end();
        world.pass(10);
        assert.equal(world.counts.readyWaiters, 1 + others);
        world.endpoint('a').accepts = 'yes';
        found(world, 'healthy');
        world.pass(1500);
        const arrived = world.endpoint('a').arrived.filter(({ target }) => target === '/body');
        assert.deepEqual(
          arrived.map(({ body, whole }) => [String(body), whole]),
          [['one two', true]],
        );
        assert.equal(client.status, 200);
        rests(world);
      });

  it('goes to no spare endpoint while one of those before it accepts connections', () => {
    const endpointChanges = (name: string): Partial<EndpointSnapshot> => ({ priority: name === 'spare' ? 1 : 0 });
    const world = worldOf({ endpointChanges }, { endpoints: ['spare', 'a', 'b'], connectionsMax: 1 });
    stop(world, 'a');
    world.endpoint('b').onRequest = () => {};
    for (let number = 0; number < 9; number++) ask(world);
    assert.equal(world.endpoint('spare').arrived.length, 0);
    for (const request of world.endpoint('b').arrived) request.answer(200, 'b');
    world.endpoint('b').onRequest = (request) => request.answer(200, 'b');
    rests(world);
  });

  it('is tried at an endpoint whose checks fail, if the upstream says so, and the record has its state', () => {
    for (const triesUnhealthy of [true, undefined] as const) {
      const world = worldOf(triesUnhealthy === undefined ? {} : { triesUnhealthy }, { endpoints: ['a', 'b'] });
      found(world, 'unhealthy', 'a');
      for (let count = 0; count < 5; count++) assert.equal(ask(world).status, 200);
      assert.equal(world.endpoint('a').arrived.length, 0, 'not while another one is healthy');
      found(world, 'unhealthy', 'b');
      const client = ask(world);
      assert.equal(client.status, triesUnhealthy === undefined ? 0 : 200);
      if (triesUnhealthy === true) assert.equal(world.records.at(-1)?.attempts[0]?.endpointState, 'unhealthy');
      found(world, 'healthy', 'b');
      rests(world);
    }
  });

  it('waits for an endpoint whose checks fail and that is tried, while it refuses connections', () => {
    const world = worldOf({ triesUnhealthy: true });
    ask(world);
    stop(world);
    found(world, 'unhealthy');
    const client = ask(world);
    world.pass(1000);
    assert.equal(client.status, 0);
    world.endpoint('a').accepts = 'yes';
    world.pass(1500);
    assert.equal(client.status, 200);
    rests(world);
  });

  const atOnce: readonly (readonly [string, Http1Settings, (world: Http1World) => void])[] = [
    ['was never ready', { endpointChanges: () => ({ state: 'unhealthy' }) }, () => {}],
    [
      'has a certificate for another name',
      { endpointChanges: () => ({ checkCause: 'tls_certificate_name' }) },
      (world) => found(world, 'unhealthy'),
    ],
    [
      'has a prohibited address',
      {
        endpointChanges: () => ({
          failure: fail('destination_prohibited', 'route', {
            address: '10.0.0.1',
            name: null,
            prohibition: 'own_listener',
          }),
        }),
      },
      (world) => found(world, 'unhealthy'),
    ],
    [
      'has been down for longer than half a minute',
      {},
      (world) => {
        found(world, 'unhealthy');
        world.pass(31_000);
      },
    ],
    ['is drained', {}, (world) => found(world, 'draining')],
  ];
  for (const [name, settings, prepare] of atOnce) {
    it(`is answered at once where the endpoint ${name}`, () => {
      const world = worldOf(settings);
      prepare(world);
      assert.ok(ask(world).status >= 500);
      assert.equal(world.counts.readyWaitsTotal, 0);
      rests(world);
    });
  }

  describe('and whose program starts again', () => {
    /** An endpoint whose program, which has ended, starts again after this time. */
    function startingIn(afterMs: number): { world: Http1World; startsAfter: (ms: number) => void } {
      let startsAtInstant: number | undefined;
      const endpointChanges = (): Partial<EndpointSnapshot> =>
        startsAtInstant === undefined ? {} : { finding: { reason: '', fix: null, lasting: false, startsAtInstant } };
      const world = worldOf({ endpointChanges });
      const startsAfter = (ms: number): void => {
        startsAtInstant = world.clock.now() + ms;
        found(world, 'unhealthy');
      };
      startsAfter(afterMs);
      return { world, startsAfter };
    }

    it('after the wait would have ended is answered at once, with the time of the start', () => {
      const { world } = startingIn(12_300);
      const client = ask(world);
      assert.equal(client.status, 503);
      assert.equal(world.counts.readyWaitsTotal, 0);
      const { cause, evidence = {} } = world.records.at(-1)?.failure ?? {};
      assert.deepEqual([cause, (evidence as { retryAfterS?: number }).retryAfterS], ['no_endpoint_ready', 13]);
      rests(world);
    });

    it('before the wait ends waits, until it is known that the program starts later', () => {
      const { world, startsAfter } = startingIn(4_900);
      const client = ask(world);
      world.pass(4_000);
      assert.equal(client.status, 0);
      startsAfter(2_000);
      world.pass(30);
      assert.equal(client.status, 503);
      const later = ask(world);
      assert.equal(later.status, 0, 'it has come later and waits longer');
      world.pass(1_990);
      found(world, 'healthy');
      world.pass(30);
      assert.equal(later.status, 200);
      rests(world);
    });
  });

  it('is answered at once in a long outage of an endpoint without checks', () => {
    const world = worldOf({ endpointChanges: () => ({ state: 'unchecked' }) });
    ask(world, '/0');
    stop(world);
    for (let seconds = 0; seconds < 32; seconds++) {
      ask(world);
      world.pass(1000);
    }
    const waits = world.counts.readyWaitsTotal;
    assert.ok(waits > 20, `${waits} waits`);
    const client = ask(world);
    world.pass(300);
    assert.equal(client.status, 502);
    assert.ok(world.counts.readyWaitsTotal <= waits + 1);
    rests(world);
  });
});
