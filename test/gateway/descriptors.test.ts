// Starts processes: the limit of descriptors is one of a process.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { OwnProcess, type ReportedEvent } from './own-process.ts';
import { until } from './start-from-yaml.ts';

interface ReceivedAlert {
  readonly change: string;
  readonly severity: string;
  readonly title: string;
  readonly next_step: string | null;
}

// A gateway that may open 200 files, of which it needs 30 for itself.

const limit = 200;

describe('a gateway that runs out of descriptors', { skip: process.platform !== 'linux' }, () => {
  let origin: Server;
  let webhook: Server;
  let gateway: OwnProcess;
  const alerts: ReceivedAlert[] = [];
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
    webhook = createServer((request, response) => {
      let text = '';
      request.setEncoding('utf8').on('data', (part: string) => (text += part));
      request.on('end', () => {
        alerts.push(JSON.parse(text) as ReceivedAlert);
        response.writeHead(204).end();
      });
    });
    webhook.listen(0, '127.0.0.1');
    await once(webhook, 'listening');
    const hook = `http://127.0.0.1:${(webhook.address() as AddressInfo).port}/hook`;
    const yaml = [
      'workers: 1',
      `upstreams: { app: { endpoints: "${endpoint}", check: none } }`,
      `alerts: { targets: { hook: { kinds: [gateway], webhook: { url: "${hook}" } } } }`,
    ];
    gateway = await OwnProcess.start(`${yaml.join('\n')}\n`, limit, null, false, null, true);
  });

  after(async () => {
    for (const client of clients) client.destroy();
    await gateway.stop();
    for (const server of [origin, webhook]) {
      server.closeAllConnections();
      server.close();
    }
  });

  test('closes idle connections, answers requests in flight, and reports it once', { timeout: 60_000 }, async () => {
    const underWay = [asking('/later'), asking('/later'), asking('/later')];
    await until('the requests are in flight', () => waiting.length === 3);
    for (let count = 0; count < limit + 50; count++) {
      const client = asking('/');
      // One after the other: each is idle when the next one comes.
      await until('the request is answered', () => client.came.includes('200 OK'));
    }
    assert.ok(gateway.descriptors < limit - 10);
    // At its start the gateway has already warned that the defaults need more.
    const few = gateway.events.find(({ kind }) => kind === 'descriptors_few');
    assert.ok(Number(few?.evidence['needed']) > 10_000);
    await until('the shortage is reported', () => told('scarce').length === 1);
    assert.equal(told('scarce')[0]?.evidence['limit'], limit);
    for (const response of waiting.splice(0)) response.end('then');
    for (const client of underWay) await until('the request is answered', () => client.came.includes('then'));
    end();
    await until('the end of the shortage is reported', () => told('enough').length >= 1, 20_000);
    assert.ok(Number(told('enough')[0]?.evidence['closed']) >= 50);
    await until('people are told of both', () => alerts.at(-1)?.change === 'resolved');
    assert.deepEqual([alerts[0]?.change, alerts[0]?.severity], ['opened', 'warning']);
    assert.equal(told('scarce').length, 1);
  });

  test('refuses clients while no connection is idle, says so to people and in its status, and serves again when some have left', {
    timeout: 60_000,
  }, async () => {
    const all: Asking[] = [];
    for (let count = 0; count < limit; count++) {
      const client = asking('/later');
      all.push(client);
      await until('the client waits or is refused', () => client.isGone || waiting.length + gone(all) === all.length);
    }
    assert.ok(gone(all) > 0 && waiting.length > 50, `${gone(all)} gone, ${waiting.length} in flight`);
    await until('the shortage is reported', () => refused() > 0, 15_000);
    await until('people are told', () => alerts.some(({ severity }) => severity === 'critical'), 15_000);
    const told = alerts.find(({ severity }) => severity === 'critical');
    assert.equal(told?.title, 'the gateway refuses clients: no descriptor is left');
    const wanted = `LimitNOFILE=${String(gateway.events.find(({ kind }) => kind === 'descriptors_few')?.evidence['needed'])} `;
    assert.ok(told.next_step?.includes(wanted), told.next_step ?? '');
    // The verdict says what is now.
    all.push(asking('/later'));
    await until('another client is refused', () => all.at(-1)?.isGone === true);
    await until('the status says so', async () => (await gateway.status()).verdict.state === 'failing');
    const { verdict, problems } = await gateway.status();
    assert.equal(verdict.reason, 'clients are refused: hardly any descriptor was left of 200 (ulimit -n)');
    const found = problems.filter(({ next_step: step }) => step.includes('LimitNOFILE='));
    assert.deepEqual(
      found.map(({ kind, next_step: step }) => [kind, step.includes(wanted)]),
      [['clients_refused', true]],
    );
    const { length } = waiting;
    for (const response of waiting.splice(0)) response.end('then');
    await until('all requests are answered', () => all.filter(({ came }) => came.includes('then')).length === length);
    end();
    const next = asking('/');
    await until('the next client is served', () => next.came.includes('200 OK'));
    end();
  });

  test('answers 503 when it has no descriptor left to connect to the application', { timeout: 60_000 }, async () => {
    const all: Asking[] = [];
    await until('the other clients have left', () => gateway.descriptors < 45);
    for (let count = 0; count < 130; count++) all.push(asking(null));
    await until('nearly all descriptors are in use', () => gateway.descriptors >= 155);
    for (const { socket } of all) socket.write('GET /later HTTP/1.1\r\nHost: a\r\n\r\n');
    const spent = (): Asking[] => all.filter(({ came }) => came.includes('503 Service Unavailable'));
    await until(
      'every client has an answer or an error',
      () => spent().length + waiting.length + gone(all) === all.length,
    );
    assert.ok(
      spent().length > 0,
      `${waiting.length} in flight, ${gone(all)} gone: ${all.find(({ came }) => came !== '')?.came}`,
    );
    for (const { came } of spent()) assert.match(came, /Proxy-Status: [^\r]*error=connection_limit_reached/i);
    const { length } = waiting;
    for (const response of waiting.splice(0)) response.end('then');
    await until(
      'the application answers the others',
      () => all.filter(({ came }) => came.includes('then')).length === length,
    );
    end();
    const next = asking('/');
    await until('and then every request is served', () => next.came.includes('200 OK'));
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
