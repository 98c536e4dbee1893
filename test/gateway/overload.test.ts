import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { startFromYaml, until } from './start-from-yaml.ts';

const connections = 48;
const ahead = Buffer.from('GET /here HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(200));

test('a worker with more requests than it can serve in time refuses those that wait too long, and no check, until it is in time', {
  timeout: 60_000,
}, async () => {
  const gateway = await startFromYaml(`
workers: { count: 1, delay_max: 5ms }
client: { pipelined_max: 1000 }
routes:
  - { path: /ready, readiness: true }
  - { path: /here, respond: { status: 200, body: here } }`);
  const counts = { ok: 0, refused: 0 };
  const clients: Socket[] = [];
  let isOver = false;
  // Each client has two hundred requests on the way, and sends as many more when half of them are answered.
  const begin = (): void => {
    const client = connect(gateway.address());
    let answered = 0;
    client.on('error', () => {});
    client.on('data', (bytes) => {
      const text = bytes.toString('latin1');
      const ok = text.split('HTTP/1.1 200').length - 1;
      const refused = text.split('HTTP/1.1 503').length - 1;
      counts.ok += ok;
      counts.refused += refused;
      answered += ok + refused;
      if (answered >= 100 && !isOver) {
        answered -= 100;
        client.write(ahead.subarray(0, ahead.length / 2));
      }
    });
    client.write(ahead);
    clients.push(client);
  };
  try {
    for (let count = 0; count < connections; count++) begin();
    await until('requests are refused', () => counts.refused > 500, 20_000);
    const ready = await gateway.get('/ready');
    assert.equal(ready.status, 200);
    assert.ok(counts.ok > counts.refused / 20, 'others are served');
    isOver = true;
    for (const client of clients) client.destroy();
    await until(
      'nothing is refused any more',
      async () => {
        const results = await Promise.all(Array.from({ length: 4 }, () => gateway.get('/here')));
        return results.every(({ status }) => status === 200);
      },
      20_000,
    );
    const shed = gateway.gateway.counts().exchanges.find(({ cause }) => cause === 'shed');
    assert.ok((shed?.count ?? 0) > 0, 'refusals are counted by their cause');
  } finally {
    isOver = true;
    for (const client of clients) client.destroy();
    await gateway.stop();
  }
});
