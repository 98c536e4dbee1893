import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { RawClient } from '../../src/testing/testing.ts';
import { startFromYaml, until } from './start-from-yaml.ts';

test('a client beyond client.connections_max is turned away, counted and told of; the others are served', async () => {
  const edge = await startFromYaml(
    'workers: 1\nlisteners: { http: "127.0.0.1:0" }\nclient: { connections_max: 1 }\nroutes: [{ path: /, respond: { status: 204 } }]',
  );
  const first = edge.connect();
  try {
    first.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await first.waitFor(() => first.pieces.length > 0, 2000);
    const second = edge.connect();
    await second.waitFor(() => second.state !== 'open', 2000);
    assert.notEqual(second.state, 'open');
    second.close();
    await until('it is told', () => edge.eventsOf('connections_refused').length === 1);
    assert.equal(
      edge.gateway.counts().workers.reduce((sum, one) => sum + one.clientConnectionsRefused, 0),
      1,
    );
    first.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await first.waitFor(() => first.pieces.length > 1, 2000);
  } finally {
    first.close();
    await edge.stop();
  }
});

test('an address gets no more than its share of all workers, and gets it back; whoever is trusted is not counted', async () => {
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
  const served = (client: RawClient) => until('it is served', () => client.pieces.length > 0);
  try {
    const first = from('127.0.0.1');
    for (const client of [first, from('127.0.0.1'), from('127.0.0.1')]) await served(client);
    const fourth = from('127.0.0.1');
    await until('it is turned away', () => fourth.state !== 'open');
    assert.equal(fourth.pieces.length, 0);
    await until('it is told', () => edge.eventsOf('connections_refused').length === 1);
    assert.deepEqual(edge.eventsOf('connections_refused')[0]?.evidence, {
      why: 'connections_per_address_max',
      count: 1,
      limit: 3,
      address: '127.0.0.1',
    });
    await served(from('127.0.0.3'));
    for (let count = 0; count < 5; count++) await served(from('127.0.0.2'));
    first.close();
    await until('its place is free again', async () => {
      const again = from('127.0.0.1');
      await until('it is served or not', () => again.pieces.length > 0 || again.state !== 'open');
      return again.pieces.length > 0;
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
      await until('it is served', () => client.pieces.length > 0);
    }
    const second = of('::ffff:192.0.2.7');
    await until('it is turned away', () => second.state !== 'open');
    assert.equal(second.pieces.length, 0);
    await until('it is told', () => edge.eventsOf('connections_refused').length === 1);
    assert.equal(edge.eventsOf('connections_refused')[0]?.evidence.address, '192.0.2.7');
  } finally {
    for (const client of clients) client.close();
    await edge.stop();
  }
});
