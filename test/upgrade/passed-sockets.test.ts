// Only `npm run test:complete` runs this file: it upgrades several times under load. `npm test` has `upgrade.test.ts` and
// `tls.test.ts`, which upgrade under load too.
// Starts processes: an upgrade replaces a process.

import assert from 'node:assert/strict';
import { mkdirSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { listeningDescriptors } from '../gateway/listening-descriptors.ts';
import { freePort } from '../free-port.ts';
import { askOn } from './ask-on.ts';
import { GatewayProgram } from './gateway-program.ts';

/** Connections during an upgrade, on a kernel that resets the accept queue of a closing listener (tcp_migrate_req=0). */

const skip = process.platform === 'linux' ? false : 'the test counts descriptors in /proc';

let gateway: GatewayProgram;
afterEach(() => gateway.end());

test('upgrades lose no connection, with any number of workers, even if one fails', {
  skip,
}, async (t) => {
  gateway = new GatewayProgram('workers: 2\n');
  await gateway.serves();
  const asked = askOn(gateway, 6);
  t.after(() => asked.end());
  assert.equal(listeningDescriptors(gateway.pid, gateway.port).sockets, 2);

  const inTheWay = join(gateway.folder, `admin.sock.${gateway.pid}`);
  mkdirSync(inTheWay);
  assert.equal((await gateway.upgrade()).lines.at(-1)?.outcome, 'failed');
  rmdirSync(inTheWay);

  for (const workers of [3, 1]) {
    gateway.configure(`workers: ${workers}\n`);
    assert.equal((await gateway.upgrade()).lines.at(-1)?.outcome, 'done');
  }
  assert.equal(await gateway.exited, 0);
  const { answered, failed } = await asked.end();
  assert.ok(answered > 0);
  assert.deepEqual(failed, []);
  // The one remaining worker accepts from the sockets of all three.
  const { pid } = await gateway.status();
  assert.equal(listeningDescriptors(pid, gateway.port).sockets, 3);
  // No other process has these sockets, so that no connection waits in a queue without a reader.
  assert.equal(listeningDescriptors(await gateway.applicationPid(), gateway.port).sockets, 0);
});

test('sockets of a listener that the new configuration does not have are closed', { skip }, async () => {
  gateway = new GatewayProgram('workers: 2\n');
  await gateway.serves();
  gateway.moveListener(await freePort());
  assert.equal((await gateway.upgrade()).lines.at(-1)?.outcome, 'done');
  assert.equal(await gateway.exited, 0);
  await assert.rejects(gateway.get('/'), { code: 'ECONNREFUSED' });
});
