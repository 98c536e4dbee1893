import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { findPortHolder, portHolderText } from './port-holder.ts';

const header = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const listening = '   0: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711\n';

const names: readonly (readonly [cmdline: string, name: string])[] = [
  ['/usr/sbin/apache2\0-k\0start\0', 'apache2'],
  ['node\0--inspect=9229\0server.js\0--token=secret\0', 'node server.js'],
  ['node\0--eval\0secret\0', 'node'],
  ['nginx: master process /usr/sbin/nginx -g daemon on; master_process on;', 'nginx'],
  ['nginx: worker process\0\0\0', 'nginx'],
  ['postgres: 16/main: checkpointer ', 'postgres'],
  ['', 'kernel-name'],
];

test('who listens on a port is called by the name of its program', (t) => {
  const proc = mkdtempSync(join(tmpdir(), 'candor-proc-'));
  t.after(() => rmSync(proc, { recursive: true, force: true }));
  for (const folder of ['net', '123/fd']) mkdirSync(join(proc, folder), { recursive: true });
  writeFileSync(join(proc, 'net/tcp'), header + listening);
  symlinkSync('socket:[4711]', join(proc, '123/fd/5'));
  writeFileSync(join(proc, '123/comm'), 'kernel-name\n');
  for (const [cmdline, command] of names) {
    writeFileSync(join(proc, '123/cmdline'), cmdline);
    assert.deepEqual(findPortHolder(80, proc), { pid: 123, command });
  }
  assert.equal(findPortHolder(81, proc), null);
});

test('a port that is taken is named with its process, or with the command that finds it', () => {
  const holder = { pid: 77, command: 'node server.js' };
  assert.equal(
    portHolderText(80, () => holder),
    'node server.js (pid 77) listens there',
  );
  assert.match(
    portHolderText(80, () => null),
    /^another process listens there \(as root, `ss -ltnp 'sport = :80'` shows which\)$/,
  );
});
