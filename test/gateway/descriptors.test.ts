import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { OwnProcess, type ReportedEvent } from './own-process.ts';
import { until } from './start-from-yaml.ts';

// A gateway that may open 200 files, 30 of which it needs for itself.

const limit = 200;

describe('a gateway that runs out of descriptors', { skip: process.platform !== 'linux' }, () => {
  let origin: Server;
  let gateway: OwnProcess;
  const waiting: ServerResponse[] = [];
  const clients: Socket[] = [];

  before(async () => {
    origin = createServer((request, response) => {
      if (request.url === '/later') waiting.push(response);
      else response.end('now');
    });
    origin.listen(0, '127.0.0.1');
    await once(origin, 'listening');
    const endpoint = `127.0.0.1:${(origin.address() as AddressInfo).port}`;
    gateway = await OwnProcess.start(
      `workers: 1\nupstreams: { app: { endpoints: "${endpoint}", check: none } }\n`,
      limit,
    );
  });

  after(async () => {
    for (const client of clients) client.destroy();
    await gateway.stop();
    origin.closeAllConnections();
    origin.close();
  });

  test('closes connections that rest, answers what is under way, and says so once', { timeout: 60_000 }, async () => {
    const underWay = [asking('/later'), asking('/later'), asking('/later')];
    await until('they are under way', () => waiting.length === 3);
    for (let count = 0; count < limit + 50; count++) {
      const client = asking('/');
      // One after the other: each rests when the next one comes.
      await until('it is answered', () => client.came.includes('200 OK'));
    }
    assert.ok(gateway.descriptors < limit - 10);
    // At its start already it has said that the defaults need more.
    const few = gateway.events.find(({ kind }) => kind === 'descriptors_few');
    assert.ok(Number(few?.evidence['needed']) > 10_000);
    await until('it is told', () => told('scarce').length === 1);
    assert.equal(told('scarce')[0]?.evidence['limit'], limit);
    for (const response of waiting.splice(0)) response.end('then');
    for (const client of underWay) await until('it is answered', () => client.came.includes('then'));
    end();
    await until('it is told that it is over', () => told('enough').length >= 1, 20_000);
    assert.ok(Number(told('enough')[0]?.evidence['closed']) >= 50);
    assert.equal(told('scarce').length, 1);
  });

  test('turns clients away where no connection rests, and serves on when some have left', {
    timeout: 60_000,
  }, async () => {
    const all: Asking[] = [];
    for (let count = 0; count < limit; count++) {
      const client = asking('/later');
      all.push(client);
      await until('it waits, or is gone', () => client.isGone || waiting.length + gone(all) === all.length);
    }
    assert.ok(gone(all) > 0 && waiting.length > 50, `${gone(all)} gone, ${waiting.length} under way`);
    await until('it is told', () => refused() > 0, 15_000);
    const { length } = waiting;
    for (const response of waiting.splice(0)) response.end('then');
    await until('all of them are answered', () => all.filter(({ came }) => came.includes('then')).length === length);
    end();
    const next = asking('/');
    await until('the next one is served', () => next.came.includes('200 OK'));
    end();
  });

  test('answers 503 where it has none left to reach the application with', { timeout: 60_000 }, async () => {
    const all: Asking[] = [];
    await until('the others have left', () => gateway.descriptors < 45);
    for (let count = 0; count < 130; count++) all.push(asking(null));
    await until('nearly all of them are taken', () => gateway.descriptors >= 155);
    for (const { socket } of all) socket.write('GET /later HTTP/1.1\r\nHost: a\r\n\r\n');
    const spent = (): Asking[] => all.filter(({ came }) => came.includes('503 Service Unavailable'));
    await until('all of them have met something', () => spent().length + waiting.length + gone(all) === all.length);
    assert.ok(
      spent().length > 0,
      `${waiting.length} under way, ${gone(all)} gone: ${all.find(({ came }) => came !== '')?.came}`,
    );
    for (const { came } of spent()) assert.match(came, /Proxy-Status: [^\r]*error=connection_limit_reached/i);
    const { length } = waiting;
    for (const response of waiting.splice(0)) response.end('then');
    await until(
      'the others by the application',
      () => all.filter(({ came }) => came.includes('then')).length === length,
    );
    end();
    const next = asking('/');
    await until('and then all is well', () => next.came.includes('200 OK'));
  });

  interface Asking {
    readonly socket: Socket;
    came: string;
    isGone: boolean;
  }

  function asking(path: string | null): Asking {
    const socket = connect(gateway.port, '127.0.0.1');
    const client: Asking = { socket, came: '', isGone: false };
    socket.setEncoding('latin1').on('data', (text: string) => void (client.came += text));
    socket.on('error', () => void (client.isGone = true));
    socket.on('close', () => void (client.isGone = true));
    if (path !== null) socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    clients.push(socket);
    return client;
  }

  function end(): void {
    for (const client of clients.splice(0)) client.destroy();
  }

  function told(to: string): ReportedEvent[] {
    return gateway.events.filter((event) => event.kind === 'descriptors_exhausted' && event.to === to);
  }

  function refused(): number {
    const ones = gateway.events.filter(
      ({ kind, evidence }) => kind === 'connections_refused' && evidence['reason'] === 'descriptors',
    );
    return ones.reduce((sum, { evidence }) => sum + Number(evidence['count']), 0);
  }

  function gone(all: readonly Asking[]): number {
    return all.filter(({ isGone, came }) => isGone && came === '').length;
  }
});
