import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { guardScript, OrphanGuard } from './orphan-guard.ts';
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
  const { status, signal } = spawnSync('/bin/sh', ['-c', guardScript], {
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
  const stranger = startVictim(t);
  hear(`watch ${stranger.pid} 1${ticksOf(stranger)} 0\n`);
  assert.ok(isRunning(stranger));
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
    const guard = new OrphanGuard(clock);
    const victim = startVictim(t);
    assert.equal(guard.watch(victim.pid, 1_000), true);
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
    guard.close();
    await until(() => guards().length === 0);
    assert.ok(isRunning(victim), 'dismissed, it ends nothing');
    assert.equal(clock.timersLive, 0);
  },
);
