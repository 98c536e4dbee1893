import type { ApplicationSpec } from '../core/configuration.ts';
import { type LaunchedProgram, type Launcher, type LaunchHold, plainLauncher } from '../core/launch.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import type { Host, OutputStream, Program, ProgramExit, ProgramListener, StartFailure } from './host.ts';
import type { ProgramRecord } from './instance-record.ts';
import { OutputTail } from './output-lines.ts';
import { succeed } from '#failures/result.ts';
import { portHolderText } from './port-holder.ts';

interface ProgramRunParts {
  readonly clock: Clock;
  readonly host: Host;
  /** Absent: programs start as their applications say. */
  readonly launcher?: Launcher;
}

/** Called in this order: `onNotStarted`; or `onStarted`, `onExited`, `onOutputComplete`, `onGone`. */
interface ProgramRunListener {
  onNotStarted(failure: StartFailure): void;
  onStarted(run: ProgramRun): void;
  onLine(stream: OutputStream, line: string): void;
  /**
   * The program has exited, so that requests that lost a connection to it can be answered with the reason. A last
   * line may still come.
   */
  onExited(exit: ProgramExit): void;
  /** `tail` has all output. */
  onOutputComplete(): void;
  /** No process of the group is left, and the port is free. */
  onGone(): void;
}

/**
 * The output of a program that has ended comes within this time, unless a child process holds the pipe. It is there
 * at once; reading it waits for our own event loop, which on a loaded machine took more than 250 ms.
 */
const outputWaitMs = 1000;

/**
 * Pause between two looks whether the rest of a group has ended; the system reports our own child's end only. A look
 * reads a file of every process of the machine, so the pauses double.
 */
const goneCheckFirstMs = 20;
const goneCheckMaxMs = 160;

/** `{port}` in a word of the command, or in a variable, is the instance's port: not every program reads PORT. */
function withPort(text: string, port: number): string {
  return text.replaceAll('{port}', String(port));
}

/** Of a program that listens on none. */
const noPort = 0;

/** One run of an instance's program: from a port, through its output and its exit, to the end of its whole group. */
export class ProgramRun {
  startedAt: Instant;
  readonly tail = new OutputTail();
  readonly #parts: ProgramRunParts;
  readonly #spec: ApplicationSpec;
  readonly #id: string;
  #hold: LaunchHold | null = null;
  readonly #listener: ProgramRunListener;
  #port: number | null = null;
  #program: Program | null = null;
  #hasExited = false;
  #outputCompleted = false;
  #outputTimer: Timer | null = null;
  #goneTimer: Timer | null = null;
  #goneCheckMs = goneCheckFirstMs;
  #closed = false;

  /** `id`: of the instance. */
  constructor(id: string, parts: ProgramRunParts, spec: ApplicationSpec, listener: ProgramRunListener) {
    this.#id = id;
    this.#parts = parts;
    this.#spec = spec;
    this.#listener = listener;
    this.startedAt = parts.clock.now();
  }

  begin(): void {
    void this.#begin();
  }

