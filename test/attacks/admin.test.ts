import assert from 'node:assert/strict';
import crypto from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { connect, type Socket } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { FailedAttempts } from '../../src/admin/failed-attempts.ts';
import { operations } from '../../src/admin/operations.ts';
import { type AdminServer, AdminFailure, startAdminServer } from '../../src/admin/server.ts';
import { findToken, hashOfToken } from '../../src/admin/token.ts';
import type { Event } from '../../src/core/event.ts';
import { TextRedactor } from '../../src/redact/text-redactor.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import { socketAlone } from '../fakes/admin-spec.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';
import { askRaw, connectTo, parseAnswer, type RawAnswer, readAll, sendRaw } from '../fakes/raw-ask.ts';

const token = 'candor_of-somebody';
const hasIpv6 = Object.values(networkInterfaces()).some((all) => all?.some(({ address }) => address === '::1'));
const withIpv6 = hasIpv6 ? {} : { skip: 'this machine has no ::1' };
const bearer = ['Authorization', `Bearer ${token}`] as const;
const local = ['Host', 'localhost'] as const;

let gateway: FakeGateway;
let clock: SimulatedClock;
let admin: AdminServer;
let folder: string;
let socketPath: string;
let port: number;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'candor-admin-'));
  socketPath = join(folder, 'a.sock');
  gateway = new FakeGateway();
  clock = new SimulatedClock();
  const tokens = [
    { name: 'first', hash: hashOfToken('candor_another') },
    { name: 'deploy', hash: hashOfToken(token) },
    { name: 'last', hash: hashOfToken('candor_a-third') },
  ];
  const listen = { host: '127.0.0.1', port: 0 };
  const hosts = ['gw.internal', '*.example.org'];
  admin = await startAdminServer({ gateway, spec: { socket: socketPath, listen, tokens, hosts }, clock });
  port = admin.address?.port ?? 0;
});

afterEach(async () => {
  await admin.close();
  rmSync(folder, { recursive: true, force: true });
});

type MessageHeaders = readonly (readonly [name: string, value: string])[];

function get(headers: MessageHeaders, path = '/v1/status'): Promise<RawAnswer> {
  return askRaw(port, `GET ${path}`, headers);
}

async function connected(socket: Socket): Promise<void> {
  if (socket.connecting) await once(socket, 'connect');
}

function told<K extends Event['kind']>(kind: K): Extract<Event, { kind: K }>[] {
  return gateway.events.since(0).events.filter((one): one is Extract<Event, { kind: K }> => one.kind === kind);
}

describe('the admin socket', () => {
  for (const [target, status] of [
    ['//', 404],
    ['//evil.example/v1/status', 404],
    ['http://[', 400],
    ['http://other/v1/nothing', 404],
    ['http://evil.example/v1/status', 421],
    ['/v1/exchanges/%zz', 404],
    ['/v1/exchanges/..%2f..', 404],
    ['/v1/exchanges/__proto__', 404],
    ['/v1/status/../reload', 405],
    ['/v1/reload', 405],
  ] as const) {
    it(`answers ${status} to GET ${target}, which is no failure and changes nothing`, async () => {
      const answer = await askRaw(socketPath, `GET ${target}`, [['Host', 'a']]);
      assert.equal(answer.status, status);
      assert.deepEqual(gateway.calls, []);
    });
  }

  // A port of this machine may be forwarded to the socket, and a browser can reach that port.
  for (const [what, headers, status] of [
    ['a page of another origin', [local, ['Origin', 'http://evil.example']], 403],
    ['a page of a file', [local, ['Origin', 'null']], 403],
    ['a browser on behalf of another site', [local, ['Sec-Fetch-Site', 'cross-site']], 403],
    ['a name of the DNS', [['Host', 'evil.example']], 421],
    ['a form', [local, ['Content-Type', 'text/plain']], 415],
  ] as const) {
    it(`refuses ${what}, although the mode of the file admits it`, async () => {
      const answer = await askRaw(socketPath, 'POST /v1/reload', headers);
      assert.equal(answer.status, status);
      assert.deepEqual(gateway.calls, []);
    });
  }

  it('accepts any single-word Host', async () => {
    for (const host of ['candor', 'localhost', 'a:80', '127.0.0.1', '[::1]'])
      assert.equal((await askRaw(socketPath, 'GET /v1/status', [['Host', host]])).status, 200);
  });
});

