import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { WaitingRequests } from '../../src/core/waiting-requests.ts';
import * as fc from '../properties.ts';
import { errorNumber } from '../../src/wire/h2/protocol.ts';
import { logInAt, type OtherChallenges } from './connection-login.ts';
import { type Http1Settings, Http1World } from './http1-world.ts';
import type { Http2Client } from './http2-client.ts';
import type { Http2EndpointLine } from './http2-endpoint.ts';
import type { ClientActor, RequestText, WorldOptions } from './world.ts';

function worldOf(options: WorldOptions = {}, settings: Http1Settings = {}): Http1World {
  const world = new Http1World(options, { idleConnectionMs: 4000, ...settings });
  for (const name of options.endpoints ?? ['a']) logInAt(world.endpoint(name));
  return world;
}

function ask(world: Http1World, connection: string, request: RequestText = {}, passMs = 10): ClientActor {
  const client = world.request(request, { connection });
  world.pass(passMs);
  return client;
}

function withToken(token: string, request: RequestText = {}): RequestText {
  return { ...request, headers: { Authorization: `NTLM ${token}` } };
}

/** Three requests on one connection of the client. Returns the status of the third one. */
function logIn(world: Http1World, user: string, passMs = 10): number {
  ask(world, user, {}, passMs);
  const challenge = ask(world, user, withToken(`hello:${user}`), passMs).header('www-authenticate') ?? '';
  return ask(world, user, withToken(`proof:${user}:${challenge.split(' ')[1]}`), passMs).status;
}

/** Whose session the next request of the connection gets; the status, if it gets none. */
function sessionOf(world: Http1World, connection: string, request: RequestText = {}): string {
  const client = ask(world, connection, request);
  return client.status === 200 ? client.body.toString() : String(client.status);
}

function end(world: Http1World): void {
  for (const [, line] of world.lines) line.transport.close('close');
  world.pass(300_000);
  world.verifyAtRest();
}

