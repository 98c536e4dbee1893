// Starts processes: programs whose files are kept while they run.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { identityOf } from '../../deploy/process-identity.ts';
import { SeededRandom } from '../../testing/seeded-random.ts';
import { SecretFiles, type WrittenFiles } from './main-files.ts';

const asRoot = process.getuid?.() === 0 ? {} : { skip: 'only root gives files to others' };
const withMemory = existsSync('/dev/shm') ? {} : { skip: 'this machine has no folder in memory' };
const random = new SeededRandom(3);

let stateFolder: string;
let now: number;
const roots = new Set<string>();
const children: ChildProcess[] = [];
beforeEach(() => {
  stateFolder = mkdtempSync(join(tmpdir(), 'candor-secret-files-'));
  now = Date.now();
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const folder of [...roots, stateFolder]) rmSync(folder, { recursive: true, force: true });
  roots.clear();
});

/** As another process of the gateway has them. */
const files = (memoryFolder?: string): SecretFiles =>
  new SecretFiles({
    stateFolder,
    random,
    wallTime: () => now,
    ...(memoryFolder === undefined ? {} : { memoryFolder }),
  });

function written(
  from: SecretFiles,
  owner: { uid: number; gid: number } | null = null,
): WrittenFiles & { path: string } {
  const result = from.write(new Map([['KEY', 'Kn4rv']]), owner);
  assert.ok(result.ok, JSON.stringify(result));
  const path = result.value.paths['KEY'] ?? assert.fail('no path');
  roots.add(dirname(dirname(path)));
  return Object.assign(result.value, { path });
}

function program(): ChildProcess & { pid: number } {
  const child = spawn('sleep', ['60'], { detached: true, stdio: 'ignore' });
  children.push(child);
  return child as ChildProcess & { pid: number };
}

describe('a secret in a file', () => {
  for (const [where, folder, options] of [
    ['in memory', undefined, withMemory],
    ['in the state folder, where there is no memory', '/nowhere', {}],
  ] as const)
    test(`is read by its user alone, ${where}`, options, () => {
      const { path } = written(files(folder));
      assert.ok(path.startsWith(folder === undefined ? '/dev/shm/' : stateFolder), path);
      assert.equal(readFileSync(path, 'utf8'), 'Kn4rv');
      assert.equal(statSync(path).mode & 0o777, 0o400);
      assert.equal(statSync(dirname(path)).mode & 0o777, 0o700);
    });

  test('is the user of the program', asRoot, () => {
    const { path } = written(files(), { uid: 65_534, gid: 65_534 });
    assert.deepEqual([statSync(path).uid, statSync(dirname(path)).uid], [65_534, 65_534]);
    assert.equal(statSync(dirname(dirname(path))).mode & 0o777, 0o711, 'its user reaches it, and lists nothing');
  });

  test('is gone when the program has ended', () => {
    const { path, started, remove } = written(files());
    started(program().pid);
    remove();
    assert.ok(!existsSync(dirname(dirname(path))), 'nothing is left, not even the folder of all');
  });

  test('is not written into a folder that another user has made in its place', withMemory, () => {
    const root = dirname(dirname(written(files()).path));
    rmSync(root, { recursive: true });
    mkdirSync(join(stateFolder, 'trap'));
    symlinkSync(join(stateFolder, 'trap'), root);
    const refused = files().write(new Map([['KEY', 'Kn4rv']]), null);
    assert.ok(!refused.ok);
    assert.match(refused.failure.reason, /could not be written into files/);
    assert.doesNotMatch(refused.failure.reason, /Kn4rv/);
    assert.deepEqual(readdirSync(join(stateFolder, 'trap')), []);
  });

  test('in such a folder is not looked for, so that nothing behind a link is removed', withMemory, () => {
    const root = dirname(dirname(written(files()).path));
    rmSync(root, { recursive: true });
    const stranger = join(stateFolder, 'photos', 'ab12'.repeat(6));
    mkdirSync(stranger, { recursive: true });
    symlinkSync(dirname(stranger), root);
    now += 3_600_000;
    files().sweep();
    assert.ok(existsSync(stranger));
  });

  test('whose folder is removed, or full, before its program is noted does not disturb the start', () => {
    const { path, started, remove } = written(files());
    rmSync(dirname(dirname(path)), { recursive: true });
    started(process.pid);
    remove();
  });

  test('is removed where its program has taken the right to do so away', () => {
    const { path, remove } = written(files());
    chmodSync(dirname(path), 0);
    remove();
    assert.ok(!existsSync(path));
  });
});

describe('another process of the gateway', () => {
  test('removes at the end of its own program those of a gateway that was killed, which has ended since', async () => {
    const old = written(files());
    const left = program();
    old.started(left.pid);
    const { remove } = written(files());
    left.kill('SIGKILL');
    await once(left, 'exit');
    remove();
    assert.ok(!existsSync(dirname(dirname(old.path))));
  });

  test('leaves files of programs that run, finds them by the process, and removes them at its end', () => {
    const { path, started } = written(files());
    const { pid } = program();
    started(pid);
    now += 3_600_000;
    const other = files();
    other.sweep();
    assert.ok(existsSync(path));
    assert.equal(other.filesOf(1), null);
    other.filesOf(pid)?.remove();
    assert.ok(!existsSync(path));
  });

  test('removes those of programs that have ended while no gateway ran', async () => {
    const { path, started } = written(files());
    const child = program();
    started(child.pid);
    child.kill('SIGKILL');
    await once(child, 'exit');
    files().sweep();
    assert.ok(!existsSync(path));
  });

  test('leaves those of a start that goes on, and removes those of one whose gateway was killed before it', async () => {
    const { path } = written(files());
    const other = files();
    now += 60_000;
    other.sweep();
    assert.ok(existsSync(path));
    const gateway = program();
    const identity = JSON.stringify({ ...identityOf(gateway.pid), isGateway: true });
    writeFileSync(`${dirname(path)}.process`, identity);
    other.sweep();
    assert.ok(existsSync(path));
    assert.equal(other.filesOf(gateway.pid), null);
    // It may have come no further than that.
    const alone = `${join(dirname(dirname(path)), 'ab12'.repeat(6))}.process`;
    writeFileSync(alone, identity);
    gateway.kill('SIGKILL');
    await once(gateway, 'exit');
    other.sweep();
    assert.deepEqual([existsSync(path), existsSync(alone)], [false, false]);
  });
});