describe('the admin API over TCP', () => {
  it('does not open without a token, not even on loopback', async () => {
    const spec = { ...socketAlone(join(folder, 'b.sock')), listen: { host: '127.0.0.1', port: 0 } };
    await assert.rejects(startAdminServer({ gateway, spec, clock }), (error) => {
      assert.ok(error instanceof AdminFailure);
      assert.match(error.message, /only with tokens/);
      return true;
    });
  });

  it('does not share its port with another gateway, and leaves no socket behind if the port is in use', async () => {
    const spec = {
      socket: join(folder, 'b.sock'),
      listen: { host: '127.0.0.1', port },
      tokens: [{ name: 'a', hash: hashOfToken('b') }],
      hosts: [],
    };
    await assert.rejects(startAdminServer({ gateway, spec, clock }), /EADDRINUSE, .+ \(pid \d+\) listens there\./);
    assert.equal(existsSync(spec.socket), false);
    assert.equal((await get([local, bearer])).status, 200);
  });

  describe('accepts only a complete token', () => {
    for (const [what, value] of [
      ['a wrong one', 'Bearer candor_wrong'],
      ['the beginning of a right one', `Bearer ${token.slice(0, -1)}`],
      ['a right one and more', `Bearer ${token}x`],
      ['the hash from the configuration', `Bearer ${hashOfToken(token)}`],
      ['the hash without its name', `Bearer ${hashOfToken(token).slice(7)}`],
      ['another case', `Bearer ${token.toUpperCase()}`],
      ['its name', 'Bearer deploy'],
      ['another scheme', `Basic ${Buffer.from(`deploy:${token}`).toString('base64')}`],
      ['no scheme', token],
      ['two of them', `Bearer ${token}, Bearer ${token}`],
      ['nothing after the scheme', 'Bearer'],
      ['a very long one', `Bearer ${'a'.repeat(8000)}`],
      ['bytes that are no text', 'Bearer \xff\xfe'],
    ] as const) {
      it(`not ${what}`, async () => {
        const [without, answer] = [await get([local]), await get([local, ['Authorization', value]])];
        assert.equal(answer.status, 401);
        assert.equal(answer.headers['www-authenticate'], 'Bearer realm="candor"');
        assert.equal(answer.headers['content-type'], 'application/problem+json');
        const still = ({ date: _, ...rest }: Readonly<Record<string, string>>): object => rest;
        assert.deepEqual(still(answer.headers), still(without.headers));
        assert.equal(answer.body, without.body);
      });
    }

    for (const [what, path, headers] of [
      ['in the query', `/v1/status?token=${token}&access_token=${token}`, []],
      ['in a cookie', '/v1/status', [['Cookie', `token=${token}`]]],
      ['in another field', '/v1/status', [['X-Token', token]]],
    ] as const) {
      it(`not ${what}`, async () => assert.equal((await get([local, ...headers], path)).status, 401));
    }

    it('with the scheme in upper or lower case', async () => {
      for (const scheme of ['Bearer', 'bearer', 'BEARER'])
        assert.equal((await get([local, ['Authorization', `${scheme} ${token}`]])).status, 200);
    });

    it('and compares it with every token of the list, in constant time', (t) => {
      const compared = t.mock.method(crypto, 'timingSafeEqual');
      syncBuiltinESMExports();
      const tokens = ['a', 'b', 'c'].map((name) => ({ name, hash: hashOfToken(name) }));
      for (const [presented, name] of [
        ['a', 'a'],
        ['c', 'c'],
        ['d', null],
      ] as const) {
        compared.mock.resetCalls();
        assert.equal(findToken(tokens, presented)?.name ?? null, name);
        assert.equal(compared.mock.callCount(), 3);
      }
      t.mock.restoreAll();
      syncBuiltinESMExports();
    });

    it('before it discloses anything: known and unknown paths answer alike without a token', async () => {
      const answers = await Promise.all(
        ['/v1/status', '/v1/reload', '/nothing', '/'].map((path) => get([local], path)),
      );
      assert.deepEqual(new Set(answers.map(({ status, body }) => `${status} ${body}`)).size, 1);
    });

    it('of the active configuration: a removed token is refused at once', async () => {
      const tokens = [{ name: 'first', hash: hashOfToken('candor_another') }];
      const spec = { socket: socketPath, listen: { host: '127.0.0.1', port: 0 }, tokens, hosts: [] };
      assert.equal((await get([local, bearer])).status, 200);
      assert.equal(await admin.prepare(spec), null);
      assert.equal((await get([local, bearer])).status, 200);
      admin.activate();
      assert.equal((await get([local, bearer])).status, 401);
    });
  });

  describe('accepts only its own names as Host', () => {
    for (const host of ['localhost', 'localhost:8000', 'LOCALHOST', '127.0.0.1', 'gw.internal', 'a.example.org']) {
      it(`accepts ${host}`, async () => assert.equal((await get([['Host', host], bearer])).status, 200));
    }
    for (const host of [
      'evil.example',
      'localhost.evil.example',
      '127.0.0.1.evil.example',
      'evil.example:80',
      '127.0.0.2',
      '[::1]',
      'example.org',
      'gw.internal.',
      'xgw.internal',
    ]) {
      it(`refuses ${host}, with a token too`, async () => {
        const answer = await get([['Host', host], bearer]);
        assert.equal(answer.status, 421);
        assert.equal(told('admin_refused').at(-1)?.evidence.reason, 'wrong_host');
      });
    }
    it('accepts its IPv6 address if it listens there', withIpv6, async () => {
      const tokens = [{ name: 'deploy', hash: hashOfToken(token) }];
      const spec = { socket: null, listen: { host: '::1', port: 0 }, tokens, hosts: [] };
      const six = await startAdminServer({ gateway, spec, clock });
      const ask = async (host: string): Promise<number> => {
        const socket = connect({ host: '::1', port: six.address?.port ?? 0 });
        socket.write(`GET /v1/status HTTP/1.1\r\nHost: ${host}\r\n${bearer.join(': ')}\r\nConnection: close\r\n\r\n`);
        return parseAnswer(await readAll(socket)).status;
      };
      assert.equal(await ask(`[::1]:${six.address?.port}`), 200);
      assert.equal(await ask('localhost'), 200);
      assert.equal(await ask('127.0.0.1'), 421);
      await six.close();
    });

    for (const [what, bytes, status] of [
      ['HTTP/1.0 without any', `GET /v1/status HTTP/1.0\r\n${bearer.join(': ')}\r\n\r\n`, 421],
      ['HTTP/1.1 without any', `GET /v1/status HTTP/1.1\r\n${bearer.join(': ')}\r\n\r\n`, 400],
      ['two', `GET /v1/status HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n${bearer.join(': ')}\r\n\r\n`, 400],
      ['a user before an @', `GET /v1/status HTTP/1.1\r\nHost: localhost@evil.example\r\n\r\n`, 400],
      [
        'a target with the host of another site',
        'GET http://evil.example/v1/status HTTP/1.1\r\nHost: localhost\r\n\r\n',
        421,
      ],
    ] as const) {
      it(`refuses ${what}`, async () => assert.equal(parseAnswer(await sendRaw(port, bytes)).status, status));
    }
  });

  describe('refuses pages of other sites', () => {
    const own = (): string => `http://localhost:${port}`;
    const host = (): readonly [string, string] => ['Host', `localhost:${port}`];

    for (const headers of [
      [['Origin', 'http://evil.example']],
      [['Origin', 'null']],
      [['Origin', 'http://localhost']],
      [['Origin', 'http://localhost:1']],
      [['Sec-Fetch-Site', 'cross-site']],
      [['Sec-Fetch-Site', 'same-site']],
      [['Sec-Fetch-Site', 'what may come']],
    ] as const) {
      it(`with ${headers.join(': ').replace(',', ': ')}, with a token too`, async () => {
        for (const line of ['GET /v1/status', 'POST /v1/reload']) {
          const answer = await askRaw(port, line, [host(), bearer, ...headers]);
          assert.equal(answer.status, 403);
        }
        assert.deepEqual(gateway.calls, []);
        assert.equal(told('admin_refused').at(-1)?.evidence.reason, 'cross_site');
      });
    }

    it('but answers a page of its own origin', async () => {
      const answer = await askRaw(port, 'POST /v1/reload', [
        host(),
        bearer,
        ['Origin', own()],
        ['Sec-Fetch-Site', 'same-origin'],
        ['Content-Type', 'application/json'],
      ]);
      assert.equal(answer.status, 200);
    });

    for (const type of [
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=a',
      'text/plain',
      'TEXT/PLAIN',
      '',
    ]) {
      it(`and bodies of the type "${type}", which a form can send`, async () => {
        const answer = await askRaw(port, 'POST /v1/reload', [local, bearer, ['Content-Type', type]], 'a=b');
        assert.equal(answer.status, 415);
        assert.deepEqual(gateway.calls, []);
      });
    }

    it('and preflight requests', async () => {
      const answer = await askRaw(port, 'OPTIONS /v1/reload', [
        host(),
        ['Origin', 'http://evil.example'],
        ['Access-Control-Request-Method', 'POST'],
        ['Access-Control-Request-Headers', 'authorization'],
      ]);
      assert.equal(answer.status, 403);
    });

    it('and adds to every answer the headers that keep it private, and none of CORS', async () => {
      const answers = await Promise.all([
        get([local, bearer]),
        get([local, bearer], '/metrics'),
        get([local, bearer], '/v1/events?follow=false'),
        get([local, bearer], '/v1/openapi.json'),
        get([local, bearer], '/nothing'),
        get([local]),
        get([['Host', 'evil.example']]),
        askRaw(port, 'POST /v1/reload', [local, bearer]),
      ]);
      for (const { headers } of answers) {
        assert.equal(headers['x-content-type-options'], 'nosniff');
        assert.equal(headers['cache-control'], 'no-store');
        assert.match(headers['content-security-policy'] ?? '', /frame-ancestors 'none'/);
        assert.deepEqual(
          Object.keys(headers).filter((name) => name.startsWith('access-control-')),
          [],
        );
      }
    });
  });

  describe('changes nothing except by POST', () => {
    const overrides: MessageHeaders = [
      ['X-HTTP-Method-Override', 'POST'],
      ['X-HTTP-Method', 'POST'],
      ['X-Method-Override', 'POST'],
    ];
    const changing = operations.filter(({ path }) =>
      operations.every((one) => one.path !== path || one.method === 'POST'),
    );
    for (const { path } of changing) {
      for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'post']) {
        it(`not by ${method} ${path}, whatever its headers and query`, async () => {
          const answer = await askRaw(port, `${method} ${path}?_method=POST`, [local, bearer, ...overrides]);
          // 404: there is no incident with that number.
          const refusals = [400, 405, ...(path.startsWith('/v1/incidents/') ? [404] : [])];
          assert.ok(refusals.includes(answer.status), String(answer.status));
          assert.deepEqual(gateway.calls, []);
        });
      }
    }
  });

  describe('reports as events', () => {
    it('each change, with the requester and its address', async () => {
      await askRaw(port, 'POST /v1/reload', [local, bearer]);
      await askRaw(socketPath, 'POST /v1/reload', [local]);
      gateway.reloadAnswer = { ok: false, kind: 'invalid', errors: ['no'] };
      await askRaw(socketPath, 'POST /v1/reload', [local]);
      gateway.reload = () => Promise.reject(new Error('secret'));
      assert.equal((await askRaw(socketPath, 'POST /v1/reload', [local])).status, 500);
      const [overTcp, ...overSocket] = told('admin_action');
      assert.equal(overTcp?.actor, 'admin:token:deploy');
      assert.equal(overTcp?.evidence.outcome, 'done');
      assert.match(overTcp?.evidence.remote ?? '', /^127\.0\.0\.1:\d+$/);
      assert.deepEqual(
        overSocket.map(({ actor, evidence }) => [actor, evidence]),
        (['done', 'rejected', 'failed'] as const).map((outcome) => [
          'admin:socket',
          { operation: 'reload', outcome, remote: null },
        ]),
      );
    });

    it('in words that redaction leaves unchanged', async () => {
      await askRaw(port, 'POST /v1/reload', [local, bearer]);
      await askRaw(socketPath, 'POST /v1/reload', [local]);
      await get([local]);
      await get([local, ['Authorization', 'Bearer candor_guessed']]);
      await get([['Host', 'evil.example']]);
      const { events } = gateway.events.since(0);
      assert.equal(events.length, 5);
      assert.match(
        events[0]?.reason ?? '',
        /^The holder of the token deploy at 127\.0\.0\.1:\d+ asked for reload; it was done\.$/,
      );
      assert.match(events[1]?.reason ?? '', /^A requester at the admin socket asked for reload; it was done\.$/);
      for (const { reason, evidence } of events)
        assert.deepEqual(new TextRedactor().redactAll({ reason, evidence }, 512), { reason, evidence });
    });

    it('no request that only reads', async () => {
      for (const path of ['/v1/status', '/metrics', '/v1/openapi.json', '/nothing']) await get([local, bearer], path);
      assert.deepEqual(gateway.events.since(0).events, []);
    });

    it('refusals: the first at once, the others as a count, ten seconds later', async () => {
      for (let time = 0; time < 5; time++) await askRaw(port, 'POST /v1/reload', [local]);
      assert.deepEqual(
        told('admin_refused').map(({ evidence, actor }) => [
          evidence.reason,
          evidence.count,
          evidence.operation,
          actor,
        ]),
        [['no_token', 1, 'reload', 'admin:unknown']],
      );
      await clock.advance(10_000);
      assert.deepEqual(
        told('admin_refused').map(({ evidence }) => evidence.count),
        [1, 4],
      );
      await clock.advance(60_000);
      assert.equal(told('admin_refused').length, 2);
    });

    it('refusals not yet reported when the server closes', async () => {
      for (let time = 0; time < 3; time++) await get([local]);
      await admin.close();
      assert.deepEqual(
        told('admin_refused').map(({ evidence }) => evidence.count),
        [1, 2],
      );
      assert.equal(clock.timersLive, 0);
    });

    it('no token, whether right or wrong', async () => {
      await askRaw(port, 'POST /v1/reload', [local, bearer]);
      await get([local, ['Authorization', 'Bearer candor_guessed']]);
      assert.doesNotMatch(JSON.stringify(gateway.events.since(0)), /of-somebody|guessed/);
    });
  });

  describe('limits guessing', () => {
    const guess = (): Promise<RawAnswer> => get([local, ['Authorization', 'Bearer candor_guessed']]);

    it('with 429 after ten wrong tokens from an address, and still accepts the right one', async () => {
      for (let time = 0; time < 10; time++) assert.equal((await guess()).status, 401);
      const answer = await guess();
      assert.equal(answer.status, 429);
      assert.equal(answer.headers['retry-after'], '6');
      assert.equal((await get([local, bearer])).status, 200);
      await clock.advance(6_000);
      assert.equal((await guess()).status, 401);
      assert.equal((await guess()).status, 429);
    });

    it('and remembers at most a thousand addresses', () => {
      const attempts = new FailedAttempts(clock);
      for (let one = 0; one < 5_000; one++) assert.ok(attempts.count(`10.0.${one >> 8}.${one & 255}`));
      assert.equal(attempts.remembered, 1024);
    });

    it('and counts an IPv6 network as one address', () => {
      const attempts = new FailedAttempts(clock);
      for (let one = 1; one <= 10; one++) assert.ok(attempts.count(`2001:db8::${one}`));
      assert.equal(attempts.count('2001:db8:0:0:ffff::1'), false);
      assert.ok(attempts.count('2001:db8:0:1::1'));
      assert.ok(attempts.count('::ffff:192.0.2.1'));
      assert.equal(attempts.remembered, 3);
    });
  });

  describe('withstands slow and greedy clients', () => {
    it('with hundreds of silent connections: the oldest are closed, and a request with a token is answered', async () => {
      const silent: Socket[] = [];
      for (let one = 0; one < 300; one++) silent.push(connectTo(port));
      await Promise.all(silent.map(connected));
      assert.equal((await get([local, bearer])).status, 200);
      const last = silent.at(-1) as Socket;
      assert.equal(last.closed, false);
      while (silent.filter(({ closed }) => !closed).length > 64) await new Promise((done) => setImmediate(done));
      assert.equal(told('admin_refused')[0]?.evidence.reason, 'too_many_connections');
      for (const socket of silent) socket.destroy();
    });

    it('and keeps connections that have sent a valid token', async () => {
      const reader = connectTo(port);
      reader.write(`GET /v1/events HTTP/1.1\r\nHost: localhost\r\n${bearer.join(': ')}\r\n\r\n`);
      await once(reader, 'data');
      const silent = Array.from({ length: 200 }, () => connectTo(port));
      await Promise.all(silent.map(connected));
      assert.equal((await get([local, bearer])).status, 200);
      assert.equal(reader.closed, false);
      for (const socket of [...silent, reader]) socket.destroy();
    });

    it('and closes connections whose head never ends or never begins', { timeout: 30_000 }, async () => {
      const [slow, silent] = [connectTo(port), connectTo(port)];
      slow.write('GET /v1/status HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
      const dripping = setInterval(() => slow.write('a'), 200);
      // A client that still sends may get a reset, which discards the answer.
      const [answer] = await Promise.all([readAll(slow).catch(() => ''), readAll(silent)]);
      clearInterval(dripping);
      assert.match(answer, /^(?:HTTP\/1\.1 408|$)/);
    });

    it('with 431 for a head beyond 16 KiB', async () => {
      const answer = await get([local, bearer, ['X-Large', 'a'.repeat(20_000)]]);
      assert.equal(answer.status, 431);
    });

    it('and answers one of a thousand pipelined requests without a token', async () => {
      const many = 'POST /v1/reload HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(1000);
      const text = await sendRaw(port, many);
      assert.equal(text.split('HTTP/1.1 ').length - 1, 1);
      assert.equal(parseAnswer(text).status, 401);
    });

    it('and answers no request after a refused one, even with a token', async () => {
      const text = await sendRaw(
        port,
        `POST /v1/reload HTTP/1.1\r\nHost: localhost\r\n\r\nPOST /v1/reload HTTP/1.1\r\nHost: localhost\r\n${bearer.join(': ')}\r\n\r\n`,
      );
      assert.equal(text.split('HTTP/1.1 ').length - 1, 1);
      assert.deepEqual(gateway.calls, []);
    });

    it('and checks the token of each request on a connection', async () => {
      const text = await sendRaw(
        port,
        `GET /v1/ready HTTP/1.1\r\nHost: localhost\r\n${bearer.join(': ')}\r\n\r\nPOST /v1/reload HTTP/1.1\r\nHost: localhost\r\n\r\n`,
      );
      const statuses = [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
      assert.deepEqual(statuses, ['200', '401']);
    });

    for (const [what, bytes] of [
      ['CONNECT', 'CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n'],
      ['an upgrade', 'GET /v1/status HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'],
      ['TLS', '\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03'],
      ['nonsense', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
    ] as const) {
      it(`with at most a refusal for ${what}`, async () => {
        const text = await sendRaw(port, bytes);
        assert.match(text, /^(?:$|HTTP\/1\.1 4)/);
      });
    }

    it('and closes without waiting for clients that stay connected', async () => {
      const slow = connectTo(port);
      slow.write('GET /v1/status HTTP/1.1\r\n');
      await once(slow, 'connect');
      assert.equal((await get([local, bearer])).status, 200);
      const closing = admin.close();
      await clock.advance(2_000);
      await closing;
    });
  });
});

describe('GET /v1/ready', () => {
  for (const [state, status] of [
    ['starting', 503],
    ['serving', 200],
    ['draining', 503],
    ['stopped', 503],
  ] as const) {
    it(`answers ${status} while the gateway is ${state}`, async () => {
      gateway.statusNow = { ...gateway.statusNow, state };
      const answer = await askRaw(socketPath, 'GET /v1/ready', [local]);
      assert.equal(answer.status, status);
      assert.match(answer.body, new RegExp(state));
    });
  }
});
