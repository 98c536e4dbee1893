import { spawn } from 'node:child_process';
import { lastWords } from '#failures/last-words.ts';
import { wordsText } from '#failures/words-text.ts';
import type { LaunchedProgram, Launcher, LaunchHold } from '../core/launch.ts';
import { after, type Clock } from '../core/time.ts';
import { inheritedEnvironment } from './inherited-environment.ts';
import type { OrphanWatchdog } from './orphan-watchdog.ts';
import { linesMax, OutputLineReader } from './output-lines.ts';
import { startMarkVariable } from './watchdog-script.ts';
import { withStreams } from './child-streams.ts';

export interface ReleaseJob {
  /** Program and arguments; no shell. */
  readonly command: readonly string[];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly limitMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly stopMs?: number;
  /** What is kept for it while it runs. */
  readonly hold?: LaunchHold | undefined;
}

/** Ends the job if this process is killed. */
export type JobWatchdog = Pick<OrphanWatchdog, 'announceStart' | 'notStarted' | 'watch' | 'forget'>;

export interface EndedJob {
  /** Why it has failed, one clause; null: it ended with 0. */
  readonly failure: string | null;
  /** The last lines that it has printed. */
  readonly lines: readonly string[];
  /** Null: a signal has ended it, or it was not started. */
  readonly code: number | null;
  readonly signal: string | null;
}

const usualStopMs = 5000;
/** The last output of a program that has ended comes within this time, unless a process that has left its group holds the pipe. */
const outputWaitMs = 1000;

/**
 * Runs a program to its end, such as a build or a migration. It leads a process group of its own, so that what it has started ends with it. Never rejects.
 * `signal`: ends it early; a text is its reason.
 */
export function runJob(
  { command, directory, environment, limitMs, stopMs = usualStopMs, hold }: ReleaseJob,
  clock: Clock,
  onLine: (line: string) => void,
  signal: AbortSignal,
  watchdog: JobWatchdog | null = null,
): Promise<EndedJob> {
  const [program = '', ...words] = command;
  const lines: string[] = [];
  const reader = new OutputLineReader((printed) => {
    const line = hold?.mask?.(printed) ?? printed;
    lines.push(line);
    if (lines.length > linesMax) lines.shift();
    onLine(line);
  });
  return new Promise((resolve) => {
    const end = (failure: string | null, code: number | null = null, signalName: string | null = null): void => {
      reader.end();
      hold?.ended?.();
      const last = lastWords(lines, failure !== null);
      resolve({
        failure: failure === null || last === null ? failure : `${failure}; last line: ${wordsText(last, directory)}`,
        ...{ lines, code, signal: signalName },
      });
    };
    const mark = watchdog?.announceStart(stopMs);
    // It listens nowhere.
    const env = { ...inheritedEnvironment(), ...environment, PORT: undefined, [startMarkVariable]: mark };
    let child: ReturnType<typeof start>;
    try {
      child = start(program, words, { cwd: directory, env });
    } catch (error) {
      watchdog?.notStarted();
      return end(notStarted(program, error as NodeJS.ErrnoException));
    }
    if (child.pid === undefined) watchdog?.notStarted();
    else {
      watchdog?.watch(child.pid, stopMs);
      hold?.started?.(child.pid);
    }
    let stopped: string | null = null;
    const kill = (name: NodeJS.Signals): void => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, name);
      } catch {
        // Nothing of the group is left.
      }
    };
    const stop = (why: string): void => {
      stopped ??= why;
      kill('SIGTERM');
      timer.cancel();
      timer = clock.schedule(after(clock.now(), stopMs), () => kill('SIGKILL'), null);
    };
    const isLate = (): void => stop(`it ran for ${limitMs / 1000} s, its limit`);
    let timer = clock.schedule(after(clock.now(), limitMs), isLate, null);
    const abort = (): void => stop(typeof signal.reason === 'string' ? signal.reason : 'it was ended with the rollout');
    signal.addEventListener('abort', abort);
    if (signal.aborted) abort();
    const ended = (failure: string | null, code: number | null = null, signalName: string | null = null): void => {
      timer.cancel();
      signal.removeEventListener('abort', abort);
      if (child.pid !== undefined) watchdog?.forget(child.pid);
      end(failure, code, signalName);
    };
    child.stdout.on('data', (chunk: Uint8Array) => reader.read(chunk));
    child.stderr.on('data', (chunk: Uint8Array) => reader.read(chunk));
    child.once('error', (error) => ended(notStarted(program, error)));
    child.once('exit', (code, signalName) => {
      // What is left of its group holds its output. The number may be another process's soon.
      kill('SIGKILL');
      timer.cancel();
      signal.removeEventListener('abort', abort);
      const complete = (): void => {
        child.stdout.destroy();
        child.stderr.destroy();
        const known = stopped === null ? (hold?.exited?.({ code, signal: signalName }) ?? null) : null;
        const how =
          code === 0 ? null : code === null ? `it was killed by ${signalName}` : `it exited with code ${code}`;
        ended(stopped ?? (known === null ? how : `it was ${known.how}`), code, signalName);
      };
      child.once('close', complete);
      timer = clock.schedule(after(clock.now(), outputWaitMs), complete, null);
    });
  });
}

/** Runs a program of an application to its end, as the features of the application want it started. Never rejects. */
export async function runLaunched(
  launcher: Launcher,
  program: LaunchedProgram,
  job: ReleaseJob,
  ...rest: DropFirst<Parameters<typeof runJob>>
): Promise<EndedJob> {
  const prepared = launcher.prepare({ ...program, command: job.command, environment: job.environment });
  if (!prepared.ok)
    return { failure: `it was not started: ${prepared.failure.reason}`, lines: [], code: null, signal: null };
  return runJob({ ...job, ...prepared.value }, ...rest);
}

type DropFirst<T extends readonly unknown[]> = T extends [unknown, ...infer R] ? R : never;

const start = (program: string, words: readonly string[], { cwd, env }: { cwd: string; env: NodeJS.ProcessEnv }) =>
  withStreams(spawn(program, words, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true }));

const notStarted = (program: string, { code = 'EIO' }: NodeJS.ErrnoException): string =>
  `${program} could not be started (${code})`;
