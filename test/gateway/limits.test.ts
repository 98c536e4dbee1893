import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { headerOf, RawClient } from '../../src/testing/testing.ts';
import { ok, RawOrigin } from './raw-origin.ts';
import { responseOn, startFromYaml, until, type YamlGateway } from './start-from-yaml.ts';

test('a client beyond client.connections_max is refused, counted and reported; the others are served', async () => {
  const edge = await startFromYaml(
    'workers: 1\nlisteners: { http: "127.0.0.1:0" }\nclient: { connections_max: 1 }\nroutes: [{ path: /, respond: { status: 204 } }]',
  );
  const first = edge.connect();
  try {
    first.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await first.waitFor(() => first.parts.length > 0, 2000);
    const second = edge.connect();
    second.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    const refused = await responseOn(second);
    assert.equal(refused.status, 503);
    assert.equal(headerOf(refused, 'connection'), 'close');
    assert.ok(Number(headerOf(refused, 'retry-after')) > 0);
    const { cause, end } = await edge.record(refused);
    assert.deepEqual({ cause, end }, { cause: 'too_many_connections', end: 'generated' });
    second.close();
    await until('the refusal is reported', () => edge.eventsOf('connections_refused').length === 1);
    assert.equal(
      edge.gateway.counts().workers.reduce((sum, one) => sum + one.clientConnectionsRefused, 0),
      1,
    );
    first.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await first.waitFor(() => first.parts.length > 1, 2000);
  } finally {
    first.close();
    await edge.stop();
  }
});

test('an address gets no more than its share in all workers, and gets it back; trusted peers are not counted', async () => {
  const edge = await startFromYaml(
    'workers: 2\ntrusted_peers: [127.0.0.2]\nclient: { connections_per_address_max: 3 }\nroutes: [{ path: /, respond: { status: 204 } }]',
  );
  const clients: RawClient[] = [];
  const from = (localAddress: string): RawClient => {
    const { host, port } = edge.address();
    const client = new RawClient({
      host,
      port,
      open: () => connect({ host, port, localAddress, allowHalfOpen: true }),
    });
    client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    clients.push(client);
    return client;
  };
  const served = (client: RawClient) => until('the client is served', () => client.parts.length > 0);
  try {
    const first = from('127.0.0.1');
    for (const client of [first, from('127.0.0.1'), from('127.0.0.1')]) await served(client);
    const fourth = from('127.0.0.1');
    const refused = await responseOn(fourth);
    assert.equal(refused.status, 429);
    assert.match(refused.body.toString(), /connections/);
    const { cause, detail } = await edge.record(refused);
    assert.equal(cause, 'too_many_connections_from_address');
    assert.match(detail ?? '', /^127\.0\.0\.1 already has 3 connections open/);
    fourth.close();
    await until('the refusal is reported', () => edge.eventsOf('connections_refused').length === 1);
    assert.deepEqual(edge.eventsOf('connections_refused')[0]?.evidence, {
      reason: 'connections_per_address_max',
      count: 1,
      limit: 3,
      address: '127.0.0.1',
    });
    await served(from('127.0.0.3'));
    for (let count = 0; count < 5; count++) await served(from('127.0.0.2'));
    first.close();
    await until('the permit is free again', async () => {
      const again = from('127.0.0.1');
      return (await responseOn(again)).status === 204;
    });
  } finally {
    for (const client of clients) client.close();
    await edge.stop();
  }
});

