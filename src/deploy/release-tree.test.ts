// Starts processes: only `mkfifo` makes a FIFO.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { systemClock } from '../testing/system.ts';
import { type ReleaseFiles, releaseFiles, removeTree } from './release-files.ts';
import { surveyTree } from './release-survey.ts';
import { copyTree, pruneTrees } from './release-tree.ts';
import { TreeFolders } from './tree-folders.test-support.ts';

let shop: TreeFolders;
beforeEach(() => {
  shop = new TreeFolders();
});
afterEach(() => removeTree(shop.root));

describe('a copied tree', () => {
  it('has the files, links and folders, and none can be written', async () => {
    chmodSync(join(shop.from, 'server.js'), 0o4755);
    symlinkSync('lib/a.js', join(shop.from, 'main.js'));
    symlinkSync('../..', join(shop.from, 'lib/deep/top'));
    const { digest, files, bytes, isSame } = await shop.copied();
    assert.deepEqual([files, bytes, isSame], [5, 10, false]);
    const tree = join(shop.into, digest);
    assert.deepEqual(
      readdirSync(tree, { recursive: true, encoding: 'utf8' }).toSorted(),
      readdirSync(shop.from, { recursive: true, encoding: 'utf8' }).toSorted(),
    );
    assert.equal(readFileSync(join(tree, 'main.js'), 'utf8'), 'a');
    assert.equal(readlinkSync(join(tree, 'lib/deep/top')), '../..');
    const modeOf = (path: string): string => (lstatSync(join(tree, path)).mode & 0o7777).toString(8);
    assert.deepEqual(['', 'empty', 'lib/deep', 'server.js', 'lib/a.js'].map(modeOf), [
      '555',
      '555',
      '555',
      '555',
      '444',
    ]);
    assert.deepEqual(shop.listing(), [digest]);
  });

  it('has a digest of paths, content, executability and targets, and of nothing else', async () => {
    const { digest } = await shop.copied();
    utimesSync(join(shop.from, 'server.js'), 1, 1);
    chmodSync(join(shop.from, 'server.js'), 0o640);
    assert.deepEqual(
      [(await shop.copied()).digest, (await shop.copied()).isSame, shop.listing()],
      [digest, true, [digest]],
    );
    const changes: readonly (() => void)[] = [
      () => chmodSync(join(shop.from, 'server.js'), 0o755),
      () => writeFileSync(join(shop.from, 'server.js'), 'listen(1)'),
      () => mkdirSync(join(shop.from, 'empty/er')),
      () => symlinkSync('lib', join(shop.from, 'link')),
      () => (rmSync(join(shop.from, 'link')), symlinkSync('lib/', join(shop.from, 'link'))),
      () => (rmSync(join(shop.from, 'link')), writeFileSync(join(shop.from, 'link'), 'lib/')),
    ];
    const digests = new Set([digest]);
    for (const change of changes) {
      change();
      digests.add((await shop.copied()).digest);
    }
    assert.equal(digests.size, changes.length + 1);
  });

  it('has the same digest in whatever order the file system has the names', async () => {
    const { digest } = await shop.copied();
    const readdir = (async (...args: [string]) => (await releaseFiles.readdir(...args)).toReversed()) as never;
    assert.equal((await shop.copied({ files: { ...releaseFiles, readdir } })).digest, digest);
  });

  it('has neither .git nor what .candorignore names, but node_modules', async () => {
    shop.write({
      '.git/HEAD': '',
      'node_modules/x/index.js': '',
      'node_modules/.cache/y': '',
      'pkg/node_modules/.cache/y': '',
      'a.log': '',
      'lib/b.log': '',
      'lib/keep.log': '',
      'build/x': '',
      'lib/build': '',
      'docs/a/b/c.md': '',
      '.candorignore': '# what no server needs\n*.log\n!keep.log\n\nbuild/\n/docs/**/*.md\nlib/deep/[!x]*\n',
    });
    const { digest } = await shop.copied();
    const names = readdirSync(join(shop.into, digest), { recursive: true, encoding: 'utf8' });
    assert.deepEqual(names.toSorted(), [
      '.candorignore',
      'docs',
      'docs/a',
      'docs/a/b',
      'empty',
      'lib',
      'lib/a.js',
      'lib/build',
      'lib/deep',
      'lib/keep.log',
      'node_modules',
      'node_modules/x',
      'node_modules/x/index.js',
      'pkg',
      'pkg/node_modules',
      'server.js',
    ]);
  });

  it('leaves out the state folder that lies within', async () => {
    shop.into = join(shop.from, '.candor/releases');
    mkdirSync(shop.into, { recursive: true });
    const { digest } = await shop.copied({ without: [join(shop.from, '.candor')] });
    assert.ok(!existsSync(join(shop.into, digest, '.candor')));
    const result = await shop.copy({ without: [shop.from] });
    assert.match(result.ok ? '' : result.failure.reason, /is the state folder/);
  });

  it('reports its progress', async () => {
    const seen: string[] = [];
    await copyTree(
      shop.from,
      shop.into,
      { clock: systemClock, reserveBytes: 0 },
      ({ files, bytes, filesTotal, bytesTotal }) => seen.push(`${files}/${filesTotal} ${bytes}/${bytesTotal}`),
    );
    assert.equal(seen.at(-1), '3/3 10/10');
  });
});

