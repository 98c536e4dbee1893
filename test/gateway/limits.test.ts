import assert from 'node:assert/strict';
import { test } from 'node:test';
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
