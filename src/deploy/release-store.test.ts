// Starts processes: tar makes an archive, and git a repository.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { SeededRandom } from '../testing/seeded-random.ts';
import { isWholeSweep } from '../testing/sweep.test-support.ts';
import { systemClock } from '../testing/system.ts';
import { faultyFiles } from './faulty-files.test-support.ts';
import { type ReleaseFiles, releaseFiles, removeTree } from './release-files.ts';
import { ReleaseStore, storeLimits, type WantedRelease, type WantedSource } from './release-store.ts';

const wanted: WantedRelease = {
  name: null,
  command: ['node', 'server.js'],
  directory: '.',
  environment: { PASSWORD: 'geheim', PORT: '{port}' },
  persistent: ['data'],
  actor: 'ann',
  configuration: 3,
};
const small = { reserveBytes: 0 };

let root: string;
let state: string;
let shop: string;
let source: WantedSource;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'candor-store-'));
  state = join(root, 'shop/.candor');
  shop = join(root, 'shop');
  source = { kind: 'folder', path: shop };
  write('server.js', 'one');
  write('data/rows', 'first');
  write('app/x', '');
});
afterEach(() => removeTree(root));

function write(path: string, content: string): void {
  mkdirSync(dirname(join(shop, path)), { recursive: true });
  writeFileSync(join(shop, path), content);
}

async function opened(files: ReleaseFiles = releaseFiles, application = 'shop') {
  const result = await ReleaseStore.open(state, application, {
    clock: systemClock,
    random: new SeededRandom(1),
    files,
  });
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}

async function made(store: ReleaseStore, change: Partial<WantedRelease> = {}, from = source) {
  const result = await store.make(from, { ...wanted, ...change }, small);
  assert.ok(result.ok, JSON.stringify(result));
  return result.value;
}

async function refused(store: ReleaseStore, change: Partial<WantedRelease> = {}, from = source): Promise<string> {
  const result = await store.make(from, { ...wanted, ...change }, small);
  assert.ok(!result.ok, JSON.stringify(result));
  return `${result.failure.kind}: ${result.failure.reason} ${result.failure.step}`;
}

async function promote(store: ReleaseStore, to: number): Promise<void> {
  const rollout = store.history.nextRollout;
  const from = store.history.inForce?.number ?? null;
  await store.append({ kind: 'began', rollout, from, to, strategy: 'blue_green', actor: 'ann' });
  await store.append({ kind: 'promoted', rollout, release: to });
}

const treesIn = (store: ReleaseStore): readonly string[] =>
  readdirSync(store.folder).filter((name) => /^[0-9a-f]{64}$/.test(name));
const restsIn = (store: ReleaseStore): readonly string[] =>
  readdirSync(store.folder).filter((name) => name.startsWith('.') && name !== '.gitignore');

