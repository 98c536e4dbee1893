import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from '../../scripts/repository.ts';

test('a Node that lacks a library of the system is told from a program that fails, and the message names the package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'candor-own-node-'));
  try {
    for (const [name, code, condition, told] of [
      ['no-library', 127, 'true', true],
      ['failing', 1, 'true', false],
      ['running-a-missing-command', 127, '[ "$1" != --version ]', false],
    ] as const) {
      const node = join(folder, name);
      const error = 'libatomic.so.1: cannot open shared object file';
      writeFileSync(node, `#!/bin/sh\nif ${condition}; then echo '${error}' >&2; exit ${code}; fi\n`);
      chmodSync(node, 0o755);
      const ownNode = JSON.stringify(join(repositoryRoot, 'bin', 'own-node.cjs'));
      const run = `require(${ownNode}).runOn(${JSON.stringify(node)}, 'candor', [])`;
      const { status, stderr } = spawnSync(process.execPath, ['-e', run], { encoding: 'utf8' });
      assert.equal(status, code);
      assert.match(stderr, /cannot open shared object file/);
      assert.equal(/libatomic1/.test(stderr), told, stderr);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});
