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
    const env = { ...inheritedEnvironment(), ...environment };
    const child = spawn(program, words, { cwd: directory, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
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
      clock.schedule(after(clock.now(), stopMs), () => kill('SIGKILL'), null);
    };
    const limit = clock.schedule(
      after(clock.now(), limitMs),
      () => stop(`it ran for ${limitMs / 1000} s, its limit`),
      null,
    );
    const abort = (): void => stop('it was ended with the rollout');
    signal.addEventListener('abort', abort);
    const end = (failure: string | null): void => {
      limit.cancel();
      signal.removeEventListener('abort', abort);
      reader.end();
      kill('SIGKILL');
      const last = lines.at(-1);
      resolve({
        failure: failure === null || last === undefined ? failure : `${failure}; last line: "${last}"`,
        lines,
      });
    };
    child.stdout.on('data', (chunk: Uint8Array) => reader.read(chunk));
    child.stderr.on('data', (chunk: Uint8Array) => reader.read(chunk));
    child.once('error', ({ code = 'EIO' }: NodeJS.ErrnoException) => end(`${program} could not be started (${code})`));
    child.once('close', (code, signalName) => {
      if (stopped !== null) return end(stopped);
      end(code === 0 ? null : code === null ? `it was killed by ${signalName}` : `it exited with code ${code}`);
    });
  });
}
