// Starts processes: only `mkfifo` makes a FIFO.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chownSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  readdirSync,
  readFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it, after, test } from 'node:test';
import { livingOwner, OwnerLock } from './owner-lock.ts';
import { readOwnFile, writeSynced, writeWhole, writeWholeLater } from './own-file.ts';
import { readPreviousState, StateFolder } from './state-folder.ts';
import { keptKey } from './kept-key.ts';
import { SeededRandom } from '../testing/seeded-random.ts';

const asRoot = process.getuid?.() === 0 ? {} : { skip: 'only root makes files of others' };
const since = '2026-01-02T03:04:05.000Z';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-own-file-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What may lie at a file's name in its place, and what is said of it. */
const traps: readonly (readonly [what: string, make: (path: string) => unknown, says: RegExp])[] = [
  ['a named pipe', (path) => spawnSync('mkfifo', [path]), /^it is a named pipe, not a file$/],
  ['a folder', (path) => mkdirSync(path), /^it is a folder, not a file$/],
  ['a link', (path) => symlinkSync('/dev/zero', path), /^it is a link, not a file$/],
  ['a link that leads nowhere', (path) => symlinkSync('nowhere', path), /^it is a link, not a file$/],
  [
    '50 MB',
    (path) => (writeFileSync(path, '['), truncateSync(path, 50_000_000)),
    /^it has 50000000 bytes, \d+ more than/,
  ],
];

describe('a file of our own', () => {
  it('is read whole, and where there is none that is no failure', () => {
    const path = join(folder, 'one');
    assert.deepEqual(readOwnFile(path, 10), { kind: 'none' });
    writeFileSync(path, 'content');
    assert.deepEqual(readOwnFile(path, 7), { kind: 'text', text: 'content' });
    assert.equal(readOwnFile(path, 6).kind, 'refused');
  });

  it('is refused in words where the way to it cannot be gone', () => {
    symlinkSync('round', join(folder, 'round'));
    assert.deepEqual(readOwnFile(join(folder, 'round', 'one'), 10), {
      ...{ kind: 'refused', why: 'it cannot be read (ELOOP)' },
    });
  });

  for (const [what, make, says] of traps)
    it(`is refused in words, at once, where ${what} lies in its place`, () => {
      make(join(folder, 'one'));
      const read = readOwnFile(join(folder, 'one'), 1_000_000);
      assert.match(read.kind === 'refused' ? read.why : read.kind, says);
    });

  it('is refused where a socket lies in its place', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen({ path: join(folder, 'one') }, resolve));
    const read = readOwnFile(join(folder, 'one'), 10);
    await new Promise((resolve) => server.close(resolve));
    assert.deepEqual(read, { kind: 'refused', why: 'it is a socket, not a file' });
  });

  it('is refused where it is another user’s', asRoot, () => {
    writeFileSync(join(folder, 'one'), 'content');
    chownSync(join(folder, 'one'), 65_533, 65_533);
    assert.deepEqual(readOwnFile(join(folder, 'one'), 10), { kind: 'refused', why: 'it belongs to another user' });
  });
});

describe('a state folder', () => {
  for (const [what, make, says] of traps) {
    it(`is taken all the same where ${what} lies in place of the instances, which are ignored in words`, () => {
      make(join(folder, 'instances.json'));
      const previous = readPreviousState(folder);
      assert.match(previous.kind === 'ignored' ? previous.why : previous.kind, says);
      assert.equal(StateFolder.open(folder, since).kind, 'owned');
    });

    it(`is refused in words where ${what} lies in place of a lock`, () => {
      make(join(folder, 'lock.7'));
      const opened = StateFolder.open(folder, since);
      const why = opened.kind === 'unusable' ? opened.why : opened.kind;
      assert.match(why, new RegExp(`^has a lock.7 that cannot be read: ${says.source.slice(1, -1)}`));
      assert.match(why, /remove that file once no Candor uses the folder$/);
      assert.equal(livingOwner(folder), null);
    });
  }

  it('is refused in words where no higher number is left for an owner', () => {
    writeFileSync(join(folder, 'lock.999999999999999'), '');
    assert.throws(() => OwnerLock.acquire(folder, since));
    const opened = StateFolder.open(folder, since);
    assert.match(opened.kind === 'unusable' ? opened.why : opened.kind, /^has a lock\.999999999999999, and no higher/);
  });
});

const writtenFolder = mkdtempSync(join(tmpdir(), 'candor-write-'));
after(() => rmSync(writtenFolder, { recursive: true }));

/** Fails after the file was opened, as a full disk does. */
const unwritable = 7 as unknown as string;

test('what cannot be written leaves nothing behind, and the former content in place', async () => {
  const path = join(writtenFolder, 'state.json');
  writeWhole(path, 'before');
  assert.throws(() => writeWhole(path, unwritable));
  assert.throws(() => writeSynced(join(writtenFolder, 'key.4711'), unwritable));
  await assert.rejects(writeWholeLater(path, unwritable));
  assert.deepEqual(readdirSync(writtenFolder), ['state.json']);
  assert.equal(readFileSync(path, 'utf8'), 'before');
  await writeWholeLater(path, 'after');
  assert.equal(readFileSync(path, 'utf8'), 'after');
});

test('a key that a killed process had not finished is removed at the next start; other files stay', () => {
  const state = join(writtenFolder, 'state');
  const key = keptKey(state, 'a-key', new SeededRandom(1));
  for (const name of ['a-key.4711', 'a-key.old', 'b-key.1']) writeFileSync(join(state, name), 'x');
  assert.equal(keptKey(state, 'a-key', new SeededRandom(2)), key);
  assert.deepEqual(readdirSync(state).toSorted(), ['.gitignore', 'a-key', 'a-key.old', 'b-key.1']);
});
