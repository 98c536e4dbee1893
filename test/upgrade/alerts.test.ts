// Starts processes: an upgrade replaces a process.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePort } from '../free-port.ts';
import { GatewayProgram, isAlive } from './gateway-program.ts';

test('an incident that is open during an upgrade goes on in the new process, and no one is told of it twice', async (context) => {
  const received: { readonly key: string; readonly change: string }[] = [];
  const webhook = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (part: string) => (text += part));
    request.on('end', () => {
      received.push(JSON.parse(text) as (typeof received)[number]);
      response.writeHead(204).end();
    });
  }).listen(0, '127.0.0.1');
  context.after(() => {
    webhook.closeAllConnections();
    webhook.close();
  });
  await once(webhook, 'listening');
  const program = new GatewayProgram(`
upstreams: { gone: { endpoints: "127.0.0.1:${await freePort()}", check: none, outlier_detection: none } }
routes: [{ path: /gone, to: gone }, { to: web }]
alerts: { targets: { hook: { webhook: { url: "http://127.0.0.1:${(webhook.address() as AddressInfo).port}/" } } } }
`);
  context.after(() => program.end());
  await program.serves();
  const opened = () => program.events().filter(({ kind }) => kind === 'incident_opened');
  const failUntil = (count: number): Promise<void> =>
    program.until(async () => {
      await program.get('/gone');
      return opened().length >= count;
    });
  await failUntil(1);
  await program.until(async () => received.length > 0);

  const { lines } = await program.upgrade();
  assert.equal(lines.at(-1)?.outcome, 'done', JSON.stringify(lines));
  await failUntil(2);
  await program.exited;
  const [before, after] = opened();
  assert.notEqual(before?.epoch, after?.epoch);
  assert.deepEqual([after?.to, after?.evidence['key']], ['continued', before?.evidence['key']]);

  // When the new process has ended, its file has what it would have sent.
  const { pid } = await program.status();
  process.kill(pid, 'SIGTERM');
  await program.until(async () => !isAlive(pid));
  const kept = JSON.parse(readFileSync(join(program.folder, 'state', 'alerts.json'), 'utf8')) as {
    targets: { hook: { queue: unknown[]; open: Record<string, unknown> } };
  };
  assert.deepEqual(kept.targets.hook.queue, []);
  assert.deepEqual(Object.keys(kept.targets.hook.open), [received[0]?.key]);
  assert.deepEqual(
    received.map(({ change }) => change),
    ['opened'],
  );
});