describe('the releases of an application', () => {
  it('are made of a folder, and found again by the next process', async () => {
    const { store } = await opened();
    const { release, isNew, remarks } = await made(store);
    assert.deepEqual([isNew, remarks, release.number, release.name], [true, [], 1, 'r1']);
    assert.deepEqual(release.from, { kind: 'folder', text: shop });
    const folder = await store.folderOf(release);
    assert.ok(folder.ok);
    assert.deepEqual(readdirSync(folder.value).toSorted(), ['app', 'data', 'server.js'], 'without the state folder');
    assert.equal(readFileSync(join(folder.value, 'data/rows'), 'utf8'), 'first');
    const again = (await opened()).store;
    assert.deepEqual(again.history.releases[0]?.release, release);
    assert.deepEqual((await made(again)).release, release, 'the same content is the same release');
    assert.equal((await made(again)).isNew, false);
  });

  it('differ by the tree, the command, the directory and the environment', async () => {
    const { store } = await opened();
    const digests = new Set([(await made(store)).release.digest]);
    for (const change of [{ command: ['node'] }, { directory: 'app' }, { environment: { PASSWORD: 'other' } }])
      digests.add((await made(store, change)).release.digest);
    write('server.js', 'two');
    digests.add((await made(store)).release.digest);
    const turned = { environment: { PORT: '{port}', PASSWORD: 'geheim' }, directory: './app/..' };
    assert.equal((await made(store, turned)).isNew, false);
    assert.deepEqual([digests.size, store.history.nextRelease, treesIn(store).length], [5, 6, 2]);
  });

  it('have digests that tell nothing of secrets without the key of the state folder', async () => {
    const { store } = await opened();
    const { digest } = (await made(store)).release;
    await removeTree(state);
    const other = await ReleaseStore.open(state, 'shop', { clock: systemClock, random: new SeededRandom(2) });
    assert.ok(other.ok);
    assert.notEqual((await made(other.value.store)).release.digest, digest);
    const modeOf = (path: string) => (lstatSync(path).mode & 0o777).toString(8);
    assert.deepEqual([store.folder, join(store.folder, 'journal')].map(modeOf), ['700', '600']);
  });

  it('are made of an archive and of a revision', async () => {
    const { store } = await opened();
    await made(store);
    const tar = join(root, 'shop.tgz');
    spawnSync('tar', ['-C', root, '--exclude', '.candor', '-czf', tar, 'shop']);
    const archived = await made(store, {}, { kind: 'archive', path: tar, dropsTop: true });
    assert.deepEqual([archived.isNew, archived.release.number], [false, 1], 'the same tree');
    const git = (...args: readonly string[]) => {
      const ran = spawnSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
        cwd: shop,
        encoding: 'utf8',
      });
      assert.equal(ran.status, 0, ran.stderr);
      return ran.stdout.trim();
    };
    git('init', '-q', '-b', 'main');
    git('add', 'server.js', 'app', 'data');
    git('commit', '-qm', 'one');
    const committed = await made(store, {}, { kind: 'git', repository: shop, revision: 'main' });
    assert.equal(committed.isNew, false);
    write('server.js', 'three');
    git('commit', '-qam', 'two');
    const { release } = await made(store, {}, { kind: 'git', repository: shop, revision: 'main' });
    assert.deepEqual(release.from, { kind: 'git', text: `main (${git('rev-parse', 'HEAD').slice(0, 12)})` });
    assert.deepEqual([treesIn(store).length, restsIn(store)], [2, []]);
  });

  it('are made of the tree in force by other settings, or of none', async () => {
    const { store } = await opened();
    const settings = { kind: 'configuration', path: 'candor.yaml' } as const;
    const none = (await made(store, { directory: shop }, settings)).release;
    assert.deepEqual([none.tree, none.directory], [null, shop]);
    const { release } = await made(store);
    await promote(store, release.number);
    const changed = (await made(store, { environment: {} }, settings)).release;
    assert.deepEqual([changed.number, changed.tree, changed.from.text], [3, release.tree, 'candor.yaml']);
  });

  it('have names of their own', async () => {
    const { store } = await opened();
    assert.equal((await made(store, { name: 'v1.0' })).release.name, 'v1.0');
    const known = await made(store, { name: 'v1.1' });
    assert.deepEqual(known.release.name, 'v1.0');
    assert.match(
      known.remarks.join(),
      /v1\.1 has the same files, command and environment as v1\.0, and keeps that name/,
    );
    assert.doesNotMatch((await made(store, { name: 'v1.0' })).remarks.join(), /keeps that name/);
    write('server.js', 'two');
    assert.match(await refused(store, { name: 'v1.0' }), /^source: Another release is called v1\.0\. Name this one/);
    for (const name of ['r7', '../x', '', '-x', 'a b'])
      assert.match(await refused(store, { name }), /cannot be called/);
    assert.equal((await made(store, { name: 'r2' })).release.number, 2);
  });

  it('are refused with words, and nothing is left', async () => {
    const { store } = await opened();
    assert.match(await refused(store, { directory: '../x' }), /leads out of the release/);
    assert.match(await refused(store, { directory: 'none' }), /has no folder none/);
    const archive = join(root, 'shop.tar');
    writeFileSync(archive, 'no archive');
    assert.match(await refused(store, {}, { kind: 'archive', path: archive, dropsTop: false }), /cut off or damaged/);
    assert.match(await refused(store, {}, { kind: 'git', repository: root, revision: 'x' }), /no git repository/);
    assert.deepEqual([restsIn(store), store.history.releases], [[], []]);
  });

  it('are refused where the tree is gone, until they are deployed again', async () => {
    const { store } = await opened();
    const { release } = await made(store);
    await removeTree(join(store.folder, release.tree ?? ''));
    const folder = await store.folderOf(release);
    assert.match(folder.ok ? '' : folder.failure.reason, /^The folder of the release r1 is gone: /);
    assert.equal((await made(store)).isNew, false);
    assert.ok((await store.folderOf(release)).ok);
  });

  it('lie in one folder for each name of an application', async () => {
    for (const application of ['..', 'a/b', '.', 'shop é', 'A'])
      assert.equal(dirname((await opened(releaseFiles, application)).store.folder), join(state, 'releases'));
  });

  it('are pruned beyond the limits, but for those in force, before, in a rollout, and the newest', async () => {
    const { store } = await opened();
    for (let at = 1; at <= 8; at++) {
      write('server.js', `${at}`);
      const { release } = await made(store);
      if (at <= 2) await promote(store, release.number);
    }
    await promote(store, 1);
    const { nextRollout } = store.history;
    await store.append({ kind: 'began', rollout: nextRollout, from: 1, to: 3, strategy: 'rolling', actor: 'ann' });
    const pruned = await store.prune();
    assert.deepEqual(pruned.ok && pruned.value, [6, 5, 4]);
    assert.deepEqual(
      store.history.releases.map(({ release }) => release.number),
      [8, 7, 3, 2, 1],
    );
    assert.equal(treesIn(store).length, storeLimits.trees);
    const numbers = (await opened()).store.history;
    assert.deepEqual([numbers.inForce?.number, numbers.previous?.number, numbers.open?.to], [1, 2, 3]);
    const few = await store.prune({ trees: 1, bytes: 1, releases: 1 });
    assert.deepEqual(few.ok && few.value, [7]);
    for (let at = 0; at < 30; at++) await made(store, { environment: { AT: `${at}` } });
    await store.prune();
    assert.ok(store.history.releases.length <= storeLimits.releases + 3);
  });
});

