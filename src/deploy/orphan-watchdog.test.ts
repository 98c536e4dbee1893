import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { watchdogScript, OrphanWatchdog } from './orphan-watchdog.ts';
import { readProcess } from './process-group.ts';

const linuxOnly = process.platform === 'linux' ? {} : { skip: 'reads /proc, which only Linux has' };

/** A program that would run for a minute, in a group of its own. */
function startVictim(context: TestContext): ChildProcess & { readonly pid: number } {
  const victim = spawn('sleep', ['60'], { stdio: 'ignore', detached: true });
  context.after(() => victim.kill('SIGKILL'));
  assert.ok(victim.pid !== undefined);
  return victim as ChildProcess & { readonly pid: number };
}

const isRunning = ({ pid }: { readonly pid: number }) => (readProcess(pid)?.state ?? 'Z') !== 'Z';

/** Lets the guard hear `words` and then nothing more; returns when it has ended. */
function hear(words: string): void {
  const { status, signal } = spawnSync('/bin/sh', ['-c', watchdogScript], {
    input: words,
    timeout: 5_000,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  assert.deepEqual([status, signal], [0, null]);
}

const ticksOf = ({ pid }: { readonly pid: number }) => readProcess(pid)?.startTicks ?? '';

test('what is still watched when the pipe closes is ended, what has been forgotten is not', linuxOnly, async (t) => {
  const [watched, forgotten] = [startVictim(t), startVictim(t)];
  const ended = once(watched, 'exit');
  hear(
    `watch ${forgotten.pid} ${ticksOf(forgotten)} 1000\nwatch ${watched.pid} ${ticksOf(watched)} 1000\nforget ${forgotten.pid}\n`,
  );
  assert.deepEqual(await ended, [null, 'SIGTERM']);
  assert.ok(isRunning(forgotten));
});

test('after "done" nothing is ended', linuxOnly, (t) => {
  const victim = startVictim(t);
  hear(`watch ${victim.pid} ${ticksOf(victim)} 1000\ndone\n`);
  assert.ok(isRunning(victim));
});

test('a process that has got the number of one that was watched is left alone', linuxOnly, (t) => {
  const foreign = startVictim(t);
  hear(`watch ${foreign.pid} 1${ticksOf(foreign)} 0\n`);
  assert.ok(isRunning(foreign));
});

/** A file that says who owns the state folder. In a folder with a space: paths may have them. */
function generationFile(context: TestContext, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'candor guard '));
  context.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'generation');
  writeFileSync(file, content);
  return file;
}

const handovers: readonly (readonly [
  what: string,
  generation: string,
  words: (pid: number) => string,
  isSpared: boolean,
])[] = [
  ['was handed over to the next owner is spared', '8\n', (pid) => `hand ${pid}\n`, true],
  ['was handed over to nobody who came is ended', '7\n', (pid) => `hand ${pid}\n`, false],
  ['was not handed over is ended, whoever owns the folder', '8\n', () => '', false],
  ['was handed over and taken back is ended', '8\n', (pid) => `hand ${pid}\nwatch ${pid} TICKS 1000\n`, false],
  ['was handed over and has gone is nobody’s', '7\n', (pid) => `hand ${pid}\nforget ${pid}\n`, true],
  ['was handed over is ended where the folder is empty', '', (pid) => `hand ${pid}\n`, false],
];

for (const [what, generation, words, isSpared] of handovers) {
  test(`what ${what}`, linuxOnly, async (t) => {
    const victim = startVictim(t);
    const ended = once(victim, 'exit');
    const told = words(victim.pid).replaceAll('TICKS', ticksOf(victim));
    hear(`state 7 ${generationFile(t, generation)}\nwatch ${victim.pid} ${ticksOf(victim)} 1000\n${told}`);
    assert.equal(isRunning(victim), isSpared);
    if (!isSpared) assert.deepEqual(await ended, [null, 'SIGTERM']);
  });
}

for (const [what, isWritten] of [
  ['that the new owner has written down is spared', true],
  ['that the new owner does not know of is ended', false],
] as const) {
  test(`what was handed over and ${what}`, linuxOnly, async (t) => {
    const victim = startVictim(t);
    const ended = once(victim, 'exit');
    const file = generationFile(t, '8\n');
    const written = { instances: [{ program: { pid: isWritten ? victim.pid : victim.pid * 10 } }] };
    writeFileSync(join(dirname(file), 'instances.json'), JSON.stringify(written, null, 2));
    hear(`state 7 ${file}\nwatch ${victim.pid} ${ticksOf(victim)} 1000\nhand ${victim.pid}\n`);
    assert.equal(isRunning(victim), isWritten);
    if (!isWritten) assert.deepEqual(await ended, [null, 'SIGTERM']);
  });
}

test('what is left waits for the next owner, and no longer than it may', linuxOnly, async (t) => {
  const [left, forgotten] = [startVictim(t), startVictim(t)];
  const ended = once(forgotten, 'exit');
  const file = generationFile(t, '7\n');
  const watchdog = spawn('/bin/sh', ['-c', watchdogScript], { stdio: ['pipe', 'ignore', 'ignore'] });
  t.after(() => watchdog.kill('SIGKILL'));
  watchdog.stdin.end(
    `state 7 ${file}\nleave 60000\nwatch ${left.pid} ${ticksOf(left)} 1000\nwatch ${forgotten.pid} ${ticksOf(forgotten)} 1000\nhand ${left.pid}\n`,
  );
  // Only what was not handed over goes at once; the guard has begun to wait for the rest.
  await ended;
  assert.ok(isRunning(left));
  writeFileSync(file, '8\n');
  assert.deepEqual(await once(watchdog, 'exit'), [0, null]);
  assert.ok(isRunning(left));
  const gone = once(left, 'exit');
  hear(`state 8 ${file}\nleave 200\nwatch ${left.pid} ${ticksOf(left)} 1000\nhand ${left.pid}\n`);
  assert.deepEqual(await gone, [null, 'SIGTERM']);
});

/** Our own children that are guards. */
function guards(): readonly number[] {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter((text) => text !== '');
  return children
    .map(Number)
    .filter((pid) => isRunning({ pid }) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes("# Candor's guard"));
}

async function until(seen: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + 4_000;
  while (!seen()) {
    assert.ok(performance.now() < giveUpAt, seen.toString());
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test(
  'a guard stands in a session of its own, ignores Ctrl-C and SIGTERM, is replaced when killed, and leaves when dismissed',
  linuxOnly,
  async (t) => {
    const clock = new SimulatedClock();
    const watchdog = new OrphanWatchdog(clock);
    const victim = startVictim(t);
    assert.equal(watchdog.watch(victim.pid, 1_000), true);
    await until(() => guards().length === 1);
    const [first = 0] = guards();
    assert.equal(readProcess(first)?.group, first);
    // The signals that it ignores, as the kernel lists them: bit n − 1 is signal n.
    const ignored = () =>
      Number.parseInt(/^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${first}/status`, 'utf8'))?.[1] ?? '0', 16);
    await until(() => [1, 2, 3, 15].every((signal) => (ignored() & (1 << (signal - 1))) !== 0));
    process.kill(first, 'SIGKILL');
    await until(() => clock.timersLive === 1);
    await clock.advance(1_000);
    await until(() => guards().length === 1 && guards()[0] !== first);
    assert.ok(isRunning(victim));
    watchdog.close();
    await until(() => guards().length === 0);
    assert.ok(isRunning(victim), 'dismissed, it ends nothing');
    assert.equal(clock.timersLive, 0);
  },
);
