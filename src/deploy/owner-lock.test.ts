// Starts processes: a lock is held by a process, and free when it is gone.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test, type TestContext } from 'node:test';
import { livingOwner, type StateOwner, OwnerLock } from './owner-lock.ts';
import { identityOf, isRunning } from './process-identity.ts';

const since = '2026-01-02T03:04:05.000Z';

const linuxOnly = process.platform === 'linux' ? {} : { skip: 'reads /proc, which only Linux has' };

function folderFor(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'candor-lock-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function take(folder: string): OwnerLock {
  const taken = OwnerLock.acquire(folder, since);
  assert.ok(taken.ok);
  return taken.value;
}

/** Where nobody is to get it; who has it. */
function refused(folder: string): StateOwner {
  const taken = OwnerLock.acquire(folder, since);
  assert.ok(!taken.ok);
  return taken.failure;
}

const me = () => identityOf(process.pid) ?? assert.fail('this process runs');

function writeOwner(folder: string, generation: number, owner: unknown): void {
  writeFileSync(join(folder, `lock.${generation}`), typeof owner === 'string' ? owner : JSON.stringify(owner));
}

test('the first owner has number 1, and other processes can read who it is', (t) => {
  const folder = folderFor(t);
  const lock = take(folder);
  assert.deepEqual([lock.generation, lock.isHeld], [1, true]);
  assert.deepEqual(refused(folder), { process: me(), since, successor: null, released: false });
  assert.deepEqual(livingOwner(folder)?.process, me());
});

test('a released lock goes to the next owner, and its number grows', (t) => {
  const folder = folderFor(t);
  const first = take(folder);
  first.release();
  assert.deepEqual([first.isHeld, livingOwner(folder)], [false, null]);
  const second = take(folder);
  assert.deepEqual([second.generation, second.isHeld, first.isHeld], [2, true, false]);
});

test('a named successor may take the lock while its predecessor runs; no other process may, nor the successor after its name is withdrawn', (t) => {
  const folder = folderFor(t);
  const lock = take(folder);
  lock.nameSuccessor({ ...me(), startTicks: 'of another process' });
  refused(folder);
  lock.nameSuccessor(me());
  lock.nameSuccessor(null);
  refused(folder);
  lock.nameSuccessor(me());
  const successor = take(folder);
  assert.deepEqual([successor.generation, successor.isHeld, lock.isHeld], [2, true, false]);
});

const dead: readonly (readonly [who: string, owner: () => unknown])[] = [
  ['a process that has ended', () => ({ pid: 2 ** 22 + 1, start_ticks: '5', boot_id: me().bootId, since })],
  ['a process whose number another one has now', () => ({ pid: process.pid, start_ticks: '5', boot_id: me().bootId })],
  [
    'a process of another boot',
    () => ({ pid: process.pid, start_ticks: me().startTicks, boot_id: '00000000-0000-0000-0000-000000000000' }),
  ],
  ['a file that is empty', () => ''],
  ['a file that makes no sense', () => '{"pid":"1"}'],
];

for (const [who, owner] of dead) {
  test(`no process is kept out by ${who}`, linuxOnly, (t) => {
    const folder = folderFor(t);
    writeOwner(folder, 41, owner());
    const lock = take(folder);
    assert.deepEqual([lock.generation, lock.isHeld], [42, true]);
  });
}

test('old lock files are removed, other files are not touched', (t) => {
  const folder = folderFor(t);
  mkdirSync(join(folder, 'output'));
  writeFileSync(join(folder, 'lock.old'), '');
  for (let count = 0; count < 30; count++) take(folder).release();
  const names = readdirSync(folder).sort();
  assert.deepEqual(names, [
    'lock.23',
    'lock.24',
    'lock.25',
    'lock.26',
    'lock.27',
    'lock.28',
    'lock.29',
    'lock.30',
    'lock.old',
    'output',
  ]); // prettier-ignore
});

/**
 * Takes the lock again and again, and looks whether anybody else who runs has it. It then releases it, or ends without
 * a word, by a signal that nobody can hear.
 */
const contender = `
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OwnerLock } from ${JSON.stringify(import.meta.resolve('./owner-lock.ts'))};
import { identityOf } from ${JSON.stringify(import.meta.resolve('./process-identity.ts'))};
const [folder, inside, count, dies] = process.argv.slice(1);
const mine = join(inside, String(process.pid));
console.log('up');
process.stdin.once('data', () => {
  for (let owned = 0; owned < Number(count);) {
    const taken = OwnerLock.acquire(folder, '');
    if (!taken.ok) continue;
    writeFileSync(mine, '');
    const others = readdirSync(inside).filter((pid) => Number(pid) !== process.pid && identityOf(Number(pid)) !== null);
    console.log(JSON.stringify({ generation: taken.value.generation, others, isHeld: taken.value.isHeld }));
    owned += 1;
    if (dies === 'dies' && owned === Number(count)) process.kill(process.pid, 'SIGKILL');
    rmSync(mine);
    taken.value.release();
  }
  process.exit(0);
});`;

test(
  'of many processes that ask at once, exactly one owns it at any time, even where owners are killed',
  linuxOnly,
  async (t) => {
    const folder = folderFor(t);
    const inside = join(folder, 'inside');
    mkdirSync(inside);
    const contenders = Array.from({ length: 6 }, (_, index) => {
      const args = [
        '--input-type=module-typescript',
        '-e',
        contender,
        folder,
        inside,
        '12',
        index < 3 ? 'dies' : 'lives',
      ];
      return spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    });
    t.after(() => contenders.forEach((one) => one.kill('SIGKILL')));
    const said: { generation: number; others: readonly string[]; isHeld: boolean }[] = [];
    const up = contenders.map(
      (one) =>
        new Promise<void>((resolve) => {
          createInterface({ input: one.stdout }).on('line', (line) =>
            line === 'up' ? resolve() : said.push(JSON.parse(line) as (typeof said)[number]),
          );
        }),
    );
    await Promise.all(up);
    for (const one of contenders) one.stdin.write('go\n');
    await Promise.all(contenders.map((one) => once(one, 'close')));
    assert.equal(said.length, 6 * 12);
    assert.deepEqual(
      said.filter(({ others, isHeld }) => others.length > 0 || !isHeld),
      [],
    );
    assert.equal(
      new Set(said.map(({ generation }) => generation)).size,
      said.length,
      'each owner has a number of its own',
    );
  },
);

test('a zombie does not count as a running process', linuxOnly, async (t) => {
  // The shell becomes a program that never asks about the child that it has.
  const parent = spawn('/bin/sh', ['-c', 'sleep 0 & echo $!; exec sleep 60'], { stdio: ['ignore', 'pipe', 'inherit'] });
  t.after(() => parent.kill('SIGKILL'));
  const [text] = (await once(parent.stdout, 'data')) as [Buffer];
  const pid = Number(text.toString());
  while (identityOf(pid) !== null) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(isRunning({ pid, startTicks: null, bootId: null }), false);
});