describe('a tree is refused', () => {
  for (const target of ['/etc/passwd', '../outside', 'lib/../../outside', 'lib/deep/../a.js', '..', 'lib//../x'])
    it(`where a link leads to ${target}`, async () => {
      symlinkSync(target, join(shop.from, 'link'));
      const { reason, step } = await shop.refused();
      assert.equal(reason, `The link link leads out of the folder, to ${target}.`);
      assert.match(step, /\.candorignore/);
    });

  it('with a named pipe or a socket', async () => {
    spawnSync('mkfifo', [join(shop.from, 'lib/pipe')]);
    assert.match((await shop.refused()).reason, /^lib\/pipe is a named pipe;/);
    rmSync(join(shop.from, 'lib/pipe'));
    const server = createServer();
    await new Promise<void>((resolve) => server.listen({ path: join(shop.from, 'socket') }, resolve));
    assert.match((await shop.refused()).reason, /^socket is a socket;/);
    await new Promise((resolve) => server.close(resolve));
  });

  it('with a name that is not UTF-8', async () => {
    writeFileSync(Buffer.concat([Buffer.from(`${shop.from}/`), Buffer.from([0xe9])]), '');
    assert.match((await shop.refused()).reason, /^The name of \uFFFD is not UTF-8/);
  });

  it('where there is no folder', async () => {
    shop.from = join(shop.from, 'server.js');
    assert.match((await shop.refused()).reason, /is not a folder/);
    shop.from = join(shop.root, 'none');
    assert.match((await shop.refused()).reason, /none is not there/);
  });

  it('with too many files or bytes', async () => {
    assert.match(
      (await shop.refused({ limits: { files: 2, bytes: 100 } })).reason,
      /more than 2 files; .* is one more/,
    );
    const { kind, reason } = await shop.refused({ limits: { files: 9, bytes: 9 } });
    assert.deepEqual([kind, /exceeds that/.test(reason)], ['limit', true]);
  });

  it('where a pattern of .candorignore cannot be read', async () => {
    shop.write({ '.candorignore': '*.log\n[z-a]\n' });
    assert.match((await shop.refused()).reason, /pattern that cannot be read: \[z-a\]/);
  });

  /** Changes the source as the copy reads it. */
  const whileCopied = (change: () => void) => {
    let isDone = false;
    const copyFile: typeof releaseFiles.copyFile = async (...args) => {
      await releaseFiles.copyFile(...args);
      if (!isDone) change();
      isDone = true;
    };
    return { ...releaseFiles, copyFile };
  };

  it('where a file changes, is replaced or vanishes while it is copied', async () => {
    const path = join(shop.from, 'lib/a.js');
    rmSync(join(shop.from, 'server.js'));
    rmSync(join(shop.from, 'lib/deep'), { recursive: true });
    const changes: readonly (() => void)[] = [
      () => appendFileSync(path, 'b'),
      () => writeFileSync(path, 'c'.repeat(lstatSync(path).size)),
      () => (rmSync(path), writeFileSync(path, 'a')),
      () => rmSync(path),
    ];
    for (const change of changes) {
      const { kind, reason } = await shop.refused({ files: whileCopied(change) });
      assert.deepEqual([kind, reason], ['changed', 'lib/a.js changed while it was copied.']);
    }
  });

  it('where a file vanishes before it is copied', async () => {
    const copyFile: typeof releaseFiles.copyFile = async (path, ...rest) => {
      rmSync(path as string);
      return releaseFiles.copyFile(path, ...rest);
    };
    assert.equal((await shop.refused({ files: { ...releaseFiles, copyFile } })).kind, 'changed');
  });

  it('where the disk has no room for it, before or while it is copied', async () => {
    const withFree = (frees: number[]): typeof releaseFiles.statfs =>
      (async () => ({ bavail: frees.length > 1 ? frees.shift() : frees[0], bsize: 1024 })) as never;
    const before = await shop.refused({
      files: { ...releaseFiles, statfs: withFree([1024]) },
      reserveBytes: 1024 ** 2,
    });
    assert.equal(before.kind, 'disk_full');
    const survey = await surveyTree(shop.from, shop.into, false, {
      ...{ clock: systemClock, reserveBytes: 1024 ** 2 },
      files: { ...releaseFiles, statfs: withFree([1024]) },
    });
    assert.deepEqual(survey, { ok: false, failure: before }, 'a survey says the same');
    assert.match(before.reason, /needs 0 KiB on the disk of .*, which has 1 MiB left; 1 MiB stay free/);
    for (let at = 0; at < 300; at++) shop.write({ [`many/${at}`]: 'x' });
    const during = await shop.refused({
      files: { ...releaseFiles, statfs: withFree([2048, 512]) },
      reserveBytes: 1024 ** 2,
    });
    assert.match(during.reason, /has 512 KiB left/);
  });

  it('where it is aborted, at any file', async () => {
    for (let at = 0; at < 40; at++) shop.write({ [`many/${at}`]: 'x' });
    for (const stop of [0, 1, 20, 42]) {
      const aborting = new AbortController();
      if (stop === 0) aborting.abort();
      const result = await copyTree(
        shop.from,
        shop.into,
        { clock: systemClock, reserveBytes: 0, signal: aborting.signal },
        ({ files }) => {
          if (files === stop) aborting.abort();
        },
      );
      assert.equal(result.ok ? '' : result.failure.kind, 'aborted', `${stop}`);
      assert.deepEqual(shop.listing(), []);
    }
  });
});

