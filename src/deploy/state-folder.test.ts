import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { OutputPipeFolder } from './output-pipes.ts';
import { StateFolder, type UnusableFolder } from './state-folder.ts';
import { writeSynced, writeWhole, writeWholeLater } from './own-file.ts';

const asRoot = process.getuid?.() === 0 ? {} : { skip: 'only root makes folders of others' };
const foreign = 65_533;

let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), 'candor-state-')));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(path: string): StateFolder {
  const opened = StateFolder.open(path, '2026-01-02T03:04:05.000Z');
  assert.equal(opened.kind, 'owned');
  return (opened as { folder: StateFolder }).folder;
}

/** Why it is not taken. */
function objection(path: string): string {
  const opened = StateFolder.open(path, '2026-01-02T03:04:05.000Z');
  assert.equal(opened.kind, 'unusable');
  return (opened as UnusableFolder).why;
}

describe('a state folder', () => {
  it('is not taken, nor made, where its parent belongs to another user', asRoot, () => {
    const parent = join(folder, 'theirs');
    mkdirSync(parent);
    chownSync(parent, foreign, foreign);
    assert.equal(objection(join(parent, 'a', 'state')), `may be replaced by another user, to whom ${parent} belongs`);
    assert.deepEqual(readdirSync(parent), []);
    mkdirSync(join(parent, 'state'), { mode: 0o700 });
    assert.match(objection(join(parent, 'state')), /may be replaced by another user/);
    assert.deepEqual(readdirSync(join(parent, 'state')), []);
    assert.equal(new OutputPipeFolder(join(parent, 'state', 'output')).make(), null);
    assert.deepEqual(readdirSync(join(parent, 'state')), []);
  });

  it('is not taken where every user may write in its parent', () => {
    const parent = join(folder, 'all');
    mkdirSync(parent);
    chmodSync(parent, 0o777);
    assert.match(objection(join(parent, 'state')), /^may be replaced by others, who may write in \S+all /);
    assert.deepEqual(readdirSync(parent), []);
    chmodSync(parent, 0o1777);
    assert.match(open(join(parent, 'state')).path, /state$/);
  });

  it('is not taken through a link of another user, and is through one of ours', asRoot, () => {
    mkdirSync(join(folder, 'ours'), { mode: 0o700 });
    symlinkSync('ours', join(folder, 'link'));
    open(join(folder, 'link')).release();
    const theirs = join(folder, 'theirs');
    mkdirSync(theirs);
    symlinkSync(join(folder, 'ours'), join(theirs, 'link'));
    chownSync(theirs, foreign, foreign);
    assert.match(objection(join(theirs, 'link')), /another user/);
  });

  it('that was replaced by another folder is not written any more, which is reported', async () => {
    const path = join(folder, 'state');
    const state = open(path);
    assert.equal(state.announce(), null);
    assert.equal(await state.write([]), null);
    renameSync(path, `${path}.old`);
    mkdirSync(path, { mode: 0o700 });
    const why = 'is another than the one that was taken';
    for (const failed of [state.announce(), await state.write([]), state.nameSuccessor(null)])
      assert.equal(failed?.why, why);
    assert.equal(state.isOwned, false);
    state.release();
    assert.deepEqual(readdirSync(path), []);
    rmSync(path, { recursive: true });
    assert.equal((await state.write([]))?.errno, 'ENOENT');
    renameSync(`${path}.old`, path);
    assert.equal(await state.write([]), null);
    assert.equal(state.isOwned, true);
  });
});

describe('a file that is replaced as a whole', () => {
  const ways = [
    ['at once', '.new', (path: string) => writeWhole(path, 'new')],
    ['later', '.new', (path: string) => writeWholeLater(path, 'new')],
    ['beside', '', (path: string) => writeSynced(path, 'new')],
  ] as const;
  for (const [what, suffix, write] of ways) {
    it(`does not go where a link leads that lies in its way, written ${what}`, async () => {
      const [path, precious] = [join(folder, 'file'), join(folder, 'precious')];
      writeFileSync(precious, 'keep me');
      symlinkSync(precious, `${path}${suffix}`);
      await write(path);
      assert.equal(readFileSync(precious, 'utf8'), 'keep me');
      assert.equal(readFileSync(path, 'utf8'), 'new');
      writeFileSync(`${path}${suffix}`, 'left over by a crash');
      await write(path);
      assert.equal(readFileSync(path, 'utf8'), 'new');
      assert.equal(existsSync(`${path}.new`), false);
    });
  }
});
