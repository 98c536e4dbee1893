import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type AdminServer, startAdminServer } from '../../src/admin/server.ts';
import { hashOfToken } from '../../src/admin/token.ts';
import type { AdminSpec } from '../../src/core/configuration.ts';
import { SimulatedClock } from '../../src/testing/simulated-clock.ts';
import { FakeGateway } from '../fakes/fake-gateway.ts';
import { askRaw, connectTo, readAll, sendRaw } from '../fakes/raw-ask.ts';

const bearer = 'Host: localhost\r\nAuthorization: Bearer candor_mine\r\n';
const mine = { name: 'mine', hash: hashOfToken('candor_mine') };
const other = { name: 'other', hash: hashOfToken('candor_other') };

let gateway: FakeGateway;
let clock: SimulatedClock;
let admin: AdminServer;
let port: number;

function specWith(tokens: AdminSpec['tokens']): AdminSpec {
  return { socket: null, listen: { host: '127.0.0.1', port: 0 }, tokens, hosts: [] };
}

beforeEach(async () => {
  gateway = new FakeGateway();
  clock = new SimulatedClock();
  admin = await startAdminServer({ gateway, spec: specWith([mine, other]), clock });
  port = admin.address?.port ?? 0;
});
afterEach(() => admin.close());

async function reloadTo(tokens: AdminSpec['tokens']): Promise<void> {
  assert.equal(await admin.prepare(specWith(tokens)), null);
  admin.activate();
}

interface Asked {
  readonly socket: Socket;
  /** Resolves when the received text matches. */
  told(what: RegExp): Promise<void>;
}

async function ask(token: string, target: string): Promise<Asked> {
  const socket = connectTo(port);
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk;
  });
  socket.write(`GET ${target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  const told = async (what: RegExp): Promise<void> => {
    while (!what.test(text)) await once(socket, 'data');
  };
  await told(/\r\n\r\n/);
  return { socket, told };
}

async function closed(...asked: readonly Asked[]): Promise<void> {
  for (const { socket } of asked) if (!socket.closed) await once(socket, 'close');
}

const inTime = { timeout: 10_000 };

describe('a token that a reload removes from the configuration', () => {
  for (const [what, tokens] of [
    ['taken out', [other]],
    ['given another secret', [{ name: 'mine', hash: hashOfToken('candor_new') }, other]],
    ['given another name', [{ name: 'yours', hash: mine.hash }, other]],
  ] as const) {
    it(`ends its stream of events when the token is ${what}; other streams continue`, inTime, async () => {
      const [stream, others] = [await ask('candor_mine', '/v1/events'), await ask('candor_other', '/v1/events')];
      await reloadTo(tokens);
      await stream.told(/\r\n0\r\n\r\n$/);
      await clock.advance(2_000);
      await closed(stream);
      await clock.advance(15_000);
      await others.told(/still here/);
      others.socket.destroy();
    });
  }

  it(
    'closes its connections within two seconds, whether they are idle or their client reads nothing',
    inTime,
    async () => {
      const [resting, unread] = [await ask('candor_mine', '/v1/status'), await ask('candor_mine', '/v1/events')];
      unread.socket.pause();
      await reloadTo([other]);
      await clock.advance(2_000);
      unread.socket.resume();
      await closed(resting, unread);
    },
  );

  it('is refused for the next request on the same connection', inTime, async () => {
    const asked = await ask('candor_mine', '/v1/status');
    await reloadTo([other]);
    asked.socket.write(`GET /v1/status HTTP/1.1\r\n${bearer}\r\n`);
    await asked.told(/HTTP\/1\.1 401 [^]*Connection: close/);
    await closed(asked);
  });

  it('leaves no timer behind', inTime, async () => {
    await ask('candor_mine', '/v1/events');
    await reloadTo([other]);
    const closing = admin.close();
    await clock.advance(2_000);
    await closing;
    assert.equal(clock.timersLive, 0);
  });
});

describe('a request with an Expect header', () => {
  for (const expected of ['100-continue', 'something']) {
    it(`with ${expected} gets no 100 before its token is checked`, inTime, async () => {
      const answer = await sendRaw(
        port,
        `POST /v1/reload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\nExpect: ${expected}\r\n\r\n`,
      );
      assert.match(answer, /^HTTP\/1\.1 401 /);
      const misled = await sendRaw(
        port,
        `POST /v1/reload HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 2\r\nExpect: ${expected}\r\n\r\n`,
      );
      assert.match(misled, /^HTTP\/1\.1 421 /);
      assert.equal(gateway.events.since(0).events.filter(({ kind }) => kind === 'admin_refused').length, 2);
    });
  }

  it('with a valid token is answered, after a 100 if it expects 100-continue', inTime, async () => {
    const socket = connectTo(port);
    socket.write(
      `POST /v1/reload HTTP/1.1\r\n${bearer}Content-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n{}`,
    );
    assert.match(await readAll(socket), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 /);
    const answer = await askRaw(port, 'GET /v1/status', [
      ['Host', 'localhost'],
      ['Authorization', 'Bearer candor_mine'],
      ['Expect', 'something'],
    ]);
    assert.equal(answer.status, 417);
    assert.match(answer.body, /Expectation Failed/);
  });
});
