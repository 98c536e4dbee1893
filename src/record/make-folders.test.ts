import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { makeFolders } from './log-maintenance.ts';

describe('the folder of a log', () => {
  test('is created with those above it, also where it is there already', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'candor-folders-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const deep = join(folder, 'one', 'two', 'three');
    await makeFolders(deep);
    await makeFolders(deep);
    assert.ok(statSync(deep).isDirectory());
  });

  for (const [path, errno] of [
    ['/proc/candor/logs', /^E/],
    ['/dev/null/logs', /^ENOTDIR$/],
    [`/tmp${'/candor-long'.repeat(2000)}`, /^ENAMETOOLONG$/],
  ] as const)
    test(`is refused at once where none can be made: ${path.slice(0, 40)}`, { timeout: 30_000 }, async () => {
      const { code } = await makeFolders(path).then(
        () => assert.fail('it has been made'),
        (error: NodeJS.ErrnoException) => error,
      );
      assert.match(code ?? '', errno);
    });
});
