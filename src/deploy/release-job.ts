import { spawn } from 'node:child_process';
import { after, type Clock } from '../core/time.ts';
import { inheritedEnvironment } from './inherited-environment.ts';
import { linesMax, OutputLineReader } from './output-lines.ts';

export interface ReleaseJob {
  /** Program and arguments; no shell. */
  readonly command: readonly string[];
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly limitMs: number;
}

interface EndedJob {
  /** Why it has failed, one clause; null: it ended with 0. */
  readonly failure: string | null;
  /** The last lines that it has printed. */
  readonly lines: readonly string[];
}

/** From SIGTERM to SIGKILL. */
const stopMs = 5000;

/**
 * Runs a program to its end, such as a build or a migration. It leads a process group of its own, so that what it has started ends with it. Never rejects.
 * `signal`: ends it early.
 */
export function runJob(
  { command, directory, environment, limitMs }: ReleaseJob,
  clock: Clock,
  onLine: (line: string) => void,
  signal: AbortSignal,
): Promise<EndedJob> {
  const [program = '', ...words] = command;
  const lines: string[] = [];
  const reader = new OutputLineReader((line) => {
    lines.push(line);
    if (lines.length > linesMax) lines.shift();
    onLine(line);
  });
  return new Promise((resolve) => {
    const end = (failure: string | null): void => {
      reader.end();
      const last = lines.at(-1);
      resolve({
        failure: failure === null || last === undefined ? failure : `${failure}; last line: "${last}"`,
        lines,
      });
    };
    const env = { ...inheritedEnvironment(), ...environment };
    let child: ReturnType<typeof start>;
    try {
      child = start(program, words, { cwd: directory, env });
    } catch (error) {
      return end(notStarted(program, error as NodeJS.ErrnoException));
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
    const abort = (): void => stop('it was ended with the rollout');
    signal.addEventListener('abort', abort);
    const ended = (failure: string | null): void => {
      // The number may be another process's soon.
      timer.cancel();
      signal.removeEventListener('abort', abort);
      kill('SIGKILL');
      end(failure);
    };
    child.stdout.on('data', (chunk: Uint8Array) => reader.read(chunk));
    child.stderr.on('data', (chunk: Uint8Array) => reader.read(chunk));
    child.once('error', (error) => ended(notStarted(program, error)));
    child.once('close', (code, signalName) => {
      if (stopped !== null) return ended(stopped);
      ended(code === 0 ? null : code === null ? `it was killed by ${signalName}` : `it exited with code ${code}`);
    });
  });
}

const start = (program: string, words: readonly string[], { cwd, env }: { cwd: string; env: NodeJS.ProcessEnv }) =>
  spawn(program, words, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });

const notStarted = (program: string, { code = 'EIO' }: NodeJS.ErrnoException): string =>
  `${program} could not be started (${code})`;