describe('authentication of a connection (NTLM, Negotiate)', () => {
  it('holds for its client alone: another one is challenged, over the same pool', () => {
    const world = worldOf();
    assert.equal(logIn(world, 'ada'), 200);
    assert.equal(sessionOf(world, 'bob'), '401');
    assert.equal(logIn(world, 'bob'), 200);
    assert.deepEqual(
      ['ada', 'bob', 'eve'].map((client) => sessionOf(world, client)),
      ['ada', 'bob', '401'],
    );
    end(world);
  });

  for (const reuse of ['always', 'after_check', 'never'] as const) {
    it(`lasts while both connections are open, whatever the pool keeps of others (reuse: ${reuse})`, () => {
      const world = worldOf({}, { reuse });
      assert.equal(logIn(world, 'ada'), 200);
      for (const waitMs of [100, 1000, 5000, 30_000]) {
        world.pass(waitMs);
        assert.equal(sessionOf(world, 'ada', { method: 'POST', body: 'abc' }), 'ada');
        assert.equal(sessionOf(world, 'ada'), 'ada');
        assert.equal(sessionOf(world, `other ${waitMs}`), '401');
      }
      end(world);
    });
  }

  it('is not shared by a request that comes with credentials at once', () => {
    const world = worldOf();
    assert.equal(sessionOf(world, 'eve'), '401');
    world.pass(100);
    const { connectionsMade } = world.endpoint('a');
    ask(world, 'ada', withToken('hello:ada'));
    assert.equal(
      world.endpoint('a').connectionsMade,
      connectionsMade + 1,
      'it gets a connection that carried no one else',
    );
    ask(world, 'ada', withToken('proof:ada:1'));
    assert.deepEqual([sessionOf(world, 'ada'), sessionOf(world, 'eve')], ['ada', '401']);
    end(world);
  });

  it('holds for one of the clients whose requests a trusted peer sends on one connection', () => {
    const world = worldOf({ trusted: true });
    const from = (client: string, token?: string): RequestText => ({
      headers: { 'X-Forwarded-For': client, ...(token === undefined ? {} : { Authorization: `NTLM ${token}` }) },
    });
    ask(world, 'balancer', from('198.51.100.1', 'hello:ada'));
    ask(world, 'balancer', from('198.51.100.1', 'proof:ada:1'));
    const seen = ['1', '1', '2', '1'].map((last) => sessionOf(world, 'balancer', from(`198.51.100.${last}`)));
    assert.deepEqual(seen, ['ada', 'ada', '401', '401']);
    ask(world, 'balancer', from('198.51.100.1', 'hello:ada'));
    ask(world, 'balancer', from('198.51.100.1', 'proof:ada:2'));
    const { connectionsMade } = world.endpoint('a');
    assert.equal(ask(world, 'balancer', from('198.51.100.2', 'hello:eve')).status, 401);
    assert.equal(world.endpoint('a').connectionsMade, connectionsMade + 1);
    assert.deepEqual([sessionOf(world, 'balancer', from('198.51.100.2')), sessionOf(world, 'eve')], ['401', '401']);
    end(world);
  });

  it('ends with the connection of the client: that to the endpoint closes', () => {
    const world = worldOf();
    logIn(world, 'ada');
    world.lines.get('ada')?.transport.close('close');
    world.pass(10);
    assert.deepEqual([world.counts.upstreamConnections, world.counts.upstreamConnectionsIdle], [0, 0]);
    end(world);
  });

  it('begins again with a challenge when the endpoint closes the connection', () => {
    const world = worldOf();
    logIn(world, 'ada');
    logIn(world, 'bob');
    world.endpoint('a').die('closed');
    world.pass(10);
    assert.equal(sessionOf(world, 'ada'), '401');
    assert.equal(logIn(world, 'ada'), 200);
    assert.deepEqual([sessionOf(world, 'bob'), sessionOf(world, 'ada')], ['401', 'ada']);
    end(world);
  });

  it('begins again when the connection is lost with a request on it, which is sent once more on a new one', () => {
    const world = worldOf();
    logIn(world, 'ada');
    logIn(world, 'bob');
    const { onRequest } = world.endpoint('a');
    world.endpoint('a').onRequest = (request) => {
      world.endpoint('a').onRequest = onRequest;
      request.breakOff('reset');
    };
    assert.equal(sessionOf(world, 'ada'), '401');
    assert.deepEqual([logIn(world, 'ada'), sessionOf(world, 'bob')], [200, 'bob']);
    end(world);
  });

  it('does not send a lost POST to another connection', () => {
    const world = worldOf();
    logIn(world, 'ada');
    const { onRequest } = world.endpoint('a');
    world.endpoint('a').onRequest = (request) => {
      world.endpoint('a').onRequest = onRequest;
      request.breakOff('reset');
    };
    assert.equal(sessionOf(world, 'ada', { method: 'POST', body: 'abc' }), '502');
    end(world);
  });

  it('stays at its endpoint, whatever balances, and goes to another one when that may not be used', () => {
    const world = worldOf({ endpoints: ['a', 'b', 'c'] }, { balance: { kind: 'round_robin' } as never });
    assert.equal(logIn(world, 'ada'), 200);
    for (let n = 0; n < 9; n++) {
      assert.equal(sessionOf(world, 'ada'), 'ada');
      assert.equal(sessionOf(world, `other ${n}`), '401');
    }
    ask(world, 'ada', { target: '/last' });
    const own = ['a', 'b', 'c'].find((one) => world.endpoint(one).arrived.some(({ target }) => target === '/last'));
    world.endpoint(own ?? '').setState('unhealthy');
    assert.equal(sessionOf(world, 'ada'), '401');
    assert.equal(logIn(world, 'ada'), 200);
    end(world);
  });

  it('stays at its endpoint when a status is retried', () => {
    const world = worldOf({ endpoints: ['a', 'b'], retry: { statuses: [503], attemptsMax: 3 } });
    assert.equal(logIn(world, 'ada'), 200);
    const own = ['a', 'b'].find((one) => world.endpoint(one).arrived.length > 1) ?? '';
    const { onRequest } = world.endpoint(own);
    let failures = 0;
    world.endpoint(own).onRequest = (request) => (failures++ < 2 ? request.answer(503) : onRequest(request));
    const client = ask(world, 'ada', {}, 1000);
    assert.deepEqual([client.status, client.body.toString(), failures], [200, 'ada', 3]);
    end(world);
  });

  it('is not hedged', () => {
    const world = worldOf({ endpoints: ['a', 'b'], retry: { hedge: true, attemptsMax: 3 } });
    for (let n = 0; n < 100; n++) ask(world, `warm ${n}`);
    assert.equal(logIn(world, 'ada'), 200);
    for (const name of ['a', 'b']) world.endpoint(name).onRequest = () => {};
    const before = world.endpoint('a').arrived.length + world.endpoint('b').arrived.length;
    ask(world, 'ada', {}, 2000);
    ask(world, 'new', withToken('hello:new'), 2000);
    assert.equal(world.endpoint('a').arrived.length + world.endpoint('b').arrived.length, before + 2);
    ask(world, 'other', {}, 2000);
    assert.equal(world.endpoint('a').arrived.length + world.endpoint('b').arrived.length, before + 4, 'others are');
    for (const line of world.lines.values()) line.transport.close('reset');
    world.pass(10);
    assert.deepEqual(
      world.records.slice(-3).map(({ attempts }) => attempts.length),
      [1, 1, 2],
    );
    end(world);
  });

  it('holds for requests that are pipelined, also where requests in flight are bounded', () => {
    for (const requestsMax of [undefined, 1]) {
      const world = worldOf({}, requestsMax === undefined ? {} : { requestsMax, queueMax: 20 });
      logIn(world, 'ada');
      logIn(world, 'bob');
      const asked = ['ada', 'bob', 'ada', 'ada', 'bob', 'ada', 'bob'];
      const clients = asked.map((connection) => world.request({}, { connection }));
      world.pass(100);
      assert.deepEqual(
        clients.map(({ body }) => body.toString()),
        asked,
      );
      assert.equal(world.endpoint('a').connectionsMade, 2);
      end(world);
    }
  });

  it('can be made while all connections are in use, and requests of others wait for them', () => {
    const world = worldOf({ connectionsMax: 4 }, { queueMax: 50, pairOptions: () => ({ latencyMs: 3 }) });
    const others = new Map<string, ClientActor>();
    const passBusy = (ms: number): void => {
      for (let passed = 0; passed < ms; passed++) {
        for (let n = 0; n < 12; n++)
          if (others.get(`other ${n}`)?.state !== 'open')
            others.set(`other ${n}`, world.request({ target: '/public' }, { connection: `other ${n}` }));
        world.pass(1);
      }
    };
    const step = (request: RequestText): ClientActor => {
      const client = world.request(request, { connection: 'ada' });
      passBusy(60);
      return client;
    };
    passBusy(50);
    const challenge = step(withToken('hello:ada')).header('www-authenticate') ?? '';
    assert.equal(step(withToken(`proof:ada:${challenge.split(' ')[1]}`)).status, 200);
    const statuses = new Set(world.records.map(({ statusSent }) => statusSent));
    assert.deepEqual(statuses, new Set([200, 401]));
    assert.ok(world.records.length > 60, `${world.records.length} requests`);
    end(world);
  });

  it('keeps no permit that others wait for longer than a login step takes', () => {
    const world = worldOf({ connectionsMax: 2 }, { queueMax: 50 });
    logIn(world, 'ada');
    logIn(world, 'bob');
    const client = ask(world, 'other', {}, 1100);
    assert.equal(client.status, 401);
    end(world);
  });

  it('keeps no permit for a client that begins its login again and again', () => {
    const world = worldOf({ connectionsMax: 2 }, { queueMax: 50 });
    const { onRequest } = world.endpoint('a');
    world.endpoint('a').onRequest = (request) => (request.target === '/slow' ? undefined : onRequest(request));
    world.request({ target: '/slow' }, { connection: 'slow' });
    for (let n = 0; n < 5; n++) ask(world, 'mallory', withToken('hello:mallory'), 600);
    const other = world.request({ target: '/public' }, { connection: 'other' });
    for (let n = 0; n < 3; n++) ask(world, 'mallory', withToken('hello:mallory'), 600);
    assert.equal(other.status, 200);
    world.endpoint('a').die('reset');
    end(world);
  });

  it('leaves at least half of the idle connections, and others their logins, to a client that tries it on many connections', () => {
    const world = worldOf({ connectionsMax: 100 }, { queueMax: 20, pairOptions: () => ({}) });
    const busy = Array.from({ length: 5 }, (_, n) => world.request({}, { connection: `warm ${n}` }));
    world.pass(10);
    assert.ok(busy.every(({ status }) => status === 401));
    for (const [, line] of world.lines) line.transport.close('close');
    world.pass(10);
    for (let n = 0; n < 300; n++) ask(world, `attacker ${n}`, withToken('hello:mallory'), 1);
    world.pass(100);
    // The pool keeps ten.
    assert.ok(world.counts.upstreamConnections <= 10, `${world.counts.upstreamConnections} connections`);
    assert.equal(sessionOf(world, 'honest'), '401');
    assert.equal(logIn(world, 'honest'), 200);
    end(world);
  });

  it('is not mixed up by a reload that changes how the endpoint is spoken to', () => {
    const world = worldOf();
    logIn(world, 'ada');
    world.changedTls({ serverName: 'app.test', verify: true, ca: null } as never);
    world.changedTls(null);
    assert.equal(sessionOf(world, 'ada'), '401');
    logIn(world, 'ada');
    world.changed();
    world.changedReuse('never');
    world.changedReuse('never');
    assert.deepEqual([logIn(world, 'ada'), sessionOf(world, 'ada'), sessionOf(world, 'bob')], [200, 'ada', '401']);
    end(world);
  });

  it('never gives a client the session of another, in any order of events', () => {
    const users = ['ada', 'bob', 'cyd'];
    const event = fc.record({
      user: fc.constantFrom(...users),
      what: fc.constantFrom(
        'ask',
        'ask',
        'ask',
        'post',
        'pipeline',
        'login',
        'login',
        'leave',
        'die',
        'reset',
        'reload',
        'eject',
        'wait',
      ),
      waitMs: fc.constantFrom(0, 1, 20, 600, 6000),
    });
    const setting = fc.record({
      connectionsMax: fc.constantFrom(1, 2, 3, 100),
      requestsMax: fc.constantFrom(undefined, 1, 2),
      reuse: fc.constantFrom('always', 'after_check', 'never'),
      hedge: fc.boolean(),
    });
    fc.assert(
      fc.property(setting, fc.array(event, { minLength: 10, maxLength: 60 }), (given, events) => {
        const { connectionsMax, requestsMax, reuse, hedge } = given;
        const world = worldOf(
          { endpoints: ['a', 'b'], connectionsMax, retry: { hedge, attemptsMax: 3, statuses: [503] } },
          { reuse: reuse as 'always', queueMax: 20, ...(requestsMax === undefined ? {} : { requestsMax }) },
        );
        const asked: { user: string; client: ClientActor }[] = [];
        const numbers = new Map(users.map((user) => [user, 0]));
        const lineOf = (user: string): string => `${user} ${numbers.get(user)}`;
        const request = (user: string, text: RequestText): ClientActor => {
          const client = world.request(text, { connection: lineOf(user) });
          asked.push({ user, client });
          return client;
        };
        for (const { user, what, waitMs } of events) {
          if (world.lines.get(lineOf(user))?.closed === true) numbers.set(user, (numbers.get(user) ?? 0) + 1);
          if (what === 'ask') request(user, {});
          else if (what === 'post') request(user, { method: 'POST', body: 'abc' });
          else if (what === 'pipeline') for (let n = 0; n < 3; n++) request(user, {});
          else if (what === 'login') {
            const hello = request(user, withToken(`hello:${user}`));
            world.pass(30);
            const number = (hello.header('www-authenticate') ?? '').split(' ')[1] ?? '0';
            request(user, withToken(`proof:${user}:${number}`));
          } else if (what === 'leave') {
            world.lines.get(lineOf(user))?.transport.close('reset');
            numbers.set(user, (numbers.get(user) ?? 0) + 1);
          } else if (what === 'die') world.endpoint('a').die('closed');
          else if (what === 'reset') world.endpoint('b').die('reset');
          else if (what === 'reload') world.changed();
          else if (what === 'eject') world.endpoint('a').setState(waitMs > 20 ? 'healthy' : 'ejected');
          world.pass(waitMs);
        }
        world.pass(10_000);
        for (const { user, client } of asked) if (client.status === 200) assert.equal(client.body.toString(), user);
        end(world);
      }),
      { numRuns: 60 },
    );
  });
});

