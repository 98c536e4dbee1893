import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import { startFromYaml, until } from './start-from-yaml.ts';

const connections = 256;
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
  const clients: Socket[] = [];
  let isOver = false;
  // Each client sends as fast as its connection takes requests, and looks at no answer: it must cost less than the gateway, or this is never late.
  const begin = (): void => {
    const client = connect(gateway.address());
    const send = (): void => {
      while (!isOver && client.write(ahead));
    };
    client
      .on('error', () => {})
      .on('drain', send)
      .resume();
    send();
    clients.push(client);
  };
  const count = (isCounted: (cell: { readonly cause: string }) => boolean): number =>
    gateway.gateway
      .counts()
      .exchanges.filter(isCounted)
      .reduce((sum, cell) => sum + cell.count, 0);
  const refused = (): number => count(({ cause }) => cause === 'shed');
  try {
    for (let index = 0; index < connections; index++) begin();
    await until('requests are refused', () => refused() > 50, 20_000);
    const ready = await gateway.get('/ready');
    assert.equal(ready.status, 200);
    assert.ok(count(({ cause }) => cause === 'none') > refused() / 20, 'others are served');
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
  } finally {
    isOver = true;
    for (const client of clients) client.destroy();
    await gateway.stop();
  }
});
