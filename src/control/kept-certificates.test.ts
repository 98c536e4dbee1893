// Starts processes: a full disk needs a mount of its own.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Configuration } from '../core/configuration.ts';
import { whyNotKept } from './kept-certificates.ts';

function listenersWith(automatic: object | null): Configuration['listeners'] {
  return [{ tls: { automatic } }] as unknown as Configuration['listeners'];
}

const listeners = listenersWith({ kind: 'internal', hosts: ['a.localhost'] });
const isRoot = process.geteuid?.() === 0;
const needsRoot = isRoot ? false : 'only root can make folders of other users';

function folderFor(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'candor-kept-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('a folder in which certificates can be kept is no obstacle, and nothing is left in it', (t) => {
  const stateFolder = join(folderFor(t), 'state');
  assert.equal(whyNotKept({ listeners, stateFolder }), null);
  assert.deepEqual(readdirSync(join(stateFolder, 'certificates')), []);
});

test('a gateway that obtains no certificates needs no folder', () => {
  assert.equal(whyNotKept({ listeners: listenersWith(null), stateFolder: null }), null);
});

test('a gateway without a state folder is told to name one', () => {
  assert.match(
    whyNotKept({ listeners, stateFolder: null }) ?? '',
    /there is no state folder: name one with the key `state`$/,
  );
});

test('a file in place of the folder is named', (t) => {
  const stateFolder = folderFor(t);
  writeFileSync(join(stateFolder, 'certificates'), '');
  assert.match(
    whyNotKept({ listeners, stateFolder }) ?? '',
    /certificates .*a part of its path is a file: remove that/,
  );
});

test('a folder that others may write in is refused', (t) => {
  const stateFolder = folderFor(t);
  mkdirSync(join(stateFolder, 'certificates'));
  chmodSync(join(stateFolder, 'certificates'), 0o777);
  assert.match(
    whyNotKept({ listeners, stateFolder }) ?? '',
    /may be written by others .*; let it belong to the user of/,
  );
});

test('a folder of another user is refused', { skip: needsRoot }, (t) => {
  const stateFolder = folderFor(t);
  mkdirSync(join(stateFolder, 'certificates'));
  chownSync(join(stateFolder, 'certificates'), 65_534, 65_534);
  assert.match(whyNotKept({ listeners, stateFolder }) ?? '', /certificates belongs to another user; let it belong/);
});

test('a folder that this user may not write in is refused', (t) => {
  const stateFolder = folderFor(t);
  chmodSync(stateFolder, 0o555);
  // Root may write everywhere, so that root becomes another user for this test.
  if (isRoot) {
    chownSync(stateFolder, 65_534, 65_534);
    process.seteuid?.(65_534);
    t.after(() => process.seteuid?.(0));
  }
  assert.match(
    whyNotKept({ listeners, stateFolder }) ?? '',
    /cannot be written \(EACCES\): let the user of the gateway write/,
  );
});

/** A file system of its own, in a namespace that ends with the program. */
const withFullDisk = `
mount -t tmpfs -o size=8k,mode=700 tmpfs "$FOLDER" || exit 77
exec "$NODE" --input-type=module -e '
const { whyNotKept } = await import(process.env.MODULE);
const listeners = [{ tls: { automatic: { kind: "internal", hosts: [] } } }];
process.stdout.write(String(whyNotKept({ listeners, stateFolder: process.env.FOLDER })));'`;

for (const { stateFolder, says } of [
  { stateFolder: '/proc/candor', says: /\(ENOENT\): no folder can be made in that file system/ },
  { stateFolder: '/proc/self/candor/state', says: /cannot be written \(E\w+\): / },
  { stateFolder: '/sys/candor', says: /cannot be written \(E\w+\): / },
  { stateFolder: '/dev/null/state', says: /\(ENOTDIR\): a part of its path is a file/ },
  { stateFolder: `/tmp/${'x'.repeat(300)}`, says: /\(ENAMETOOLONG\): its path is too long/ },
  { stateFolder: `/tmp${'/candor-long'.repeat(2000)}`, says: /\(ENAMETOOLONG\): its path is too long/ },
]) {
  const shown = stateFolder.length > 40 ? `a path of ${stateFolder.length} characters` : stateFolder;
  test(`${shown} is refused as a state folder at once`, { timeout: 30_000 }, (t) => {
    t.after(() => rmSync('/tmp/candor-long', { recursive: true, force: true }));
    assert.match(whyNotKept({ listeners, stateFolder }) ?? '', says);
  });
}

test('a FIFO in place of the state folder is refused at once', (t) => {
  const stateFolder = join(folderFor(t), 'fifo');
  assert.equal(spawnSync('mkfifo', [stateFolder]).status, 0);
  assert.match(whyNotKept({ listeners, stateFolder }) ?? '', /\(ENOTDIR\): a part of its path is a file/);
});

test('a full disk is named', { skip: needsRoot }, (t) => {
  const env = {
    ...process.env,
    FOLDER: folderFor(t),
    NODE: process.execPath,
    MODULE: join(import.meta.dirname, 'kept-certificates.ts'),
  };
  const ran = spawnSync('unshare', ['--mount', 'sh', '-c', withFullDisk], { env, encoding: 'utf8' });
  if (ran.error !== undefined || ran.status === 77 || /unshare failed/.test(ran.stderr))
    return t.skip('no mount namespaces here');
  assert.equal(ran.status, 0, ran.stderr);
  assert.match(ran.stdout, /cannot be written \(ENOSPC\): the disk is full: free some space, or name another folder/);
});
