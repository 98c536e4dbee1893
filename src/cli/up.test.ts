import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '../system/system.ts';
import { reloadFrom } from './up.ts';

test('a reload whose file is gone says what to do with a gateway that runs, and names no command that starts one', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'candor-reload-'));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, 'other.yaml'), '');
  const read = await reloadFrom('gateway.conf', { directory, env: {}, clock: systemClock })();
  assert.deepEqual(read.ok ? [] : read.errors, [
    `gateway.conf: there is no file "gateway.conf" in ${JSON.stringify(directory)} (put it back where it was, or start Candor with -c and another file)`,
  ]);
});
