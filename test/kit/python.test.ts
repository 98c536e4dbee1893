// Starts processes: the tests of the kit for Python are a program of Python.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { repositoryRoot } from '../../scripts/repository.ts';

const version = spawnSync('python3', ['-c', 'import sys; print(*sys.version_info[:2], sep=".")'], { encoding: 'utf8' });
const [major = 0, minor = 0] = (version.stdout ?? '').trim().split('.').map(Number);
const skip = major === 3 && minor >= 9 ? false : 'there is no python3 of version 3.9 or later';

test('the kit for Python keeps its promises', { skip, timeout: 60_000 }, () => {
  const { status, stderr } = spawnSync('python3', ['-W', 'error', '-B', '-m', 'unittest', 'tests/test_kit.py'], {
    cwd: join(repositoryRoot, 'packages/kit-python'),
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  assert.match(stderr, /Ran [1-9]\d* tests/);
});
