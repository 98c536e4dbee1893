import assert from 'node:assert/strict';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { SeededRandom } from '../testing/seeded-random.ts';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { isWholeSweep } from '../testing/sweep.test-support.ts';
import { systemClock } from '../testing/system.ts';
import { faultyFiles } from './faulty-files.test-support.ts';
import { buildIn, type ReleaseBuild } from './release-build.ts';
import { type ReleaseFiles, releaseFiles, removeTree } from './release-files.ts';
import { ReleaseRefused } from './release-refusal.ts';
import { ReleaseStore, type WantedRelease, type WantedSource } from './release-store.ts';

const wanted: WantedRelease = {
  ...{ name: null, command: ['node', 'server.js'], directory: '', environment: { STAGE: 'next' } },
  ...{ persistent: ['data'], actor: 'ann', configuration: null },
};

let root: string;
let state: string;
let source: WantedSource;
let folders: string[];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'candor-build-'));
  state = join(root, 'state');
  source = { kind: 'folder', path: join(root, 'shop') };
  folders = [];
  write('server.js', 'one');
  write('data/rows', 'first');
});
afterEach(() => removeTree(root));

function write(path: string, content: string, to = join(root, 'shop')): void {
  mkdirSync(dirname(join(to, path)), { recursive: true });
  writeFileSync(join(to, path), content);
}

/** A build that writes into its folder, instead of a program. */
function building(work: (folder: string, signal: AbortSignal) => void | Promise<void>, failure: string | null = null) {
  const build: ReleaseBuild = {
    ...{ command: ['make'], limitMs: 1000 },
    run: async ({ directory }, signal) => {
      folders.push(directory);
      await work(directory, signal);
      const ended = typeof signal.reason === 'string' ? signal.reason : failure;
      return { failure: ended, seeLog: 'See its log.' };
    },
  };
  return build;
}

const compiles = building((folder) =>
  write('dist/main.js', `built of ${readFileSync(join(folder, 'server.js'), 'utf8')}`, folder),
);

async function opened(files: ReleaseFiles = releaseFiles): Promise<ReleaseStore> {
  const result = await ReleaseStore.open(state, 'shop', { clock: systemClock, random: new SeededRandom(1), files });
  assert.ok(result.ok, JSON.stringify(result));
  return result.value.store;
}

const make = (store: ReleaseStore, build: ReleaseBuild, change: Partial<WantedRelease> = {}, signal?: AbortSignal) =>
  store.make(source, { ...wanted, ...change }, { reserveBytes: 0, build, ...(signal && { signal }) });

async function made(store: ReleaseStore, build: ReleaseBuild, change: Partial<WantedRelease> = {}) {
  const result = await make(store, build, change);
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}

const restsIn = (store: ReleaseStore): readonly string[] =>
  readdirSync(store.folder).filter((name) => name.startsWith('.') && name !== '.gitignore');

