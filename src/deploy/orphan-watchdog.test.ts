// Starts processes: the watchdog is a shell that ends processes.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { SimulatedClock } from '../testing/simulated-clock.ts';
import { OrphanWatchdog } from './orphan-watchdog.ts';
import { startMarkVariable, watchdogScript } from './watchdog-script.ts';
import { readProcess } from './process-identity.ts';

const linuxOnly = process.platform === 'linux' ? {} : { skip: 'reads /proc, which only Linux has' };

/** A program that would run for a minute, in a group of its own. */
function startVictim(
  context: TestContext,
  environment: NodeJS.ProcessEnv = {},
): ChildProcess & { readonly pid: number } {
  const env = { ...process.env, ...environment };
  const victim = spawn('sleep', ['60'], { stdio: 'ignore', detached: true, env });
  context.after(() => victim.kill('SIGKILL'));
  assert.ok(victim.pid !== undefined);
  return victim as ChildProcess & { readonly pid: number };
}

const isRunning = ({ pid }: { readonly pid: number }) => (readProcess(pid)?.state ?? 'Z') !== 'Z';

/** Gives the watchdog `commands` and then ends its input; returns when the watchdog has ended. */
function runWatchdog(commands: string): void {
  const { status, signal } = spawnSync('/bin/sh', ['-c', watchdogScript], {
    input: commands,
    timeout: 5_000,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  assert.deepEqual([status, signal], [0, null]);
}

const ticksOf = ({ pid }: { readonly pid: number }) => readProcess(pid)?.startTicks ?? '';

test('a group that is watched when the pipe closes is ended, one that was forgotten is not', linuxOnly, async (t) => {
  const [watched, forgotten] = [startVictim(t), startVictim(t)];
  const ended = once(watched, 'exit');
  runWatchdog(
    `watch ${forgotten.pid} ${ticksOf(forgotten)} 1000\nwatch ${watched.pid} ${ticksOf(watched)} 1000\nforget ${forgotten.pid}\n`,
  );
  assert.deepEqual(await ended, [null, 'SIGTERM']);
  assert.ok(isRunning(forgotten));
});

test('after "done" no group is ended', linuxOnly, (t) => {
  const victim = startVictim(t);
  runWatchdog(`watch ${victim.pid} ${ticksOf(victim)} 1000\ndone\n`);
  assert.ok(isRunning(victim));
});

test('a process that has got the number of one that was watched is left alone', linuxOnly, (t) => {
  const foreign = startVictim(t);
  runWatchdog(`watch ${foreign.pid} 1${ticksOf(foreign)} 0\n`);
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

const handoffs: readonly (readonly [
  group: string,
  generation: string,
  commands: (pid: number) => string,
  isSpared: boolean,
])[] = [
  ['handed off to the next owner is spared', '8\n', (pid) => `handoff ${pid}\n`, true],
  ['handed off, for which no owner came, is ended', '7\n', (pid) => `handoff ${pid}\n`, false],
  ['not handed off is ended, whoever owns the folder', '8\n', () => '', false],
  ['handed off and rolled back is ended', '8\n', (pid) => `handoff ${pid}\nwatch ${pid} TICKS 1000\n`, false],
  ['handed off and forgotten is left alone', '7\n', (pid) => `handoff ${pid}\nforget ${pid}\n`, true],
  ['handed off is ended where no owner stands in the file', '', (pid) => `handoff ${pid}\n`, false],
];

for (const [group, generation, commands, isSpared] of handoffs) {
  test(`a group ${group}`, linuxOnly, async (t) => {
    const victim = startVictim(t);
    const ended = once(victim, 'exit');
    const more = commands(victim.pid).replaceAll('TICKS', ticksOf(victim));
    runWatchdog(`owner 7 ${generationFile(t, generation)}\nwatch ${victim.pid} ${ticksOf(victim)} 1000\n${more}`);
    assert.equal(isRunning(victim), isSpared);
    if (!isSpared) assert.deepEqual(await ended, [null, 'SIGTERM']);
  });
}

/** By a successor, whose number is 8, before the handoff is settled. */
const adoptions: readonly (readonly [when: string, generation: string, more: string, isSpared: boolean])[] = [
  ['while its predecessor is still the owner is spared', '7\n', '', true],
  ['from a predecessor that takes it back is spared', '9\n', '', true],
  ['from a predecessor that does not come back is ended', '8\n', '', false],
  ['is ended once the handoff is settled', '7\n', 'watch PID TICKS 1000\n', false],
];

for (const [when, generation, more, isSpared] of adoptions) {
  test(`a group adopted ${when}`, linuxOnly, async (t) => {
    const victim = startVictim(t);
    const ended = once(victim, 'exit');
    const commands = `owner 8 ${generationFile(t, generation)}\nadopted PID TICKS 1000\n${more}`;
    runWatchdog(commands.replaceAll('PID', String(victim.pid)).replaceAll('TICKS', ticksOf(victim)));
    assert.equal(isRunning(victim), isSpared);
    if (!isSpared) assert.deepEqual(await ended, [null, 'SIGTERM']);
  });
}

const starts: readonly (readonly [when: string, commands: string, isSpared: boolean])[] = [
  ['whose process id the watchdog has not received is found by its mark, and ended', 'starting m.1. 1000\n', false],
  ['is spared where another start was announced', 'starting m.2. 1000\n', true],
  ['whose start failed is not searched for', 'starting m.1. 1000\nnot-started\n', true],
];

for (const [when, commands, isSpared] of starts) {
  test(`a program ${when}`, linuxOnly, async (t) => {
    const victim = startVictim(t, { [startMarkVariable]: 'm.1.' });
    const ended = once(victim, 'exit');
    runWatchdog(commands);
    assert.equal(isRunning(victim), isSpared);
    if (!isSpared) assert.deepEqual(await ended, [null, 'SIGTERM']);
  });
}

test(
  'Candor killed between the start of a program and the report of its process id leaves no orphan',
  linuxOnly,
  async () => {
    const module = (name: string): string => JSON.stringify(import.meta.resolve(name));
    const folder = mkdtempSync(join(tmpdir(), 'candor-killed-'));
    const pidFile = join(folder, 'pid');
    const command = ['/bin/sh', '-c', `echo $$ > ${pidFile}; exec sleep 60`];
    const program = `
    import { startProgram } from ${module('./program.ts')};
    import { OrphanWatchdog } from ${module('./orphan-watchdog.ts')};
    import { systemClock } from ${module('../testing/system.ts')};
    const watchdog = new OrphanWatchdog(systemClock);
    watchdog.watch = () => process.kill(process.pid, 'SIGKILL');
    const request = { command: ${JSON.stringify(command)}, directory: '/', environment: {}, port: 1, stopMs: 1000 };
    startProgram(request, { onNotStarted: () => {} }, systemClock, watchdog, null);`;
    const killed = spawnSync(process.execPath, ['--input-type=module-typescript', '-e', program], { timeout: 20_000 });
    assert.equal(killed.signal, 'SIGKILL');
    // The program may be ended before it has written its process id; then no process has the mark either.
    await until(() => !existsSync(pidFile) || !isRunning({ pid: Number(readFileSync(pidFile, 'utf8')) }));
    await until(() => marked(killed.pid).length === 0);
    rmSync(folder, { recursive: true });
  },
);

/** Processes that a Candor with this process id has started. */
function marked(candor: number): readonly string[] {
  const { stdout } = spawnSync('/bin/sh', [
    '-c',
    `grep -lsF -e '${startMarkVariable}=${candor}.' /proc/[0-9]*/environ || true`,
  ]);
  return String(stdout)
    .split('\n')
    .filter((line) => line !== '');
}

for (const [record, isWritten] of [
  ['that the new owner has recorded is spared', true],
  ['that the new owner has not recorded is ended', false],
] as const) {
  test(`a group handed off and ${record}`, linuxOnly, async (t) => {
    const victim = startVictim(t);
    const ended = once(victim, 'exit');
    const file = generationFile(t, '8\n');
    const written = { instances: [{ program: { pid: isWritten ? victim.pid : victim.pid * 10 } }] };
    writeFileSync(join(dirname(file), 'instances.json'), JSON.stringify(written, null, 2));
    runWatchdog(`owner 7 ${file}\nwatch ${victim.pid} ${ticksOf(victim)} 1000\nhandoff ${victim.pid}\n`);
    assert.equal(isRunning(victim), isWritten);
    if (!isWritten) assert.deepEqual(await ended, [null, 'SIGTERM']);
  });
}

test('a group that is left waits for the next owner, and no longer than the grace period', linuxOnly, async (t) => {
  const [left, forgotten] = [startVictim(t), startVictim(t)];
  const ended = once(forgotten, 'exit');
  const file = generationFile(t, '7\n');
  const watchdog = spawn('/bin/sh', ['-c', watchdogScript], { stdio: ['pipe', 'ignore', 'ignore'] });
  t.after(() => watchdog.kill('SIGKILL'));
  watchdog.stdin.end(
    `owner 7 ${file}\ngrace 60000\nwatch ${left.pid} ${ticksOf(left)} 1000\nwatch ${forgotten.pid} ${ticksOf(forgotten)} 1000\nhandoff ${left.pid}\n`,
  );
  // Only the group that was not handed off ends at once; the watchdog waits for the owner of the other one.
  await ended;
  assert.ok(isRunning(left));
  writeFileSync(file, '8\n');
  assert.deepEqual(await once(watchdog, 'exit'), [0, null]);
  assert.ok(isRunning(left));
  const gone = once(left, 'exit');
  runWatchdog(`owner 8 ${file}\ngrace 200\nwatch ${left.pid} ${ticksOf(left)} 1000\nhandoff ${left.pid}\n`);
  assert.deepEqual(await gone, [null, 'SIGTERM']);
});

/** Our own children that are watchdogs. */
function watchdogs(): readonly number[] {
  const children = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8')
    .trim()
    .split(' ')
    .filter((text) => text !== '');
  return children
    .map(Number)
    .filter(
      (pid) =>
        isRunning({ pid }) && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes("# Candor's orphan watchdog"),
    );
}

async function until(seen: () => boolean): Promise<void> {
  const giveUpAt = performance.now() + 4_000;
  while (!seen()) {
    assert.ok(performance.now() < giveUpAt, seen.toString());
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test(
  'a watchdog runs in a session of its own, ignores Ctrl-C and SIGTERM, is replaced when killed, and ends when it is closed',
  linuxOnly,
  async (t) => {
    const clock = new SimulatedClock();
    const watchdog = new OrphanWatchdog(clock);
    const victim = startVictim(t);
    assert.equal(watchdog.watch(victim.pid, 1_000), true);
    await until(() => watchdogs().length === 1);
    const [first = 0] = watchdogs();
    assert.equal(readProcess(first)?.group, first);
    // The signals that it ignores, as the kernel lists them: bit n − 1 is signal n.
    const ignored = () =>
      Number.parseInt(/^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${first}/status`, 'utf8'))?.[1] ?? '0', 16);
    await until(() => [1, 2, 3, 15].every((signal) => (ignored() & (1 << (signal - 1))) !== 0));
    process.kill(first, 'SIGKILL');
    await until(() => clock.timersLive === 1);
    await clock.advance(1_000);
    await until(() => watchdogs().length === 1 && watchdogs()[0] !== first);
    assert.ok(isRunning(victim));
    watchdog.close();
    await until(() => watchdogs().length === 0);
    assert.ok(isRunning(victim), 'closed, it ends no group');
    assert.equal(clock.timersLive, 0);
  },
);
