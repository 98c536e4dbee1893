// Starts processes: commands that show whether a worker is ready.

import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { systemClock } from '../testing/system.ts';
import type { ProgramCheck } from './host.ts';
import { OrphanWatchdog } from './orphan-watchdog.ts';
import { readProcess } from './process-identity.ts';
import { checkProgram } from './program-check.ts';
import type { ReadinessResult } from './readiness.ts';

const directory = mkdtempSync(join(tmpdir(), 'ready-'));
const watchdog = new OrphanWatchdog(systemClock);
after(() => {
  watchdog.close();
  rmSync(directory, { recursive: true });
});

const isRunning = (pid: number): boolean => (readProcess(pid)?.state ?? 'Z') !== 'Z';

function check(ready: ProgramCheck['ready'], more: Partial<ProgramCheck> = {}) {
  const { promise, resolve } = Promise.withResolvers<ReadinessResult>();
  const asked = {
    ready,
    directory,
    environment: { COLOUR: 'green' },
    timeoutMs: 10_000,
    writtenWithinMs: null,
    ...more,
  };
  const cancellable = checkProgram(asked, systemClock, watchdog, resolve);
  return { cancel: () => cancellable.cancel(), result: promise };
}

const command = (script: string, more: Partial<ProgramCheck> = {}) =>
  check({ kind: 'command', command: ['sh', '-c', script] }, more);

for (const [what, script, passed, text] of [
  ['0', 'echo fine >&2', true, 'the command of `ready` has ended with 0'],
  [
    'another code',
    'echo "no broker" >&2; exit 4',
    false,
    'the command of `ready` has ended with 4; last line: "no broker"',
  ],
  ['a signal', 'kill -SEGV $$', false, 'the command of `ready` was killed by SIGSEGV'],
  [
    'its directory and its variables, and no port',
    'test "$COLOUR-$PORT-$HOST" = green-- && test "$PWD" = "$OWN"',
    true,
    'the command of `ready` has ended with 0',
  ],
] as const)
  test(`a command that ends with ${what} is told so`, async () => {
    const environment = { COLOUR: 'green', OWN: directory };
    assert.deepEqual(await command(script, { environment }).result, { kind: 'program', passed, text });
  });

test('a command that cannot be started is no readiness', async () => {
  const { result } = check({ kind: 'command', command: ['/nowhere/check'] });
  assert.deepEqual(await result, {
    kind: 'program',
    passed: false,
    text: 'the command of `ready` could not be started (ENOENT)',
  });
});

test('what a command prints is told without secrets', async () => {
  const hold = { mask: (line: string) => line.replaceAll('Kn4rv', '***') };
  const { text } = (await command('echo "no login with Kn4rv" >&2; exit 1', { hold }).result) as { text: string };
  assert.equal(text, 'the command of `ready` has ended with 1; last line: "no login with ***"');
});

test('a command that hangs is ended with what it has started, and told', async () => {
  const { result } = command('sleep 60 & echo $! > child; wait', { timeoutMs: 300 });
  const { text } = (await result) as Extract<ReadinessResult, { kind: 'program' }>;
  assert.equal(text, 'the command of `ready` has not ended within 0.3 s');
  const child = Number(readFileSync(join(directory, 'child'), 'utf8'));
  while (isRunning(child)) await new Promise((resolve) => setTimeout(resolve, 5));
});

test('a check that is not wanted any more ends its command, and reports nothing', async () => {
  const holds: string[] = [];
  const hold = { started: () => void holds.push('started'), ended: () => void holds.push('ended') };
  const checked = command('echo $$ > own; exec sleep 60', { hold });
  const path = join(directory, 'own');
  const pidIn = (): number => (existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0);
  while (pidIn() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  checked.cancel();
  while (isRunning(pidIn())) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(await Promise.race([checked.result, Promise.resolve('nothing')]), 'nothing');
  assert.deepEqual(holds, ['started', 'ended']);
});

test('a file counts only if the run has written it, and later as long as it is there', async () => {
  const ready = { kind: 'file', path: 'up' } as const;
  assert.partialDeepStrictEqual(await check(ready).result, { passed: false, text: 'there is no file up' });
  writeFileSync(join(directory, 'up'), '');
  assert.partialDeepStrictEqual(await check(ready, { writtenWithinMs: 60_000 }).result, { passed: true });
  const hourAgo = Date.now() / 1000 - 3600;
  utimesSync(join(directory, 'up'), hourAgo, hourAgo);
  assert.partialDeepStrictEqual(await check(ready, { writtenWithinMs: 60_000 }).result, {
    passed: false,
    text: 'the file up is older than this run of the program',
  });
  assert.partialDeepStrictEqual(await check(ready).result, { passed: true, text: 'there is the file up' });
});
