import type { Readable } from 'node:stream';
import { readFileSync } from 'node:fs';
import type { Clock, Instant } from '../core/time.ts';
import type { Program, ProgramExit, ProgramListener, OutputStream } from './host.ts';
import type { ProgramRecord } from './instance-record.ts';
import { leftBehind } from './left-process.ts';
import type { OrphanWatchdog } from './orphan-watchdog.ts';
import { type OutputPipes, removePipes } from './output-pipes.ts';
import { groupIsAlive, signalGroup, identityOf, type ProcessIdentity } from './process-identity.ts';
import { OutputLineReader } from './output-lines.ts';

/**
 * Whether the kernel killed a process because memory ran out. The exit status only says SIGKILL, which an operator
 * may have sent as well; the process's memory cgroup counts the kernel's own kills.
 *
 * The counter is of the whole cgroup, so only a rise shortly before the exit is taken as evidence: two samples are
 * kept, and compared is the older, which is from `sampleEveryMs` to twice that old.
 */
export class MemoryKills {
  readonly #pid: number;
  readonly #readText: ReadText;
  #path: string | null;
  #older: Sample | null = null;
  #newer: Sample | null = null;

  constructor(pid: number, now: Instant, readText: ReadText = readFile) {
    this.#pid = pid;
    this.#readText = readText;
    this.#path = counterPath(pid, readText);
    this.#older = this.#newer = this.#sample(now);
  }

  /** Called while the process runs, as often as is convenient. */
  watch(now: Instant): void {
    this.#lookUp(now);
    if (this.#newer === null || now - this.#newer.at < sampleEveryMs) return;
    this.#older = this.#newer;
    this.#newer = this.#sample(now) ?? this.#newer;
  }

  /**
   * A program may move to another group, and wrappers do so when they start it. One that is ending seems to move to the root of a hierarchy of
   * version 1: what is known of it stays.
   */
  #lookUp(now: Instant): void {
    const path = counterPath(this.#pid, this.#readText, (group) => group !== '/');
    if (path === null || path === this.#path) return;
    this.#path = path;
    this.#older = this.#newer = this.#sample(now);
  }

  /** Called once the process has been killed. Null: this machine does not tell. */
  hasRisen(now: Instant): boolean | null {
    const count = this.#sample(now)?.count;
    if (count === undefined || this.#older === null) return null;
    return count > this.#older.count;
  }

  #sample(at: Instant): Sample | null {
    if (this.#path === null) return null;
    const count = oomKills(this.#readText(this.#path));
    return count === null ? null : { at, count };
  }
}

/** The kernel's kill and the end of a process with much memory may lie seconds apart. */
const sampleEveryMs = 5_000;

interface Sample {
  readonly at: Instant;
  readonly count: number;
}

/** The text of a file, or null where it cannot be read. */
type ReadText = (path: string) => string | null;

function readFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // not Linux, no such controller, or not ours to read: then nothing is known
  }
}

/**
 * The file that counts: `memory.events` in cgroup v2, `memory.oom_control` in v1 (cgroups(7)). Inside a container
 * the path may name what only the host can see; the mount's root is then our own cgroup.
 */
function counterPath(pid: number, readText: ReadText, isWanted = (_group: string): boolean => true): string | null {
  const lines = readText(`/proc/${pid}/cgroup`)?.trim().split('\n') ?? [];
  for (const line of lines) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined || !isWanted(path)) continue;
    for (const candidate of candidates(controllers, path)) {
      if (oomKills(readText(candidate)) !== null) return candidate;
    }
  }
  return null;
}

function candidates(controllers: string, path: string): readonly string[] {
  const [mounts, file] =
    controllers === ''
      ? [['/sys/fs/cgroup', '/sys/fs/cgroup/unified'], 'memory.events']
      : controllers.split(',').includes('memory')
        ? [['/sys/fs/cgroup/memory'], 'memory.oom_control']
        : [[], ''];
  return mounts.flatMap((mount) => [`${mount}${path === '/' ? '' : path}/${file}`, `${mount}/${file}`]);
}

function oomKills(text: string | null): number | null {
  const count = text === null ? undefined : /^oom_kill (\d+)$/m.exec(text)?.[1];
  return count === undefined ? null : Number(count);
}

interface RunningProgramParts {
  readonly pid: number;
  readonly port: number;
  readonly stopMs: number;
  /** Null where the program writes into pipes without a name, which end with this process. */
  readonly pipes: OutputPipes | null;
  readonly streams: { readonly stdout: Readable; readonly stderr: Readable };
  /** Its unfinished output. */
  readonly begun?: ProgramRecord['unfinished'];
  readonly listener: ProgramListener;
  readonly clock: Clock;
  readonly watchdog: OrphanWatchdog;
  /** In the environment of the program and of what it starts; absent: an earlier process has started it. */
  readonly mark?: string;
}

/** A running program, started here or by an earlier process. Its creator reports its exit. */
export class RunningProgram implements Program {
  readonly pid: number;
  readonly isWatched: boolean;
  readonly #parts: RunningProgramParts;
  readonly #identity: ProcessIdentity | null;
  readonly #memoryKills: MemoryKills;
  readonly #output: ProgramOutput;
  #hasEnded = false;
  #outputHasEnded = false;
  #isDetached = false;
  #isAskedToEnd = false;
  /** For the observer of its exit: to stop observing. */
  onDetach: () => void = () => {};
  /** The output has ended, and probably the program has too. */
  onSilence: () => void = () => {};