describe('authentication of a connection over HTTP/2', () => {
  function http2World(others: OtherChallenges, fallsBack: boolean, settings: Http1Settings = {}): Http1World {
    const world = worldOf({}, { clients: 'h2', offersHttp1: fallsBack, ...settings });
    logInAt(world.endpoint('a'), 'Negotiate', others);
    return world;
  }

  const cases = [
    ['a challenge', [], {}],
    ['credentials', ['Basic realm="x"'], { headers: { Authorization: 'Negotiate hello:ada' } }],
  ] as const;
  for (const [what, others, request] of cases) {
    it(`is refused with HTTP_1_1_REQUIRED, so that the client comes again over HTTP/1.1 (${what})`, () => {
      const world = http2World(others, true);
      const client = ask(world, 'ada', request) as Http2Client;
      assert.deepEqual([client.state, client.status, client.resetBy], ['cut', 0, errorNumber('HTTP_1_1_REQUIRED')]);
      const [record] = world.records;
      assert.deepEqual(
        [record?.statusSent, record?.endKind, record?.failure?.cause],
        [0, 'truncated', 'request_refused'],
      );
      assert.equal((record?.failure?.evidence as { code?: string } | undefined)?.code, 'HTTP_1_1_REQUIRED');
      assert.equal(world.endpoint('a').arrived.length, what === 'credentials' ? 0 : 1, 'credentials reach no endpoint');
      end(world);
    });

    it(`is answered with 505 where the client has not offered HTTP/1.1 (${what})`, () => {
      const world = http2World(others, false);
      const client = ask(world, 'ada', request);
      assert.equal(client.status, 505);
      const [record] = world.records;
      assert.deepEqual([record?.endKind, record?.failure?.cause], ['generated', 'request_refused']);
      assert.match(client.body.toString(), /NTLM, Negotiate/);
      end(world);
    });
  }

  it('leaves a client the choice where others are offered', () => {
    const world = http2World(['Basic realm="x"'], true);
    const client = ask(world, 'ada');
    assert.deepEqual([client.status, client.header('www-authenticate')], [401, 'Basic realm="x", Negotiate']);
    assert.equal(ask(world, 'ada', { headers: { Authorization: 'Basic eDp5' } }).body.toString(), 'by Basic');
    end(world);
  });
});

