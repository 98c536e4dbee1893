import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants, type Stats, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import type { Clock, Instant } from '../core/time.ts';
import type { OutputStream, Program, ProgramExit, ProgramListener, ProgramRequest, StartFailure } from './host.ts';
import { MemoryKills } from './memory-kills.ts';
import type { OrphanGuard } from './orphan-guard.ts';
import { LineReader } from './output.ts';
import { groupIsAlive, signalGroup } from './process-group.ts';

/**
 * Starts the command as leader of a process group and a session of its own: a signal to the group reaches whatever
 * it starts, and Ctrl-C in Candor's terminal reaches Candor alone, which stops the applications in order.
 */
export function startProgram(
  request: ProgramRequest,
  listener: ProgramListener,
  clock: Clock,
  guard: OrphanGuard,
): Program | null {
  const [file = '', ...args] = request.command;
  let child: ChildProcess;
  try {
    child = spawn(file, args, {
      cwd: request.directory,
      env: environmentOf(request),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    queueMicrotask(() => listener.onNotStarted(startFailure(code ?? 'EINVAL', request)));
    return null;
  }
  if (child.pid === undefined) {
    child.once('error', (error: NodeJS.ErrnoException) =>
      listener.onNotStarted(startFailure(error.code ?? 'EIO', request)),
    );
    return null;
  }
  return new RunningProgram(child, child.pid, request, listener, clock, guard);
}

class RunningProgram implements Program {
  readonly pid: number;
  readonly guarded: boolean;
  readonly #child: ChildProcess;
  readonly #memoryKills: MemoryKills;
  readonly #guard: OrphanGuard;
  readonly #readers: readonly LineReader[];

  constructor(
    child: ChildProcess,
    pid: number,
    request: ProgramRequest,
    listener: ProgramListener,
    clock: Clock,
    guard: OrphanGuard,
  ) {
    this.pid = pid;
    this.#child = child;
    this.#guard = guard;
    // First of all: until the guard knows the group, killing Candor would leave it running.
    this.guarded = guard.watch(pid, request.stopMs);
    this.#memoryKills = new MemoryKills(pid, clock.now());
    this.#readers = [readLines(child.stdout, 'stdout', listener), readLines(child.stderr, 'stderr', listener)];
    child.once('exit', (code, signal) => listener.onExited(this.#exitOf(code, signal, clock.now())));
    child.once('close', () => listener.onOutputEnded());
    child.on('error', () => {}); // of a signal that could not be sent; starting has succeeded
  }

  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    signalGroup(this.pid, signal);
  }

  groupIsAlive(): boolean {
    return groupIsAlive(this.pid);
  }

  watchMemory(now: Instant): void {
    this.#memoryKills.watch(now);
  }

  tellUnfinishedLines(): void {
    for (const reader of this.#readers) reader.end();
  }

  discard(): void {
    this.#guard.forget(this.pid);
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  /** A shell that runs the program for us reports its child's SIGKILL as code 137. */
  #exitOf(code: number | null, signal: string | null, now: Instant): ProgramExit {
    const killed = signal === 'SIGKILL' || code === 128 + 9;
    return { code, signal, outOfMemory: killed ? this.#memoryKills.hasRisen(now) : false };
  }
}

function readLines(stream: Readable | null, name: OutputStream, listener: ProgramListener): LineReader {
  const reader = new LineReader((line) => listener.onLine(name, line));
  stream?.on('data', (chunk: Buffer) => reader.read(chunk));
  stream?.once('close', () => reader.end());
  stream?.on('error', () => {}); // a pipe that breaks ends; `close` follows
  return reader;
}

/** What a service manager told Candor, and Candor alone: an application that took it over would answer in its place. */
const privateVariables = [
  'NOTIFY_SOCKET',
  'WATCHDOG_PID',
  'WATCHDOG_USEC',
  'LISTEN_PID',
  'LISTEN_FDS',
  'LISTEN_FDNAMES',
];

/**
 * Our environment, then the application's own settings, then PORT. HOST asks frameworks to listen on 127.0.0.1 only,
 * where Candor looks and strangers cannot go around it; a HOST that somebody has set means something, and stays.
 */
function environmentOf(request: ProgramRequest): NodeJS.ProcessEnv {
  const inherited = { ...process.env };
  for (const name of privateVariables) delete inherited[name];
  return { HOST: '127.0.0.1', ...inherited, ...request.environment, PORT: String(request.port) };
}

function startFailure(errno: string, request: ProgramRequest): StartFailure {
  return { errno, reason: startFailureText(errno, request) };
}

/** ENOENT alone does not say which of three things is missing, so we look. */
function startFailureText(errno: string, { command, directory, environment }: ProgramRequest): string {
  const [file = ''] = command;
  if (!isDirectory(directory)) return `the directory ${directory} does not exist`;
  const found = file.includes('/') ? existing([resolve(directory, file)]) : existing(searched(file, environment));
  switch (errno) {
    case 'ENOENT':
      if (found !== null) return `${found} exists, but the interpreter that its first line names does not`;
      return file.includes('/')
        ? `the program ${file} does not exist`
        : `the program ${file} is in no directory of PATH`;
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
