import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { afterEach, describe, test } from 'node:test';
import { freePort } from '../readme/free-port.ts';
import { askOn } from './ask-on.ts';
import { GatewayProgram, goodProgram } from './gateway-program.ts';

/** A gateway whose port systemd holds, by the program with which systemd lets one try that. */

const found = spawnSync('systemd-socket-activate', ['--version']).error === undefined;
const skip = found ? false : 'systemd-socket-activate is not installed';

/** At this signal, which nothing else sends, its first worker ends as one that crashes does. */
const losesWorker = `import { runInWorker } from ${JSON.stringify(join(import.meta.dirname, '../gateway/run-in-workers.ts'))};
process.on('SIGWINCH', () => void runInWorker(1, 'process.exit(7)'));
${goodProgram}`;

let gateway: GatewayProgram;
afterEach(() => gateway.end());

describe('a socket that the service manager holds', { skip }, () => {
  test('is served by every worker, whichever of them is lost, and by the next process', async () => {
    const port = await freePort();
    gateway = new GatewayProgram('workers: 2\n', port);
    gateway.install(losesWorker);
    await gateway.until(async () => gateway.stderr.includes('Listening on'));
    // The first connection has it started, and is answered when it is, whether or not the application is ready by then.
    gateway.port = port;
    assert.match(String((await gateway.get('/')).status), /^(?:200|503)$/);
    await gateway.until(async () => (await gateway.get('/')).status === 200);
    const asked = askOn(gateway);
    process.kill(gateway.pid, 'SIGWINCH');
    await gateway.until(async () => gateway.events().some(({ kind }) => kind === 'worker_lost'));
    // Its place is taken by one with a duplicate of its own.
    await gateway.until(async () => serving(gateway.events()) >= 3);
    assert.equal((await gateway.upgrade()).lines.at(-1)?.outcome, 'done');
    assert.equal(await gateway.exited, 0);
    const { answered, failed } = await asked.end();
    assert.ok(answered > 0);
    // What was under way in the worker that ended is lost with it: one connection of ours at most.
    assert.ok(failed.length <= 1, failed.join());
    assert.equal((await gateway.get('/')).status, 200);
  });

  test('that no listener is for keeps the gateway from starting', async () => {
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