describe('requests of a client of HTTP/2 that wait for its connection to the endpoint', () => {
  /** The route removes the credentials, so that the request goes on. */
  function worldWithoutCredentials(trusted: boolean): Http1World {
    const requestHeaders = { remove: ['authorization'], set: [], add: [] };
    const world = worldOf({ trusted, routes: [{ requestHeaders }] }, { clients: 'h2', queueMax: 5 });
    const { onRequest } = world.endpoint('a');
    world.endpoint('a').onRequest = (request) => (request.target === '/slow' ? undefined : onRequest(request));
    return world;
  }

  const from = (address: string, target: string, more: object = {}): RequestText => ({
    target,
    headers: { 'X-Forwarded-For': address, ...more },
  });
  const credentials = { Authorization: 'NTLM hello:ada' };

  it('wait for as long as requests may wait for a connection, and no longer', () => {
    const world = worldWithoutCredentials(false);
    ask(world, 'ada', { target: '/slow', headers: credentials });
    const waiting = ask(world, 'ada', { target: '/public' }, 1900);
    assert.equal(waiting.status, 0);
    world.pass(200);
    assert.equal(waiting.status, 503);
    const [record] = world.records;
    assert.equal(record?.failure?.cause, 'queue_timeout');
    assert.match(waiting.body.toString(), /of its own, on which it is authenticated/);
    end(world);
  });

  it('wait no longer where each of several others gets the connection before them', () => {
    const world = worldWithoutCredentials(false);
    ask(world, 'ada', { target: '/slow', headers: credentials });
    const clients = [1, 2, 3].map(() => world.request({ target: '/slow' }, { connection: 'ada' }));
    for (let passed = 0; passed < 3000; passed += 100) {
      world.pass(100);
      if (passed % 1500 === 1400) world.endpoint('a').arrived.at(-1)?.answer(200);
    }
    world.pass(100);
    assert.deepEqual(
      clients.map(({ status }) => status),
      [200, 503, 503],
    );
    const late = world.records.filter(({ failure }) => failure?.cause === 'queue_timeout');
    const waitedMs = late.map(({ failure }) => (failure?.evidence as { waitedMs?: number } | undefined)?.waitedMs ?? 0);
    assert.equal(waitedMs.length, 2);
    for (const ms of waitedMs) assert.ok(ms >= 2000 && ms < 2100, `${ms} ms`);
    end(world);
  });

  it('are among those that wait, and the record of one says for how long it has', () => {
    const world = worldWithoutCredentials(false);
    ask(world, 'ada', { target: '/slow', headers: credentials });
    world.request({ target: '/public' }, { connection: 'ada' });
    world.pass(500);
    const waiting: WaitingRequests[] = [];
    world.upstream.addWaiting(waiting);
    assert.deepEqual(
      waiting
        .filter((one) => one.for === 'connection')
        .map(({ count, sinceInstant }) => [count, world.clock.now() - sinceInstant]),
      [[1, 500]],
    );
    world.endpoint('a').arrived[0]?.answer(200);
    world.pass(100);
    assert.equal(Math.round(world.records[1]?.attempts[0]?.queuedMs ?? -1), 500);
    end(world);
  });

  it('get the connection as soon as it is idle', () => {
    const world = worldWithoutCredentials(false);
    ask(world, 'ada', { target: '/slow', headers: credentials });
    const clients = [1, 2, 3].map(() => world.request({ target: '/public' }, { connection: 'ada' }));
    world.pass(1000);
    world.endpoint('a').arrived[0]?.answer(200);
    world.pass(100);
    assert.deepEqual(
      clients.map(({ status }) => status),
      [200, 200, 200],
    );
    world.pass(5000);
    assert.equal(world.records.length, 4, 'none of them ends twice');
    end(world);
  });

  it('get another connection when a trusted peer sends a request of another client on theirs', () => {
    const world = worldWithoutCredentials(true);
    ask(world, 'balancer', from('198.51.100.1', '/slow', credentials));
    const waiting = ask(world, 'balancer', from('198.51.100.1', '/public'));
    assert.equal(waiting.status, 0);
    assert.equal(ask(world, 'balancer', from('198.51.100.2', '/public')).status, 200);
    assert.equal(waiting.status, 200);
    world.pass(10_000);
    end(world);
  });
});

