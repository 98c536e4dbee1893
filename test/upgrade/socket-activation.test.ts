// Only `npm run test:complete` runs this file: it starts and upgrades gateways under the service manager's tool. `npm test` has
// `upgrade.test.ts` and `passed-sockets.test.ts`.
// Starts processes: the service manager starts the process, and an upgrade replaces it.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { freePort } from '../free-port.ts';
import { askOn } from './ask-on.ts';
import { GatewayProgram, goodProgram } from './gateway-program.ts';

/** A gateway whose port systemd holds, started with systemd's own test program. */

const found = spawnSync('systemd-socket-activate', ['--version']).error === undefined;
const skip = found ? false : 'systemd-socket-activate is not installed';

/** The first worker crashes at this signal, which nothing else sends. */
const losesWorker = `import { runInWorker } from ${JSON.stringify(join(import.meta.dirname, '../gateway/run-in-workers.ts'))};
process.on('SIGWINCH', () => void runInWorker(1, 'process.exit(7)'));
${goodProgram}`;

let gateway: GatewayProgram;
afterEach(() => gateway.end());

describe('a socket of the service manager', { skip }, () => {
  test('is served by every worker, after the loss of any of them, and by the next process', async () => {
    const port = await freePort();
    gateway = new GatewayProgram('workers: 2\n', port);
    gateway.install(losesWorker);
    await gateway.until(async () => gateway.stderr.includes('Listening on'));
    // The first connection starts the gateway, and is answered once the gateway serves, whether or not the application
    // is ready by then.
    gateway.port = port;
    assert.match(String((await gateway.get('/')).status), /^(?:200|503)$/);
    await gateway.until(async () => (await gateway.get('/')).status === 200);
    const asked = askOn(gateway);
    process.kill(gateway.pid, 'SIGWINCH');
    await gateway.until(async () => gateway.events().some(({ kind }) => kind === 'worker_lost'));
    // Its replacement has a duplicate of its own.
    await gateway.until(async () => serving(gateway.events()) >= 3);
    assert.equal((await gateway.upgrade()).lines.at(-1)?.outcome, 'done');
    assert.equal(await gateway.exited, 0);
    const { answered, failed } = await asked.end();
    assert.ok(answered > 0);
    // The exchanges of the lost worker are lost with it: at most one connection of this test.
    assert.ok(failed.length <= 1, failed.join());
    assert.equal((await gateway.get('/')).status, 200);
  });

  test('without a matching listener prevents the start', async () => {
    const port = await freePort();
    gateway = new GatewayProgram('', port);
    gateway.moveListener(await freePort());
    await gateway.until(async () => gateway.stderr.includes('Listening on'));
    gateway.port = port;
    await gateway.get('/').catch(() => {});
    assert.equal(await gateway.exited, 4);
    assert.match(gateway.stderr, /holds 127\.0\.0\.1:\d+ for Candor \(descriptor 3, http\), and\sno listener/);
  });
});

/** Workers that have been started. */
function serving(events: ReturnType<GatewayProgram['events']>): number {
  return events.filter(({ kind }) => kind === 'worker_started').length;
}
