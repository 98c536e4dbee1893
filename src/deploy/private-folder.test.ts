// Starts processes: another user, in a namespace of its own, owns the folders.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ownsWhatIsUnmapped, findUntrusted } from './private-folder.ts';

const asRoot = process.getuid?.() === 0 ? {} : { skip: 'only root makes folders of others' };
const nobody = 65_534;

test('user 65534 is a user like any other where users have their own numbers', asRoot, (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'candor-trust-')));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const theirs = join(folder, 'theirs');
  mkdirSync(theirs);
  chownSync(theirs, nobody, nobody);
  assert.deepEqual(findUntrusted(join(theirs), 0), { path: theirs, why: 'foreign' });
});

test('in a user namespace, folders of users outside it are trusted', asRoot, (t) => {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'candor-trust-')));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  // Root of the machine, who owns the folders on the way, is nobody in there.
  const script = `
    import { findUntrusted } from ${JSON.stringify(join(import.meta.dirname, 'private-folder.ts'))};
    import { statSync } from 'node:fs';
    console.log(JSON.stringify([statSync('/usr').uid, findUntrusted('/usr', process.geteuid())]));`;
  const inside = ['--user', '--map-user=1234', 'setpriv', '--no-new-privs'];
  const probe = spawnSync('setpriv', ['--reuid=65533', '--clear-groups', 'unshare', ...inside, 'true']);
  if (probe.status !== 0) return t.skip('this machine makes no namespaces of users');
  const argv = [...inside, process.execPath, '--input-type=module', '-e', script];
  const run = spawnSync('setpriv', ['--reuid=65533', '--clear-groups', 'unshare', ...argv], { encoding: 'utf8' });
  assert.deepEqual(JSON.parse(run.stdout || run.stderr), [nobody, null]);
});

for (const [what, map, expected] of [
  ['the whole machine', '         0          0 4294967295\n', false],
  ['a namespace with one user', '         0       1000          1\n', true],
  ['a namespace with a range', '         0     100000      65534\n', true],
  ['a namespace with a range that has the number', '         0     100000      65536\n', false],
  ['several ranges', '0 1000 1\n1 100000 65536\n', false],
  ['a system without namespaces', null, false],
  ['an empty map', '', true],
] as const)
  test(`user 65534 stands for users outside the namespace: ${what}: ${expected}`, () =>
    assert.equal(ownsWhatIsUnmapped(nobody, map), expected));
