import type { Readable } from 'node:stream';
import type { Clock, Instant } from '../core/time.ts';
import type { Program, ProgramExit, ProgramListener, OutputStream } from './host.ts';
import type { ProgramRecord } from './instance-record.ts';
import { MemoryKills } from './memory-kills.ts';
import type { OrphanWatchdog } from './orphan-watchdog.ts';
import { type OutputPipes, removePipes } from './output-pipes.ts';
import { groupIsAlive, signalGroup, identityOf, type ProcessIdentity } from './process-identity.ts';
import { OutputLineReader } from './output-lines.ts';

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
    return { code, signal, outOfMemory: mayBeKilled ? this.#memoryKills.hasRisen(now) : false };
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
