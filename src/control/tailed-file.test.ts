// Starts processes: only `mkfifo` makes a FIFO.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { TailedFile } from './tailed-file.ts';

const isRoot = process.geteuid?.() === 0;

let folder: string;
let path: string;
let lines: string[];
let file: TailedFile;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'candor-tail-'));
  path = join(folder, 'app.log');
  lines = [];
  file = new TailedFile({ path, onLine: (line) => lines.push(line) });
});
afterEach(async () => {
  await file.close();
  rmSync(folder, { recursive: true });
});

describe('a log that is followed', () => {
  test('is read from its end on, line by line', async () => {
    writeFileSync(path, 'old\n');
    await file.look();
    appendFileSync(path, 'one\ntw');
    await file.look();
    assert.deepEqual(lines, ['one']);
    appendFileSync(path, 'o\n');
    await file.look();
    assert.deepEqual([lines, file.state, file.reason], [['one', 'two'], 'following', '']);
  });

  test('that does not exist yet is read from its beginning once it does', async () => {
    await file.look();
    assert.deepEqual([file.state, file.reason], ['absent', 'it does not exist yet']);
    writeFileSync(path, 'first\n');
    await file.look();
    assert.deepEqual([lines, file.state], [['first'], 'following']);
  });

  const rotations: Readonly<Record<string, () => void>> = {
    'renamed and created anew': () => {
      renameSync(path, `${path}.1`);
      appendFileSync(`${path}.1`, 'last of the old\n');
      writeFileSync(path, 'new\n');
    },
    'copied and truncated': () => {
      appendFileSync(path, 'last of the old\n');
    },
    'removed and created anew': () => {
      appendFileSync(path, 'last of the old\n');
      rmSync(path);
      writeFileSync(path, 'new\n');
    },
  };
  for (const [how, rotate] of Object.entries(rotations))
    test(`loses no line when it is ${how}`, async () => {
      writeFileSync(path, 'old\n');
      await file.look();
      appendFileSync(path, 'before\n');
      await file.look();
      rotate();
      await file.look();
      if (how.endsWith('truncated')) {
        copyFileSync(path, `${path}.1`);
        truncateSync(path);
        appendFileSync(path, 'new\n');
        await file.look();
      }
      appendFileSync(path, 'after\n');
      await file.look();
      assert.deepEqual(lines, ['before', 'last of the old', 'new', 'after']);
    });

  test('that is renamed stays open until there is another one of its name', async () => {
    writeFileSync(path, '');
    await file.look();
    renameSync(path, `${path}.1`);
    await file.look();
    appendFileSync(`${path}.1`, 'late\n');
    await file.look();
    assert.deepEqual([lines, file.state], [['late'], 'following']);
  });

  test('that grows faster than it is read is skipped to its newest lines, and the bytes are counted', async () => {
    writeFileSync(path, '');
    await file.look();
    appendFileSync(path, `${`${'x'.repeat(99)}\n`.repeat(100_000)}newest\n`);
    for (let look = 0; look < 3; look += 1) await file.look();
    assert.equal(lines.at(-1), 'newest');
    assert.ok(file.skippedBytes > 9e6 && lines.length < 3000, `${file.skippedBytes} ${lines.length}`);
  });

  test('has its lines cut and without control characters, as output has', async () => {
    writeFileSync(path, '');
    await file.look();
    appendFileSync(path, `\u001b[31mred\u0007\n${'y'.repeat(5000)}\n`);
    await file.look();
    assert.deepEqual([lines[0], lines[1]?.endsWith('… (904 more bytes)')], ['red␇', true]);
  });
});

describe('what cannot be followed', () => {
  const cases: Readonly<Record<string, { readonly make: () => void; readonly reason: RegExp }>> = {
    'a folder': { make: () => mkdirSync(path), reason: /^it is a folder$/ },
    'a FIFO': { make: () => execFileSync('mkfifo', [path]), reason: /^it is not a regular file$/ },
    'a link to itself': { make: () => symlinkSync(path, path), reason: /^its symbolic links lead nowhere$/ },
    'a device': { make: () => symlinkSync('/dev/zero', path), reason: /^it is not a regular file$/ },
  };
  for (const [what, { make, reason }] of Object.entries(cases))
    test(`${what} is told with its reason, and followed once it is a file`, async () => {
      make();
      await file.look();
      assert.equal(file.state, 'unreadable');
      assert.match(file.reason, reason);
      rmSync(path, { recursive: true });
      writeFileSync(path, 'now\n');
      await file.look();
      assert.deepEqual([file.state, file.reason], ['following', '']);
    });

  test('a file without permission is told', async () => {
    writeFileSync(path, 'secret\n');
    chmodSync(path, 0);
    chmodSync(folder, 0o711);
    // Root may read every file.
    if (isRoot) process.seteuid?.(65_534);
    await file.look().finally(() => isRoot && process.seteuid?.(0));
    assert.deepEqual([file.state, file.reason], ['unreadable', 'permission denied']);
  });

  test('a link that another user has put there, to a file of a third one', {
    skip: !isRoot && 'only root can make it',
  }, async () => {
    writeFileSync(join(folder, 'secret'), 'secret\n');
    symlinkSync(join(folder, 'secret'), path);
    lchownSync(path, 65_534, 65_534);
    await file.look();
    assert.match(file.reason, /^it is a symbolic link of another user, to /);
    appendFileSync(join(folder, 'secret'), 'more\n');
    await file.look();
    assert.deepEqual(lines, []);
  });

  test('a link of its own user is followed, also to another file later', async () => {
    for (const name of ['one', 'two']) writeFileSync(join(folder, name), '');
    symlinkSync('one', path);
    await file.look();
    appendFileSync(join(folder, 'one'), 'from one\n');
    await file.look();
    rmSync(path);
    symlinkSync('two', path);
    appendFileSync(join(folder, 'two'), 'from two\n');
    await file.look();
    assert.deepEqual(lines, ['from one', 'from two']);
  });
});
