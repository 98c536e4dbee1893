// Only `npm run test:complete` runs this file: it kills an application eight times. `npm test` has `recovery.test.ts`.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { InstanceStatus } from '../../src/core/schemas/status.ts';
import { servedMs } from '../../src/deploy/instance-life.ts';
import { startFromYaml, until } from './start-from-yaml.ts';

// The only process of an application is killed again and again, each time after it has served: the delay before its restart stays shorter than requests wait.

const kills = 8;
const program = `require('node:http').createServer((_, response) => setTimeout(() => response.end('served'), 20))
  .listen(Number(process.env.PORT), '127.0.0.1');`;

test('an application that is killed eight times, a second after it was ready, loses no GET', async () => {
  const edge = await startFromYaml(`
applications:
  shop: { command: ${JSON.stringify([process.execPath, '-e', program])}, readiness: { path: /, interval: 50ms } }
routes: [{ to: shop }]
`);
  const answers: Promise<string>[] = [];
  const asking = new AbortController();
  const ask = async (): Promise<void> => {
    while (!asking.signal.aborted) {
      answers.push(
        edge.get('/').then(
          ({ status, body }) => `${status} ${body.toString()}`,
          (error: unknown) => String(error),
        ),
      );
      await sleep(25);
    }
  };
  const instance = (): InstanceStatus =>
    edge.gateway.status().applications[0]?.instances[0] ?? assert.fail('no instance');
  const readyPid = async (before: number | null): Promise<number> => {
    await until('another process is ready', () => instance().phase === 'ready' && instance().pid !== before, 60_000);
    return instance().pid ?? assert.fail('no pid');
  };
  try {
    let pid = await readyPid(null);
    const asked = ask();
    for (let kill = 0; kill < kills; kill++) {
      await sleep(servedMs + 50);
      process.kill(pid, 'SIGKILL');
      pid = await readyPid(pid);
    }
    asking.abort();
    await asked;
    assert.deepEqual([...new Set(await Promise.all(answers))], ['200 served']);
    assert.equal(instance().restarts, kills);
  } finally {
    asking.abort();
    await edge.stop();
  }
});
