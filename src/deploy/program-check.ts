import { spawn } from 'node:child_process';
import { stat } from 'node:fs';
import { resolve } from 'node:path';
import type { Cancellable } from '../core/connector.ts';
import { after, type Clock } from '../core/time.ts';
import type { ProgramCheck } from './host.ts';
import { portlessEnvironment } from './inherited-environment.ts';
import type { OrphanWatchdog } from './orphan-watchdog.ts';
import { OutputLineReader } from './output-lines.ts';
import type { ReadinessResult } from './readiness.ts';
import { startMarkVariable } from './watchdog-script.ts';
import { withStreams } from './child-streams.ts';

type OnResult = (observation: ReadinessResult) => void;

/** Looks once whether a program without a port is ready. `onResult` is called once, unless the check is cancelled before. */
export function checkProgram(
  check: ProgramCheck,
  clock: Clock,
  watchdog: OrphanWatchdog,
  onResult: OnResult,
): Cancellable {
  const { ready, directory } = check;
  return ready.kind === 'file'
    ? checkFile(resolve(directory, ready.path), ready.path, { ...check, clock }, onResult)
    : checkCommand(ready.command, check, clock, watchdog, onResult);
}

/** File systems keep times in steps of the kernel's timer, up to 10 ms. */
const timeStepMs = 10;

function checkFile(
  path: string,
  shown: string,
  { clock, writtenWithinMs }: { readonly clock: Clock; readonly writtenWithinMs: number | null },
  onResult: OnResult,
): Cancellable {
  let isCancelled = false;
  stat(path, (error, stats) => {
    if (isCancelled) return;
    if (error !== null) {
      const why = error.code === 'ENOENT' ? `there is no file ${shown}` : `${shown} cannot be read (${error.code})`;
      return onResult({ kind: 'program', passed: false, text: why });
    }
    // An earlier run may have left it there.
    const isOld = writtenWithinMs !== null && clock.wallTime() - stats.mtimeMs > writtenWithinMs + timeStepMs;
    onResult({
      ...{ kind: 'program', passed: !isOld },
      text: isOld ? `the file ${shown} is older than this run of the program` : `there is the file ${shown}`,
    });
  });
  return { cancel: () => void (isCancelled = true) };
}

/** The last output of a command that has ended comes within this time, unless a process that has left its group holds the pipe. */
const outputWaitMs = 200;

function checkCommand(
  command: readonly string[],
  { directory, environment, timeoutMs, hold }: ProgramCheck,
  clock: Clock,
  watchdog: OrphanWatchdog,
  onResult: OnResult,
): Cancellable {
  let isDone = false;
  let lastLine: string | null = null;
  let isHeld = hold !== undefined;
  const release = (): void => {
    if (isHeld) hold?.ended?.();
    isHeld = false;
  };
  const done = (passed: boolean, what: string): void => {
    timer.cancel();
    release();
    if (isDone) return;
    isDone = true;
    const said = passed || lastLine === null ? '' : `; last line: "${lastLine}"`;
    onResult({ kind: 'program', passed, text: `the command of \`ready\` ${what}${said}` });
  };
  let timer = clock.schedule(after(clock.now(), timeoutMs), () => isLate(), undefined);
  const env = { ...portlessEnvironment(environment), [startMarkVariable]: watchdog.announceStart(0) };
  const child = spawnQuietly(command, directory, env);
  const kill = (): void => {
    try {
      // What it has started ends with it.
      if (!(child instanceof Error) && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // Nothing of the group is left.
    }
  };
  const isLate = (): void => {
    kill();
    done(false, `has not ended within ${timeoutMs / 1000} s`);
  };
  const notStarted = ({ code = 'EIO' }: NodeJS.ErrnoException): void => done(false, `could not be started (${code})`);
  const cancel = (): void => {
    isDone = true;
    timer.cancel();
    kill();
    release();
  };
  if (child instanceof Error) {
    watchdog.notStarted();
    queueMicrotask(() => notStarted(child));
    return { cancel };
  }
  const { pid } = child;
  if (pid === undefined) watchdog.notStarted();
  else {
    watchdog.watch(pid, 0);
    hold?.started?.(pid);
  }
  const reader = new OutputLineReader((line) => {
    lastLine = hold?.mask?.(line) ?? line;
  });
  child.stderr.on('data', (chunk: Uint8Array) => reader.read(chunk));
  child.once('error', notStarted);
  child.once('exit', (code, signal) => {
    kill();
    if (pid !== undefined) watchdog.forget(pid);
    const complete = (): void => {
      reader.end();
      child.stderr.destroy();
      done(code === 0, code === null ? `was killed by ${signal}` : `has ended with ${code}`);
    };
    timer.cancel();
    timer = clock.schedule(after(clock.now(), outputWaitMs), complete, undefined);
    child.once('close', complete);
  });
  return { cancel };
}

function spawnQuietly([program = '', ...words]: readonly string[], cwd: string, env: NodeJS.ProcessEnv) {
  try {
    return withStreams(spawn(program, words, { cwd, env, stdio: ['ignore', 'ignore', 'pipe'], detached: true }));
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
}