describe('persistent paths', () => {
  it('become relative links, and begin as what the first release has', async () => {
    shop.write({ 'data/uploads/a.png': 'first', 'shop.db': 'rows', 'data/code.js': '' });
    chmodSync(join(shop.from, 'shop.db'), 0o640);
    const persistent = ['data/uploads/', 'shop.db', 'var/cache', 'var/new.sqlite'];
    const first = await shop.copied({ persistent });
    assert.deepEqual(first.remarks, []);
    const tree = join(shop.into, first.digest);
    assert.equal(readlinkSync(join(tree, 'data/uploads')), '../../persistent/data/uploads');
    assert.equal(readFileSync(join(tree, 'data/uploads/a.png'), 'utf8'), 'first');
    writeFileSync(join(tree, 'shop.db'), 'more rows');
    writeFileSync(join(tree, 'data/uploads/b.png'), '');
    writeFileSync(join(tree, 'var/new.sqlite'), 'made by the application');
    assert.ok(lstatSync(join(shop.into, 'persistent/var/cache')).isDirectory());

    shop.write({ 'data/uploads/a.png': 'second' });
    const second = await shop.copied({ persistent });
    assert.equal(second.digest, first.digest, 'what is persistent is no part of the digest');
    assert.equal(second.remarks.length, 2);
    assert.match(second.remarks[0] ?? '', /^data\/uploads of the release was left out: .* stays as it is\.$/);
    assert.equal(readFileSync(join(tree, 'data/uploads/a.png'), 'utf8'), 'first');
    assert.notEqual((await shop.copied({ persistent: ['data/uploads'] })).digest, first.digest);
  });

  it('are where the application has them that runs in no tree, and stay there', async () => {
    const present = join(shop.root, 'live');
    const outside = join(shop.root, 'disk/uploads');
    for (const folder of [join(present, 'data'), outside]) mkdirSync(folder, { recursive: true });
    writeFileSync(join(present, 'data/shop.db'), 'live rows');
    writeFileSync(join(outside, 'a.png'), 'a');
    symlinkSync('../disk/uploads', join(present, 'uploads'));
    shop.write({ 'data/shop.db': 'rows of the build', 'cache/x': 'as before' });
    const options = { persistent: ['data/', 'uploads', 'cache', 'new/'], present };
    const survey = await surveyTree(shop.from, shop.into, false, { ...options, clock: systemClock, reserveBytes: 0 });
    const place = `All releases use ${present}/data and ${present}/uploads, as the application does now: Candor copies nothing of it, so keep it there.`;
    assert.deepEqual(survey.ok && survey.value.remarks, [place]);
    assert.equal(existsSync(join(shop.into, 'persistent')), false);

    const first = await shop.copied(options);
    assert.equal(survey.ok && survey.value.digest, first.digest);
    const left = `data of the release was left out: ${shop.into}/persistent/data is there, and stays as it is.`;
    assert.deepEqual(first.remarks, [place, left]);
    const tree = join(shop.into, first.digest);
    const read = (path: string) => readFileSync(join(tree, path), 'utf8');
    assert.deepEqual(['data/shop.db', 'uploads/a.png', 'cache/x'].map(read), ['live rows', 'a', 'as before']);
    writeFileSync(join(tree, 'data/shop.db'), 'more rows');
    assert.equal(readFileSync(join(present, 'data/shop.db'), 'utf8'), 'more rows');
    assert.equal((await shop.copied(options)).remarks.filter((remark) => remark.startsWith('All')).length, 0);
    shop.from = present;
    assert.deepEqual((await shop.copied(options)).remarks, [], 'the same files');
    await pruneTrees(shop.into, new Set());
    await removeTree(shop.into);
    assert.deepEqual([readdirSync(join(present, 'data')), readdirSync(outside)], [['shop.db'], ['a.png']]);
    mkdirSync(shop.into);
  });

  it('are refused where the application has what no release can use', async () => {
    const present = join(shop.root, 'live');
    mkdirSync(present);
    symlinkSync('none', join(present, 'data'));
    const options = { persistent: ['data'], present };
    assert.match(
      (await shop.refused(options)).reason,
      /^The persistent path data leads to \S+data, and to nothing that/,
    );
    rmSync(join(present, 'data'));
    spawnSync('mkfifo', [join(present, 'data')]);
    assert.match((await shop.refused(options)).reason, /data, which is neither a file nor a folder\.$/);
    rmSync(join(present, 'data'));
    mkdirSync(join(present, 'data'));
    const open: ReleaseFiles['open'] = async (path, ...more) => {
      if (path === join(present, 'data')) throw Object.assign(new Error(), { code: 'EACCES' });
      return releaseFiles.open(path, ...more);
    };
    const secret = await shop.refused({ ...options, files: { ...releaseFiles, open } });
    assert.match(secret.reason, /data, which the gateway cannot read\.$/);
    await shop.copied(options);
    await pruneTrees(shop.into, new Set());
    rmSync(join(present, 'data'), { recursive: true });
    assert.match((await shop.refused(options)).reason, /persistent\/data, and to nothing that is there\.$/);
  });

  it('lie in folders that are left out otherwise', async () => {
    shop.write({ 'var/cache/x': 'kept', 'var/log': '', '.candorignore': 'var/' });
    const tree = join(shop.into, (await shop.copied({ persistent: ['var/cache'] })).digest);
    assert.deepEqual(readdirSync(join(tree, 'var')), ['cache']);
    assert.equal(readFileSync(join(tree, 'var/cache/x'), 'utf8'), 'kept');
  });

  it('keep their content where the tree is removed', async () => {
    shop.write({ 'data/a': 'kept' });
    const { digest } = await shop.copied({ persistent: ['data'] });
    assert.deepEqual(await pruneTrees(shop.into, new Set()), [digest]);
    assert.equal(readFileSync(join(shop.into, 'persistent/data/a'), 'utf8'), 'kept');
  });

  for (const paths of [['/data'], ['../data'], ['a/./b'], [''], ['data', 'data/x'], ['data', 'data/']])
    it(`are refused: ${paths.join(' and ')}`, async () => {
      assert.match((await shop.refused({ persistent: paths })).reason, /^The persistent path/);
    });

  it('are refused where they are links, or lie below a file', async () => {
    symlinkSync('lib', join(shop.from, 'data'));
    assert.match((await shop.refused({ persistent: ['data'] })).reason, /is neither a file nor a folder/);
    assert.match((await shop.refused({ persistent: ['server.js/data'] })).reason, /server\.js is not a folder/);
  });
});