describe('a release with a build', () => {
  it('has what the build leaves, and says how long it took', async () => {
    const store = await opened();
    const { release } = await made(store, compiles);
    const tree = join(store.folder, release.tree ?? '');
    assert.deepEqual(readdirSync(tree).toSorted(), ['data', 'dist', 'server.js']);
    assert.equal(readFileSync(join(tree, 'dist/main.js'), 'utf8'), 'built of one');
    assert.ok(release.built !== undefined && release.built.ms >= 0);
    assert.deepEqual(
      ['.', 'dist', 'dist/main.js'].map((path) => lstatSync(join(tree, path)).mode & 0o222),
      [0, 0, 0],
    );
    assert.deepEqual([restsIn(store), existsSync(join(root, 'shop/dist'))], [[], false]);
    assert.deepEqual((await opened()).history.releases[0]?.release, release);
  });

  it('is not built again from the same source by the same build', async () => {
    const store = await opened();
    const { release } = await made(store, compiles);
    assert.deepEqual(await made(store, compiles), { release, isNew: false, remarks: [] });
    const other = await made(store, compiles, { command: ['node', 'dist/main.js'] });
    assert.deepEqual([other.isNew, other.release.tree, folders.length], [true, release.tree, 1]);
    await made(store, compiles, { environment: { STAGE: 'last' } });
    await made(store, { ...compiles, command: ['make', 'all'] });
    write('server.js', 'two');
    await made(store, compiles);
    assert.equal(folders.length, 4);
  });

  it('is built again where its tree is gone', async () => {
    const store = await opened();
    const { release } = await made(store, compiles);
    await removeTree(join(store.folder, release.tree ?? ''));
    assert.equal((await made(store, compiles)).isNew, false);
    assert.deepEqual([folders.length, (await store.folderOf(release)).ok], [2, true]);
  });

  it('has what .candorignore leaves out of the source where the build makes it', async () => {
    write('.candorignore', 'dist/');
    write('dist/old.js', '');
    const store = await opened();
    const { release } = await made(store, compiles);
    assert.deepEqual(readdirSync(join(store.folder, release.tree ?? '', 'dist')), ['main.js']);
  });

  it('begins what is persistent with the source, which no build sees or changes', async () => {
    const store = await opened();
    const build = building((folder) => {
      assert.equal(existsSync(join(folder, 'data')), false);
      write('data/rows', 'of the build', folder);
      write('cache/x', 'made', folder);
    });
    const { release, remarks } = await made(store, build, { persistent: ['data', 'cache/'] });
    const tree = join(store.folder, release.tree ?? '');
    assert.deepEqual(
      ['data/rows', 'cache/x'].map((path) => readFileSync(join(tree, path), 'utf8')),
      ['first', 'made'],
    );
    assert.deepEqual(remarks, []);
  });

  it('is refused where the build fails, and nothing is left', async () => {
    const store = await opened();
    const fails = building((folder) => write('dist/half.js', '', folder), 'it exited with code 3');
    const result = await make(store, fails);
    const refusal = { kind: 'build', reason: 'The build has failed: it exited with code 3.', step: 'See its log.' };
    assert.deepEqual(result, { ok: false, failure: refusal });
    assert.deepEqual([readdirSync(store.folder), store.history.releases], [[], []]);
  });

  it('is refused before its build where its name is taken', async () => {
    const store = await opened();
    await made(store, compiles, { name: 'v1' });
    write('server.js', 'two');
    const result = await make(store, compiles, { name: 'v1' });
    assert.match(result.ok ? '' : result.failure.reason, /^Another release is called v1/);
    assert.equal(folders.length, 1);
  });

  it('holds up no other change while it is built, and is refused where that ends it', async () => {
    const store = await opened();
    const ending = new AbortController();
    const reason = { kind: 'aborted', reason: 'Ended.', step: 'Deploy again.' } as const;
    const build = building(async () => {
      const other = { ...wanted, directory: root, command: ['other'] };
      const changed = await store.make({ kind: 'configuration', path: 'candor.yaml' }, other);
      assert.ok(changed.ok);
      ending.abort(new ReleaseRefused(reason));
    });
    assert.deepEqual(await make(store, build, {}, ending.signal), { ok: false, failure: reason });
    assert.deepEqual([store.history.releases.length, restsIn(store)], [1, []]);
  });

  for (const isCrash of [false, true])
    it(`is whole or not there after ${isCrash ? 'a crash' : 'a failure'} at each call of the file system`, async () => {
      for (let at = 0; ; at += isWholeSweep ? 1 : 6) {
        await removeTree(state);
        const { files, calls } = faultyFiles(at, 'EIO', isCrash);
        const result = await ReleaseStore.open(state, 'shop', {
          clock: systemClock,
          random: new SeededRandom(1),
          files,
        });
        if (result.ok) await make(result.value.store, compiles);
        const store = await opened();
        const { release } = await made(store, compiles);
        const folder = await store.folderOf(release);
        assert.ok(folder.ok, `call ${at}`);
        assert.equal(readFileSync(join(folder.value, 'dist/main.js'), 'utf8'), 'built of one', `call ${at}`);
        assert.deepEqual([restsIn(store), store.history.releases.length], [[], 1], `call ${at}`);
        if (at >= calls.length) break;
      }
    });
});

describe('the size of a build', () => {
  const free = { bavail: 1000, bsize: 1024 ** 2 };
  for (const [what, limits, left, reason] of [
    ['bytes', { files: 9, bytes: 1024 ** 2 }, free, 'its folder has more than 1 MiB, the limit of a release'],
    ['files', { files: 1, bytes: 2 ** 40 }, free, 'its folder has more than 1 file, the limit of a release'],
    [
      'the disk',
      { files: 9, bytes: 2 ** 40 },
      { ...free, bavail: 100 },
      'the disk has 100 MiB left, and 256 MiB stay free for other files',
    ],
  ] as const)
    it(`ends it where it is beyond the limit of ${what}`, async () => {
      const clock = new SimulatedClock();
      const files = { ...releaseFiles, statfs: async () => left } as unknown as ReleaseFiles;
      const large = building(async (folder, signal) => {
        write('dist/large', 'x'.repeat(1024 ** 2), folder);
        write('dist/b', 'x', folder);
        const ended = new Promise((resolve) => signal.addEventListener('abort', resolve));
        clock.advanceSync(1000);
        await ended;
      });
      const context = { clock, files, limits, reserveBytes: 256 * 1024 ** 2, signal: undefined };
      await assert.rejects(buildIn(root, large, {}, context), {
        refusal: { kind: 'build', reason: `The build has failed: ${reason}.`, step: 'See its log.' },
      });
    });
});
