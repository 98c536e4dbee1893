// Starts processes: a program of another user shows what that user may remove.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { isWholeSweep } from '../testing/sweep.test-support.ts';
import { faultyFiles } from './faulty-files.test-support.ts';
import { type ReleaseFiles, releaseFiles, removeTree } from './release-files.ts';
import { type CopyOptions, pruneTrees, restsOf, treesToPrune } from './release-tree.ts';
import { TreeFolders } from './tree-folders.test-support.ts';

let shop: TreeFolders;
beforeEach(() => {
  shop = new TreeFolders();
});
afterEach(() => removeTree(shop.root));

const sweeps = ['EIO', 'ENOSPC', 'EMFILE'] as const;

describe('at every call of the file system', () => {
  const options = (files: ReleaseFiles): Partial<CopyOptions> => ({
    persistent: ['data', 'a.db'],
    files,
  });
  const countCalls = async (): Promise<number> => {
    const { files, calls } = faultyFiles(Number.POSITIVE_INFINITY, '');
    await shop.copy(options(files));
    await clear();
    return calls.length;
  };
  const clear = async (): Promise<void> => {
    await removeTree(shop.into);
    mkdirSync(shop.into);
  };
  beforeEach(() => shop.write({ 'data/x': '1', 'a.db': '2', '.candorignore': 'x.log' }));

  it('a failure is refused in words, and leaves the tree whole or nothing', async () => {
    const count = await countCalls();
    assert.ok(count > 50, `${count} calls`);
    let restsLeft = 0;
    for (let at = 0; at < count; at += isWholeSweep ? 1 : 5) {
      const code = sweeps[at % sweeps.length] ?? 'EIO';
      const result = await shop.copy(options(faultyFiles(at, code).files));
      if (!result.ok) assert.match(`${result.failure.reason} ${result.failure.step}`, /^\S.*\. \S.*\.$/s);
      if (!result.ok && code === 'ENOSPC') assert.equal(result.failure.kind, 'disk_full');
      const rests = await restsOf(shop.into);
      // The call that failed was one of the removal itself.
      restsLeft += Math.sign(rests.length);
      for (const rest of rests) await removeTree(rest);
      await assertClean(`call ${at}, ${code}`, result.ok);
    }
    assert.ok(restsLeft < count / 10, `${restsLeft} of ${count}`);
  });

  it('a failure ends the copy of the files that have not begun', async () => {
    for (let at = 0; at < 60; at++) shop.write({ [`many/${at}`]: 'x' });
    let begun = 0;
    const copyFile: ReleaseFiles['copyFile'] = async (...args) => {
      begun++;
      if (begun === 1) throw Object.assign(new Error(), { code: 'EIO', syscall: 'copyfile' });
      await releaseFiles.copyFile(...args);
    };
    await shop.refused({ files: { ...releaseFiles, copyFile } });
    assert.ok(begun <= 16, `${begun}`);
  });

  it('a crash leaves rests alone, and the next copy succeeds', async () => {
    const count = await countCalls();
    for (let at = 0; at < count; at += isWholeSweep ? 1 : 5) {
      await shop.copy(options(faultyFiles(at, 'EIO', true).files)).catch(() => undefined);
      for (const rest of await restsOf(shop.into)) await removeTree(rest);
      await assertClean(`call ${at}`, false);
    }
  });

  /** Trees that have a name are whole; the source can be copied. */
  async function assertClean(what: string, hasTree: boolean): Promise<void> {
    const names = shop.listing();
    assert.ok(
      names.every((name) => /^[0-9a-f]{64}$/.test(name)),
      `${what}: ${names.join(' ')}`,
    );
    assert.ok(names.length === 1 || !hasTree, what);
    const { digest } = await shop.copied({ persistent: ['data', 'a.db'] });
    assert.deepEqual(shop.listing(), [digest], what);
    assert.equal(readFileSync(join(shop.into, digest, 'data/x'), 'utf8'), '1', what);
    assert.equal(readFileSync(join(shop.into, digest, 'lib/deep/b.js'), 'utf8'), 'b', what);
    await clear();
  }
});

describe('old trees', () => {
  const trees = [5, 4, 3, 2, 1].map((at) => ({ digest: `${at}`, bytes: 10 }));

  it('are pruned beyond the number and the bytes, the oldest first, and never those to keep', () => {
    const prune = (keep: readonly string[], limits: { trees: number; bytes: number }) =>
      treesToPrune(trees, new Set(keep), limits).join('');
    assert.equal(prune(['5', '4'], { trees: 5, bytes: 50 }), '');
    assert.equal(prune(['5', '4'], { trees: 3, bytes: 50 }), '21');
    assert.equal(prune(['5', '1'], { trees: 3, bytes: 50 }), '32');
    assert.equal(prune(['5', '4'], { trees: 5, bytes: 39 }), '21');
    assert.equal(prune(['5', '4'], { trees: 1, bytes: 1 }), '321');
  });

  it('lose their name before anything in them is removed', async () => {
    const { digest } = await shop.copied();
    const { calls } = await sweepRemoval(Number.POSITIVE_INFINITY);
    assert.deepEqual(shop.listing(), []);
    for (let at = 0; at < calls.length; at++) {
      await shop.copied();
      await sweepRemoval(at).catch(() => undefined);
      const isWhole = existsSync(join(shop.into, digest));
      if (isWhole) assert.ok(existsSync(join(shop.into, digest, 'server.js')));
      for (const rest of await restsOf(shop.into)) await removeTree(rest);
      assert.deepEqual(shop.listing(), isWhole ? [digest] : []);
      await pruneTrees(shop.into, new Set());
    }
  });

  async function sweepRemoval(at: number) {
    const faulty = faultyFiles(at, 'EIO', true);
    await pruneTrees(shop.into, new Set(), faulty.files);
    return faulty;
  }

  it('cannot be changed by their owner, who can remove them', {
    skip: process.getuid?.() !== 0 && 'only root becomes another user',
  }, async () => {
    const { digest } = await shop.copied();
    const [tree, retired] = [join(shop.into, digest), join(shop.into, '.removed-1')].map((path) =>
      JSON.stringify(path),
    );
    spawnSync('chown', ['-R', '65534', shop.root]);
    const program = `
      const { renameSync, rmSync, writeFileSync } = require('node:fs');
      const tries = [() => rmSync(${tree} + '/server.js'), () => writeFileSync(${tree} + '/lib/a.js', '')];
      for (const change of tries) try { change(); process.exit(9); } catch {}
      renameSync(${tree}, ${retired});
    `;
    const ran = spawnSync(process.execPath, ['-e', program], { uid: 65_534, encoding: 'utf8', cwd: '/' });
    assert.equal(ran.status, 0, ran.stderr);
    const { files, calls } = faultyFiles(Number.POSITIVE_INFINITY, '');
    await removeTree(join(shop.into, '.removed-1'), files);
    assert.deepEqual(
      calls.filter((name) => name === 'chmod' || name === 'rm'),
      ['chmod', 'chmod', 'chmod', 'chmod', 'rm'],
    );
  });
});