  /** Takes over a program that an earlier process has started. False where the program has ended; then nothing is reported. */
  adopt(record: ProgramRecord, startedAt: Instant, lines: readonly string[]): boolean {
    this.startedAt = startedAt;
    this.#program = this.#parts.host.adopt(record, this.#programListener());
    if (this.#program === null) return false;
    this.#port = record.port;
    this.#hold = this.#launcher.adopt(this.#launched, this.#program.pid);
    for (const line of lines) this.tail.add(line);
    return true;
  }

  /** Leaves the program to another process. Nothing is reported any more. */
  detach(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#outputTimer?.cancel();
    this.#goneTimer?.cancel();
    this.#program?.detach();
  }

  /** Null until a port is reserved. */
  get port(): number | null {
    return this.#port;
  }

  /** What a later process needs to take the program over. Lines that have begun are masked, too: the record is written to disk. */
  record(): ProgramRecord | null {
    const record = this.#program?.record() ?? null;
    const hold = this.#hold;
    if (record === null || hold?.mask === undefined) return record;
    const masked = (begun: string): string => {
      const text = Buffer.from(begun, 'base64').toString('utf8');
      const kept = hold.mask?.(text) ?? text;
      return kept === text ? begun : Buffer.from(kept).toString('base64');
    };
    const { stdout, stderr } = record.unfinished;
    return { ...record, unfinished: { stdout: masked(stdout), stderr: masked(stderr) } };
  }

  /** Null until the program runs; kept after its end. */
  get program(): Program | null {
    return this.#program;
  }

  /** Asks or forces the whole group to end. `onGone` follows; at once where no program was started. */
  end(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (this.#closed) return;
    if (this.#program !== null) return this.#program.signal(signal);
    this.close();
    this.#listener.onGone();
  }

  /** Nothing is reported any more. The port is free for others. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#outputTimer?.cancel();
    this.#goneTimer?.cancel();
    this.#program?.discard();
    this.#hold?.ended?.();
    if (this.#port !== null) this.#release(this.#port);
  }

  #release(port: number): void {
    if (port !== noPort) this.#parts.host.releasePort(port);
  }

  async #begin(): Promise<void> {
    const { host } = this.#parts;
    const isProgram = this.#spec.readiness.program !== undefined;
    const reserved = isProgram ? succeed(noPort) : await host.reservePort(this.#spec.port);
    if (this.#closed) {
      if (reserved.ok) this.#release(reserved.value);
      return;
    }
    if (!reserved.ok) {
      const { errno } = reserved.failure;
      return this.#notStarted({ errno, reason: portText(this.#spec.port, errno) });
    }
    this.#port = reserved.value;
    this.#start(reserved.value);
  }

  #start(port: number): void {
    const { directory, stopMs } = this.#spec;
    const filled = (text: string): string => (port === noPort ? text : withPort(text, port));
    const command = this.#spec.command.map(filled);
    const environment = Object.fromEntries(
      Object.entries(this.#spec.environment).map(([name, value]) => [name, filled(value)]),
    );
    const prepared = this.#launcher.prepare({ ...this.#launched, command, environment });
    if (!prepared.ok) return this.#notStarted(prepared.failure);
    const { hold = null, ...launch } = prepared.value;
    this.#hold = hold;
    const request = { ...launch, directory, stopMs, port };
    this.#program = this.#parts.host.start(request, this.#programListener());
    if (this.#program === null) return;
    hold?.started?.(this.#program.pid);
    this.#listener.onStarted(this);
  }

  get #launcher(): Launcher {
    return this.#parts.launcher ?? plainLauncher;
  }

  get #launched(): LaunchedProgram {
    return launchedOf(this.#id, this.#spec);
  }

  #programListener(): ProgramListener {
    return {
      onLine: (stream, line) => this.#onLine(stream, line),
      onExited: (exit) => this.#exited(exit),
      onOutputEnded: () => this.#outputEnded(),
      onNotStarted: (failure) => this.#notStarted(failure),
    };
  }

  #notStarted(failure: StartFailure): void {
    if (this.#closed) return;
    this.close();
    this.#listener.onNotStarted(failure);
  }

  #onLine(stream: OutputStream, line: string): void {
    if (this.#closed) return;
    const kept = this.#hold?.mask?.(line) ?? line;
    this.tail.add(kept);
    this.#listener.onLine(stream, kept);
  }

  #exited(exit: ProgramExit): void {
    if (this.#closed) return;
    const { clock, host } = this.#parts;
    this.#hasExited = true;
    this.#outputTimer = clock.schedule(
      after(clock.now(), outputWaitMs),
      (run: ProgramRun) => run.#completeOutput(),
      this as ProgramRun,
    );
    const known = this.#hold?.exited?.(exit) ?? null;
    const fault = mayBeUnexecutable(exit) ? (host.programFault?.(this.#spec) ?? null) : null;
    this.#listener.onExited({
      ...exit,
      ...(known === null ? {} : { outOfMemory: known.outOfMemory, killed: known.how }),
      ...(fault === null ? {} : { fault }),
    });
  }

  #outputEnded(): void {
    // A daemon may close its output long before it ends.
    if (this.#hasExited) this.#completeOutput();
  }

  #completeOutput(): void {
    if (this.#closed || this.#outputCompleted) return;
    this.#outputCompleted = true;
    // Where a child process holds the pipe, the end of a line may never come.
    this.#program?.flushUnfinishedLines();
    this.#outputTimer?.cancel();
    this.#listener.onOutputComplete();
    this.#checkGone();
  }

  #checkGone(): void {
    if (this.#closed) return;
    if (this.#program?.groupIsAlive() === true) {
      const { clock } = this.#parts;
      const at = after(clock.now(), this.#goneCheckMs);
      this.#goneCheckMs = Math.min(2 * this.#goneCheckMs, goneCheckMaxMs);
      this.#goneTimer = clock.schedule(at, (run: ProgramRun) => run.#checkGone(), this as ProgramRun);
      return;
    }
    this.close();
    this.#listener.onGone();
  }
}

/** `program`: what runs of it, for people. */
export function launchedOf(program: string, spec: ApplicationSpec): LaunchedProgram {
  const { id, of, features: settings = {}, release, directory } = spec;
  const kind = of === undefined ? 'instance' : 'worker';
  return { application: of ?? id, settings, program, kind, release: release ?? null, directory };
}

/**
 * What a shell says of a file that the kernel does not execute, and how one ends that reads it as a script: the C library lets a shell do
 * that (execvp(3), ENOEXEC).
 */
function mayBeUnexecutable({ code }: ProgramExit): boolean {
  return code === 2 || code === 126 || code === 127;
}

function portText(port: number | null, errno: string): string {
  if (port === null) return `no free port of 127.0.0.1 could be found (${errno})`;
  return errno === 'EADDRINUSE'
    ? `port ${port} is taken: ${portHolderText(port)}; without "port" Candor finds a free one`
    : `port ${port} cannot be used (${errno})`;
}
