import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { type FaultOrigin, headerOf, type RawClient, startFaultOrigin } from '../../src/testing/testing.ts';
import { tortureFaults } from '../../src/testing/torture/faults.ts';
import { RawOrigin } from '../gateway/raw-origin.ts';
import { startFromYaml, until, type YamlGateway } from '../gateway/start-from-yaml.ts';

// Failures caused by the client or by a limit of the route, over real sockets. The origin causes none of them.

interface Row {
  readonly what: string;
  /** All bytes of the request, with `ID` for the request id. */
  readonly bytes: string;
  /** What the client does once the origin has the request, or the gateway if the request goes no further. */
  readonly then?: (client: RawClient) => void;
  /** Whether the request reaches the origin. */
  readonly reaches: boolean;
  readonly status: number | null;
  readonly cause: string;
  readonly shape: string;
  readonly delivery: string;
  readonly end: string;
}

const upload = 'POST /fault/silent HTTP/1.1\r\nHost: a\r\nX-Request-Id: ID\r\nContent-Length: 100\r\n\r\nsome';
const waiting = 'GET /fault/silent HTTP/1.1\r\nHost: a\r\nX-Request-Id: ID\r\n\r\n';
const clientAbort = { shape: 'client_abort', delivery: 'not_sent', end: 'generated' };

const rows: readonly Row[] = [
  {
    what: 'a head that does not end',
    bytes: 'GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: ID\r\nX-More: ',
    reaches: false,
    status: 408,
    cause: 'request_head_timeout',
    ...clientAbort,
  },
  {
    what: 'a malformed request',
    bytes: 'GET / HTTP/1.1\r\nX-Request-Id: ID\r\n\r\n',
    reaches: false,
    status: 400,
    cause: 'request_refused',
    ...clientAbort,
  },
  {
    what: 'a body that stops',
    bytes: upload,
    reaches: true,
    status: 408,
    cause: 'request_body_timeout',
    ...clientAbort,
    delivery: 'partial',
  },
  {
    what: 'a body that ends too early (FIN)',
    bytes: upload,
    then: (client) => client.finish(),
    reaches: true,
    status: 400,
    cause: 'request_body_truncated',
    ...clientAbort,
    delivery: 'partial',
  },
  {
    what: 'a client that aborts its upload (RST)',
    bytes: upload,
    then: (client) => client.reset(),
    reaches: true,
    status: null,
    cause: 'client_gone',
    ...clientAbort,
    delivery: 'partial',
    end: 'abandoned',
  },
  {
    what: 'a client that leaves while it waits',
    bytes: waiting,
    then: (client) => client.reset(),
    reaches: true,
    status: null,
    cause: 'client_gone',
    ...clientAbort,
    delivery: 'sent_unknown',
    end: 'abandoned',
  },
  {
    what: 'an exchange that exceeds the time limit of its route',
    bytes: waiting.replace('/fault', '/hasty/fault'),
    reaches: true,
    status: 504,
    cause: 'exchange_timeout',
    shape: 'too_slow',
    delivery: 'sent_unknown',
    end: 'generated',
  },
];

describe('a failure that the origin did not cause', () => {
  let origin: FaultOrigin;
  let edge: YamlGateway;
  let switching: RawOrigin;

  before(async () => {
    origin = await startFaultOrigin({ faults: tortureFaults });
    const { host, port } = origin.address;
    switching = await RawOrigin.start(() => (socket) => {
      socket.removeAllListeners('end'); // The origin does not answer a FIN with its own.
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n');
    });
    edge = await startFromYaml(`
trusted_peers: [127.0.0.0/8]
client: { head_timeout: 300ms, body_timeout: 300ms }
timeouts: { response_head: 10s, idle: 300ms }
buffer: { request: none }
upstreams: { app: { endpoints: "${host}:${port}", check: none }, switching: { endpoints: "${switching.address}", check: none } }
routes:
  - { path: /switching, to: switching }
  - { path: /hasty, to: app, timeouts: { exchange: 200ms } }
  - { path: /, to: app }
`);
  });
  after(async () => {
    await origin.close();
    await switching.close();
    await edge.stop();
  });

  for (const row of rows) {
    test(`${row.what} is answered with ${row.status ?? 'nothing'}, ${row.cause}`, { timeout: 20_000 }, async () => {
      const id = randomUUID();
      const client = edge.connect();
      client.write(row.bytes.replace('ID', id));
      if (row.reaches) await origin.seen(id);
      row.then?.(client);
      const { response } = await client.response('GET', 10_000);
      assert.equal(response?.status ?? null, row.status);
      if (response !== null) assert.ok(headerOf(response, 'x-request-id') !== null);
      const recordId = (response === null ? null : headerOf(response, 'x-request-id')) ?? id;
      await until('the exchange is recorded', async () => (await edge.gateway.findExchange(recordId)) !== null);
      const { status, cause, shape, delivery, end } = await edge.record(recordId);
      const expected = { status: row.status, cause: row.cause, shape: row.shape, delivery: row.delivery, end: row.end };
      assert.deepEqual({ status, cause, shape, delivery, end }, expected);
      assert.equal(origin.count(id), row.reaches ? 1 : 0, 'the number of requests at the origin');
      client.close();
      // Neither side keeps anything: the origin does not go on with a request that the client has abandoned.
      await until('no exchange is in flight', () => edge.counts().active === 0);
      await until('no connection is left at the origin', () => origin.connectionsOpen === 0);
      assert.equal(edge.counts().unclassified, 0);
    });
  }

  test('a half-closed tunnel that stays idle is closed: tunnel_idle', { timeout: 20_000 }, async () => {
    const id = randomUUID();
    const client = edge.connect();
    const headers = `X-Request-Id: ${id}\r\nConnection: Upgrade\r\nUpgrade: tcp`;
    client.write(`GET /switching HTTP/1.1\r\nHost: a\r\n${headers}\r\n\r\n`);
    assert.ok(await client.waitFor(() => client.bytes.includes('\r\n\r\n'), 10_000), 'the exchange is a tunnel');
    client.finish();
    assert.ok(await client.waitFor(() => client.state !== 'open', 10_000), 'the client notices');
    await until('the exchange is recorded', async () => (await edge.gateway.findExchange(id)) !== null);
    const { status, cause, shape, end } = await edge.record(id);
    assert.deepEqual([status, cause, shape, end], [101, 'tunnel_idle', 'too_slow', 'truncated']);
    assert.equal(client.state, 'reset', 'the client does not take the rest of a tunnel for an orderly end');
    await until('no exchange is in flight', () => edge.counts().active === 0);
  });
});
