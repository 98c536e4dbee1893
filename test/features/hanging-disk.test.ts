// Starts processes: the size of the pool is that of a process, and its threads hang here: to open a named pipe waits for its writer.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

const folder = mkdtempSync(join(tmpdir(), 'candor-hanging-'));
after(() => rmSync(folder, { recursive: true }));

test('ten files and ten programs on two disks that hang take 8 threads: names are looked up, and the others wait', () => {
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  const run = spawnSync(process.execPath, [join(import.meta.dirname, 'hanging-disk-run.ts'), join(folder, 'pipe')], {
    encoding: 'utf8',
    env: { ...process.env, UV_THREADPOOL_SIZE: '16' },
    timeout: 20_000,
  });
  assert.equal(run.stderr, '');
  assert.deepEqual(JSON.parse(run.stdout), { begun: 8, waiting: 12, lookedUp: true, otherClass: true });
});
