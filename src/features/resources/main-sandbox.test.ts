import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { sandboxMounts } from './main-sandbox.ts';

let base: string;
let stateFolder: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'candor-sandbox-'));
  stateFolder = join(base, 'state');
  mkdirSync(stateFolder);
});
afterEach(() => rmSync(base, { recursive: true }));

const mounts = (environment: Readonly<Record<string, string>>, credentials?: string) =>
  sandboxMounts({
    launch: { command: ['/bin/true'], directory: '/srv', environment, kind: 'instance' },
    ...{ persistent: [], stateFolder, credentials },
  });

test('variables give an isolated program the files that they name, and none of the folders that it has for itself or that are hidden', () => {
  const file = join(base, 'key');
  writeFileSync(file, '');
  const given = mounts({ KEY: file, TMPDIR: '/tmp', STATE: stateFolder, SHM: '/dev/shm' });
  assert.deepEqual(
    given.filter(({ kind }) => kind === 'readable').map(({ path }) => path),
    [file],
  );
});

test('the state folder and the credentials of the service manager, where the key of secrets lies, are hidden', () => {
  const credentials = join(base, 'credentials');
  mkdirSync(credentials);
  const hidden = mounts({}, credentials).filter(({ kind }) => kind === 'hidden');
  assert.deepEqual(
    hidden.map(({ path }) => path),
    [stateFolder, credentials],
  );
  assert.equal(mounts({}, join(base, 'none')).filter(({ kind }) => kind === 'hidden').length, 1);
});