  constructor(parts: RunningProgramParts) {
    const { pid, stopMs, streams, begun, listener, clock, watchdog } = parts;
    this.#parts = parts;
    this.pid = pid;
    // First of all: from here on the watchdog needs no search to find the group.
    this.isWatched = watchdog.watch(pid, stopMs);
    this.#identity = identityOf(pid);
    this.#memoryKills = new MemoryKills(pid, clock.now());
    this.#output = new ProgramOutput(streams, listener, () => this.#outputEnded(), begun);
  }

  /** The process has ended. Both null: it is not known how. */
  ended(code: number | null, signal: string | null): void {
    if (this.#hasEnded || this.#isDetached) return;
    this.#hasEnded = true;
    this.#parts.listener.onExited(this.#exitOf(code, signal, this.#parts.clock.now()));
    if (this.#outputHasEnded) this.#parts.listener.onOutputEnded();
  }

  signal(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#isAskedToEnd = true;
    signalGroup(this.pid, signal);
  }

  groupIsAlive(): boolean {
    return groupIsAlive(this.pid);
  }

  watchMemory(now: Instant): void {
    this.#memoryKills.watch(now);
  }

  flushUnfinishedLines(): void {
    this.#output.flushUnfinishedLines();
  }

  record(): ProgramRecord | null {
    const { port, stopMs, pipes } = this.#parts;
    const process = this.#identity;
    // Without a start time it could not be distinguished from another process that has got its number.
    if (pipes === null || process === null || process.startTicks === null || this.#hasEnded) return null;
    return { process, port, stopMs, ...pipes, guarded: this.isWatched, unfinished: this.#output.unfinished };
  }

  detach(): void {
    if (this.#isDetached) return;
    this.#isDetached = true;
    this.onDetach();
    this.#parts.watchdog.handOff(this.pid);
    this.#output.detach();
  }

  discard(): void {
    if (this.#isDetached) return;
    this.onDetach();
    this.#parts.watchdog.forget(this.pid);
    this.#output.close();
    if (this.#parts.pipes !== null) removePipes(this.#parts.pipes);
  }

  #outputEnded(): void {
    this.#outputHasEnded = true;
    if (this.#hasEnded) this.#parts.listener.onOutputEnded();
    else this.onSilence();
  }

  /** A shell that runs the program reports its child's SIGKILL as code 137. */
  #exitOf(code: number | null, signal: string | null, now: Instant): ProgramExit {
    const mayBeKilled = signal === 'SIGKILL' || code === 128 + 9 || (code === null && signal === null);
    const exit = { code, signal, outOfMemory: mayBeKilled ? this.#memoryKills.hasRisen(now) : false };
    // Only a program that went to the background ends with success and leaves something running.
    const left = code === 0 && !this.#isAskedToEnd ? leftBehind(this.pid, this.#parts.mark ?? null) : null;
    return left === null ? exit : { ...exit, left };
  }
}

/** Both streams of a program, as lines. */
class ProgramOutput {
  readonly #streams: readonly Readable[];
  readonly #stdout: OutputLineReader;
  readonly #stderr: OutputLineReader;
  #open: number;
  #isDetached = false;

  /** `onEnded` is called once, when both have ended; what `begun` holds comes before what is read. */
  constructor(
    streams: { readonly stdout: Readable; readonly stderr: Readable },
    listener: Pick<ProgramListener, 'onLine'>,
    onEnded: () => void,
    begun: { readonly stdout: string; readonly stderr: string } = { stdout: '', stderr: '' },
  ) {
    const read = (name: OutputStream): OutputLineReader => {
      const reader = new OutputLineReader((line) => listener.onLine(name, line));
      const stream = streams[name];
      reader.read(Buffer.from(begun[name], 'base64'));
      stream.on('data', (chunk: Buffer) => reader.read(chunk));
      stream.on('error', () => {}); // a pipe that breaks ends; `close` follows
      stream.once('close', () => {
        if (this.#isDetached) return;
        reader.end();
        this.#open -= 1;
        if (this.#open === 0) onEnded();
      });
      return reader;
    };
    this.#streams = [streams.stdout, streams.stderr];
    this.#open = this.#streams.length;
    this.#stdout = read('stdout');
    this.#stderr = read('stderr');
  }

  /** Beginnings of lines, as bytes in base64. */
  get unfinished(): { readonly stdout: string; readonly stderr: string } {
    const text = ({ unfinished }: OutputLineReader): string => Buffer.from(unfinished).toString('base64');
    return { stdout: text(this.#stdout), stderr: text(this.#stderr) };
  }

  flushUnfinishedLines(): void {
    this.#stdout.end();
    this.#stderr.end();
  }

  /** Nothing is read any more. */
  close(): void {
    for (const stream of this.#streams) stream.destroy();
  }

  /** The same, and nothing is told of what has been begun: another reader goes on. */
  detach(): void {
    this.#isDetached = true;
    this.close();
  }
}