test('clients that a trusted peer names are counted by their own address', async () => {
  const edge = await startFromYaml(
    'trusted_peers: [127.0.0.1]\nlisteners: { http: { bind: "127.0.0.1:0", proxy_protocol: true } }\nclient: { connections_per_address_max: 1 }\nroutes: [{ path: /, respond: { status: 204 } }]',
  );
  const clients: RawClient[] = [];
  const of = (address: string): RawClient => {
    const client = edge.connect();
    const [family, ours] = address.includes(':') ? ['TCP6', '::1'] : ['TCP4', '192.0.2.1'];
    client.write(`PROXY ${family} ${address} ${ours} 5000 80\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n`);
    clients.push(client);
    return client;
  };
  try {
    for (const address of ['192.0.2.7', '::ffff:192.0.2.8', '::ffff:192.0.2.9', '2001:db8::1']) {
      const client = of(address);
      await until('the client is served', () => client.parts.length > 0);
    }
    const second = of('::ffff:192.0.2.7');
    assert.equal((await responseOn(second)).status, 429);
    await until('the refusal is reported', () => edge.eventsOf('connections_refused').length === 1);
    assert.equal(edge.eventsOf('connections_refused')[0]?.evidence.address, '192.0.2.7');
    second.close();
    await until('the connection is closed', () => edge.counts().clients === 4);
  } finally {
    for (const client of clients) client.close();
    await edge.stop();
  }
});

test('64 refused connections at a time are answered, each is recorded once, the rest are reset, and the permits come back', async () => {
  const edge = await startFromYaml(
    'client: { connections_per_address_max: 1 }\nroutes: [{ path: /, respond: { status: 204 } }]',
  );
  const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
  const served = edge.connect();
  served.write(request);
  await responseOn(served);
  const clients: RawClient[] = [];
  try {
    for (let round = 1; round <= 2; round++) {
      // The clients send nothing yet: the gateway waits for a request before it answers with the refusal.
      const refused = Array.from({ length: 80 }, () => edge.connect());
      clients.push(...refused);
      await until(
        'the connections beyond 64 are reset',
        () => refused.filter(({ state }) => state !== 'open').length === 16,
      );
      const answered = refused.filter(({ state }) => state === 'open');
      for (const client of answered) client.write(request);
      for (const client of answered) assert.equal((await responseOn(client)).status, 429);
      for (const client of refused) client.close();
      await until('the refused connections are closed', () => edge.counts().clients === 1);
      await until('each refused connection is recorded once', () => edge.counts().ended === 1 + 64 * round);
      assert.equal(refusedOf(edge), 80 * round);
    }
    served.write(request);
    assert.equal((await responseOn(served)).status, 204);
  } finally {
    for (const client of [served, ...clients]) client.close();
    await edge.stop();
  }
});

test('a refused connection that sends nothing is closed within seconds, and the gateway waits no longer for a slow head', {
  timeout: 60_000,
}, async () => {
  const edge = await startFromYaml(
    'client: { connections_per_address_max: 1, head_timeout: 10m }\nroutes: [{ path: /, respond: { status: 204 } }]',
  );
  const served = edge.connect();
  served.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await responseOn(served);
  const [silent, slow] = [edge.connect(), edge.connect()];
  try {
    slow.write('GET / HTTP/1.1\r\nHo');
    await until('the silent connection is closed', () => silent.state !== 'open', 30_000);
    assert.equal((await responseOn(slow)).status, 408);
  } finally {
    for (const client of [served, silent, slow]) client.close();
    await edge.stop();
  }
});

test('a thousand connections of one address are served without an error where both limits allow as many', {
  timeout: 120_000,
}, async () => {
  const origin = await RawOrigin.start(() => ok('hello'));
  const edge = await startFromYaml(`
workers: 2
client: { connections_per_address_max: 1000 }
upstreams: { app: { endpoints: "${origin.address}", check: none, connections: { max: 1000 } } }`);
  const clients = Array.from({ length: 1000 }, () => edge.connect());
  try {
    for (let round = 0; round < 2; round++) {
      for (const client of clients) client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
      for (const client of clients) {
        await client.waitFor(() => client.parts.length > 0, 60_000);
        assert.equal((await responseOn(client)).status, 200);
      }
    }
    assert.equal(refusedOf(edge), 0);
  } finally {
    for (const client of clients) client.close();
    await edge.stop();
    await origin.close();
  }
});

function refusedOf(edge: YamlGateway): number {
  return edge.gateway.counts().workers.reduce((sum, { clientConnectionsRefused }) => sum + clientConnectionsRefused, 0);
}
