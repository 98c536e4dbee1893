import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, closeSync, constants, type Stats, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import type { Clock } from '../core/time.ts';
import type { Program, ProgramListener, ProgramRequest, StartFailure } from './host.ts';
import type { OrphanWatchdog } from './orphan-watchdog.ts';
import {
  openForWriting,
  openForReading,
  type OutputPipeFolder,
  type OutputPipes,
  removePipes,
} from './output-pipes.ts';
import { inheritedEnvironment, portlessEnvironment } from './inherited-environment.ts';
import { faultOfProgramFile } from './program-file.ts';
import { RunningProgram } from './running-program.ts';
import { startMarkVariable } from './watchdog-script.ts';

/**
 * Starts the command as leader of a process group and a session of its own: a signal to the group reaches all its
 * child processes, and Ctrl-C in Candor's terminal reaches Candor alone, which stops the applications in order. The
 * program writes into named pipes, so that another process can take it over; where `outputs` has none, into plain
 * pipes.
 */
export function startProgram(
  request: ProgramRequest,
  listener: ProgramListener,
  clock: Clock,
  watchdog: OrphanWatchdog,
  outputs: OutputPipeFolder | null,
): Program | null {
  const named = openNamedPipes(outputs);
  const mark = watchdog.announceStart(request.stopMs);
  const child = spawnProgram(request, named, mark);
  if (named !== null) for (const descriptor of named.theirs) closeSync(descriptor);
  if (child instanceof Error || child.pid === undefined) {
    watchdog.notStarted();
    if (named !== null) closeNamedPipes(named);
    const notify = (errno: string): void => listener.onNotStarted(startFailure(errno, request));
    if (child instanceof Error) queueMicrotask(() => notify((child as NodeJS.ErrnoException).code ?? 'EINVAL'));
    else child.once('error', (error: NodeJS.ErrnoException) => notify(error.code ?? 'EIO'));
    return null;
  }
  const { port, stopMs } = request;
  const streams = named?.ours ?? { stdout: child.stdout as Readable, stderr: child.stderr as Readable };
  const pipes = named?.pipes ?? null;
  const program = new RunningProgram({ pid: child.pid, port, stopMs, pipes, streams, listener, clock, watchdog, mark });
  child.once('exit', (code, signal) => program.ended(code, signal));
  child.on('error', () => {}); // of a signal that could not be sent; starting has succeeded
  // Once another process looks after the program, its handle must not keep this process running.
  program.onDetach = () => child.unref();
  return program;
}

function spawnProgram(request: ProgramRequest, named: NamedPipes | null, mark: string): ChildProcess | Error {
  const [file = '', ...args] = request.command;
  const [stdout, stderr] = named?.theirs ?? (['pipe', 'pipe'] as const);
  try {
    return spawn(file, args, {
      cwd: request.directory,
      env: environmentOf(request, mark),
      stdio: ['ignore', stdout, stderr],
      detached: true,
    });
  } catch (error) {
    return error as Error;
  }
}

interface NamedPipes {
  readonly pipes: OutputPipes;
  readonly ours: { readonly stdout: Readable; readonly stderr: Readable };
  readonly theirs: readonly [stdout: number, stderr: number];
}

function openNamedPipes(outputs: OutputPipeFolder | null): NamedPipes | null {
  const pipes = outputs?.make() ?? null;
  if (pipes === null) return null;
  const theirs: number[] = [];
  try {
    const [stdout, stderr] = [openForWriting(pipes.stdout), openForWriting(pipes.stderr)];
    theirs.push(stdout, stderr);
    return {
      pipes,
      ours: { stdout: openForReading(pipes.stdout), stderr: openForReading(pipes.stderr) },
      theirs: [stdout, stderr],
    };
  } catch {
    // No descriptor is left, or the folder was cleared: plain pipes may work.
    for (const descriptor of theirs) closeSync(descriptor);
    removePipes(pipes);
    return null;
  }
}

function closeNamedPipes({ ours, pipes }: NamedPipes): void {
  ours.stdout.destroy();
  ours.stderr.destroy();
  removePipes(pipes);
}

/**
 * Our environment, then the application's own settings, then PORT. HOST asks frameworks to listen on 127.0.0.1 only,
 * where Candor connects and clients cannot bypass it. A HOST that was set on purpose stays.
 */
function environmentOf(request: ProgramRequest, mark: string): NodeJS.ProcessEnv {
  if (request.port === 0) return { ...portlessEnvironment(request.environment), [startMarkVariable]: mark };
  const own = { PORT: String(request.port), [startMarkVariable]: mark };
  return { HOST: '127.0.0.1', ...inheritedEnvironment(), ...request.environment, ...own };
}

function startFailure(errno: string, request: ProgramRequest): StartFailure {
  return { errno, reason: startFailureText(errno, request) };
}

/** ENOENT alone does not say which of three things is missing, so we look. */
function startFailureText(
  errno: string,
  { command, directory, environment }: Pick<ProgramRequest, 'command' | 'directory' | 'environment'>,
): string {
  const [file = ''] = command;
  if (!isDirectory(directory)) return `the directory ${directory} does not exist`;
  const found = programPath({ command, directory, environment });
  const fault = found === null ? null : faultOfProgramFile(found, file);
  if (fault !== null && errno !== 'EAGAIN') return fault;
  switch (errno) {
    case 'ENOENT':
      if (found !== null) return `${found} exists, but the interpreter that its first line names does not`;
      return file.includes('/')
        ? `the program ${file} does not exist: check its path`
        : `the program ${file} is in no directory of PATH: check its name, or write its path`;
    case 'EACCES':
      return found !== null && isExecutable(found)
        ? `the program ${file} may not be started (${errno})`
        : `the program ${file} is not executable: chmod +x, or name its interpreter in the command`;
    case 'EAGAIN':
    case 'ENOMEM':
    case 'EMFILE':
    case 'ENFILE':
      return `the machine has no process, descriptor or memory left to start ${file} (${errno})`;
    default:
      return `the program ${file} could not be started (${errno})`;
  }
}

/** Why a program could not be started, before another one that would start it has begun; null: it is there. */
export function missingProgram(
  request: Pick<ProgramRequest, 'command' | 'directory' | 'environment'>,
): StartFailure | null {
  const { command, directory, environment } = request;
  const [file = ''] = command;
  const paths = file.includes('/') ? [resolve(directory, file)] : searched(file, environment);
  const errno = !isDirectory(directory) || existing(paths) === null ? 'ENOENT' : 'EACCES';
  return isDirectory(directory) && paths.some((path) => isExecutable(path) && !isDirectory(path))
    ? null
    : { errno, reason: startFailureText(errno, request) };
}

/** The file that the first word of a command names; null: there is none. */
export function programPath({
  command: [file = ''],
  directory,
  environment,
}: Pick<ProgramRequest, 'command' | 'directory' | 'environment'>): string | null {
  return file.includes('/') ? existing([resolve(directory, file)]) : existing(searched(file, environment));
}

function searched(file: string, environment: Readonly<Record<string, string>>): readonly string[] {
  return (environment['PATH'] ?? process.env['PATH'] ?? '').split(delimiter).map((directory) => join(directory, file));
}

function existing(paths: readonly string[]): string | null {
  return paths.find((path) => statOf(path) !== null) ?? null;
}

function isDirectory(path: string): boolean {
  return statOf(path)?.isDirectory() ?? false;
}

function statOf(path: string): Stats | null {
  try {
    return statSync(path);
  } catch {
    return null; // missing, or not ours to look at
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