describe('a store of releases', () => {
  it('prunes releases that never were in force first', async () => {
    const { store } = await opened();
    for (let at = 1; at <= 8; at++) {
      write('server.js', `${at}`);
      const { release } = await made(store, { name: `k${at}` });
      if (at <= 3) await promote(store, release.number);
      else {
        const rollout = store.history.nextRollout;
        await store.append({ kind: 'began', rollout, from: 3, to: at, strategy: 'blue_green', actor: 'ann' });
        await store.append({ kind: 'ended', rollout, state: 'refused', verdict: null, reason: 'it broke' });
        await store.prune();
      }
    }
    assert.deepEqual(
      store.history.releases.map(({ release }) => release.name),
      ['k8', 'k7', 'k3', 'k2', 'k1'],
    );
    const known = (await opened()).store.history.rollouts.map(({ toName }) => toName);
    assert.deepEqual(known, ['k8', 'k7', 'k6', 'k5', 'k4', 'k3', 'k2', 'k1'], 'those removed keep their names');
  });

  it('is refused with words where its folder is open to others, or its journal damaged', async () => {
    const { store } = await opened();
    await made(store);
    writeFileSync(join(store.folder, 'journal'), '{}\n{}\n');
    const result = await ReleaseStore.open(state, 'shop', { clock: systemClock, random: new SeededRandom(1) });
    assert.match(result.ok ? '' : result.failure.reason, /^Line 1 of the journal of releases /);
    spawnSync('chmod', ['o+w', store.folder]);
    const open = await ReleaseStore.open(state, 'shop', { clock: systemClock, random: new SeededRandom(1) });
    assert.match(open.ok ? '' : open.failure.reason, /may be written by others/);
  });

  it('is refused with words where a file lies in place of its folder', async () => {
    mkdirSync(state);
    writeFileSync(join(state, 'releases'), '');
    const result = await ReleaseStore.open(state, 'shop', { clock: systemClock, random: new SeededRandom(1) });
    assert.match(result.ok ? '' : result.failure.reason, /releases is not a folder\.$/);
  });

  it('has after a crash at each call the release in force, no rests, and makes the next one', async () => {
    const tar = join(root, 'shop.tar');
    spawnSync('tar', ['-C', root, '--exclude', '.candor', '-cf', tar, 'shop']);
    const from: WantedSource = { kind: 'archive', path: tar, dropsTop: true };
    const first = (await opened()).store;
    await promote(first, (await made(first)).release.number);
    rmSync(join(first.folder, 'persistent'), { recursive: true });
    const kept = join(root, 'kept');
    spawnSync('cp', ['-a', state, kept]);
    for (let at = 0; ; at += isWholeSweep ? 1 : 6) {
      await removeTree(state);
      spawnSync('cp', ['-a', kept, state]);
      const { files, calls } = faultyFiles(at, 'EIO', true);
      const crashing = await ReleaseStore.open(state, 'shop', {
        clock: systemClock,
        random: new SeededRandom(1),
        files,
      });
      if (crashing.ok) {
        await crashing.value.store.make(from, { ...wanted, command: ['new'] }, small);
        await promote(crashing.value.store, 2).catch(() => undefined);
        await crashing.value.store.prune({ trees: 0, bytes: 0, releases: 0 });
      }
      const { store } = await opened();
      const { inForce } = store.history;
      assert.ok(inForce?.number === 1 || inForce?.number === 2, `call ${at}`);
      assert.ok((await store.folderOf(inForce)).ok, `call ${at}`);
      const { release } = await made(store, { command: ['new'] }, from);
      assert.equal(release.number, 2, `call ${at}`);
      assert.ok((await store.folderOf(release)).ok, `call ${at}`);
      assert.deepEqual([restsIn(store), treesIn(store).length], [[], 1], `call ${at}`);
      if (at >= calls.length) break;
    }
    assert.ok(existsSync(state));
  });
});