describe('authentication of a connection, at an endpoint with HTTP/2', () => {
  function protocols(world: Http1World): string[] {
    return world.records.map(({ attempts }) => attempts.at(-1)?.protocol ?? '');
  }

  it('goes over HTTP/1.1 within TLS, and no other request does', () => {
    const world = new Http1World({}, { endpoints: 'h2', tls: true });
    world.endpoint('a').onRequest = (request) => request.answer(401, '', { 'www-authenticate': 'NTLM' });
    ask(world, 'ada');
    ask(world, 'bob');
    world.settings.endpoints = 'http/1.1';
    logInAt(world.endpoint('a'));
    ask(world, 'ada', withToken('hello:ada'));
    ask(world, 'ada', withToken('proof:ada:1'));
    world.settings.endpoints = 'h2';
    assert.equal(sessionOf(world, 'ada'), 'ada');
    world.endpoint('a').onRequest = (request) => request.answer(401);
    assert.equal(sessionOf(world, 'bob'), '401');
    // The first challenge comes over HTTP/2, on a connection that many share: it says nothing of that connection.
    assert.deepEqual(protocols(world), ['h2', 'h2', 'http/1.1', 'http/1.1', 'http/1.1', 'h2']);
    assert.equal(world.endpoint('a').connectionsMade, 2);
    end(world);
  });

  it('goes over a connection of its client in clear text, where the endpoint may speak nothing but HTTP/2', () => {
    const world = new Http1World({}, { endpoints: 'h2' });
    world.endpoint('a').onRequest = (request) => request.answer(200);
    const { http2Lines } = world.endpoint('a') as unknown as { http2Lines: Http2EndpointLine[] };
    const clients = ['eve', 'ada', 'bob', 'eve', 'ada', 'bob', 'ada', 'bob'];
    for (const [at, client] of clients.entries()) ask(world, client, client === 'eve' || at > 4 ? {} : withToken('x'));
    assert.deepEqual(
      http2Lines.map(({ requests }) => requests.length),
      [2, 3, 3],
    );
    for (const name of ['ada', 'bob']) world.lines.get(name)?.transport.close('close');
    world.pass(10);
    assert.equal(world.counts.upstreamConnections, 1);
    end(world);
  });
});
