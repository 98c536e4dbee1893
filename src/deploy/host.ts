import type { Cancellable } from '../core/connector.ts';
import type { ProgramReadiness } from '../core/configuration.ts';
import type { LaunchHold } from '../core/launch.ts';
import type { Result } from '#failures/result.ts';
import type { Instant } from '../core/time.ts';
import type { LeftProcess } from './left-process.ts';
import type { ProgramRecord } from './instance-record.ts';
import type { ReadinessResult, ReadinessCheck } from './readiness.ts';

/**
 * What deploying needs of the machine. `system-host.ts` is the real one; simulations have their own and run hours of
 * crashes in milliseconds.
 */
export interface Host {
  /**
   * Reserves a port of 127.0.0.1 on which no socket listens, until it is released: the wanted one, or any where null.
   * Fails with the errno of binding it.
   */
  reservePort(wanted: number | null): Promise<Result<number, { readonly errno: string }>>;
  releasePort(port: number): void;
  /** Starts a program, or returns null and reports why by `onNotStarted`. Never throws. */
  start(request: ProgramRequest, listener: ProgramListener): Program | null;
  /** Takes over a program that an earlier process has started, with its port; null where the program has ended. */
  adopt(record: ProgramRecord, listener: ProgramListener): Program | null;
  /** The part of our own environment that every program gets and that stays the same after a restart. */
  readonly inheritedEnvironment: Readonly<Record<string, string | undefined>>;
  /** Checks once. `onResult` is called exactly once, within the check's time limit, unless the check is cancelled before. */
  checkReadiness(check: ReadinessCheck, onResult: (observation: ReadinessResult) => void): Cancellable;
  /** Why the file of a program cannot be executed, a clause; null: nothing is known. Absent: files are not looked at. */
  programFault?(request: Pick<ProgramRequest, 'command' | 'directory' | 'environment'>): string | null;
  /** Looks once whether a program without a port is ready. `onResult` as above. */
  checkProgram(check: ProgramCheck, onResult: (observation: ReadinessResult) => void): Cancellable;
  /** Where a program and its child processes listen; empty where the platform does not tell. */
  listening(program: Program): Promise<readonly ListeningSocket[]>;
  /** Every program that was started here has ended or belongs to another process. */
  close(): void;
}

export interface ProgramRequest {
  /** Program and arguments; no shell. */
  readonly command: readonly string[];
  readonly directory: string;
  /** Variables of the application's settings, added to our own environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** 0: it listens on none. */
  readonly port: number;
  /** How long the program may take to stop. */
  readonly stopMs: number;
}

/** How a program without a port is asked whether it is ready. */
export interface ProgramCheck {
  readonly ready: Extract<ProgramReadiness, { kind: 'file' | 'command' }>;
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** A file counts if it was written in the last so many milliseconds; null: whenever it was. */
  readonly writtenWithinMs: number | null;
  /** What is kept for the command while it runs. */
  readonly hold?: LaunchHold | undefined;
}

export type OutputStream = 'stdout' | 'stderr';

/** None of these is called from inside `start`. */
export interface ProgramListener {
  onLine(stream: OutputStream, line: string): void;
  /** The process has ended. Its last output may still come. */
  onExited(exit: ProgramExit): void;
  /** No more lines come. */
  onOutputEnded(): void;
  onNotStarted(failure: StartFailure): void;
}

/** A running program: a process that leads a group of its own. */
export interface Program {
  readonly pid: number;
  /** Whether a watchdog ends the program if Candor is killed. */
  readonly isWatched: boolean;
  /** What a later process needs to take the program over, with its port and its unfinished output; null where none can. */
  record(): ProgramRecord | null;
  /** Stops reading the output. The program runs on for the process that takes it over, and `record` is final. */
  detach(): void;
  /** Signals the whole group. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void;
  /** Whether a process of the group is left that is not a zombie. */
  groupIsAlive(): boolean;
  /** Samples how many processes the kernel has killed for memory, to find out later whether this one was. */
  watchMemory(now: Instant): void;
  /** Stops reading the output, and forgets the program. */
  discard(): void;
  /** Reports unfinished lines as lines, although the output has not ended. */
  flushUnfinishedLines(): void;
}

/** Code and signal are both null where it is not known how the program ended: the system tells its parent only. */
export interface ProgramExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** Whether the kernel killed the program for memory; null where that is not known. */
  readonly outOfMemory: boolean | null;
  /** It ended with success, and what it had started runs on; absent: nothing does, or that is not known. */
  readonly left?: LeftProcess;
  /** What is wrong with the file of the program, a clause; absent: nothing is known to be. */
  readonly fault?: string;
  /** By whom and how, where more is known of it; one clause. */
  readonly killed?: string;
}

export interface StartFailure {
  readonly errno: string;
  /** One sentence. */
  readonly reason: string;
}

export interface ListeningSocket {
  /** As the application bound it: '127.0.0.1', '0.0.0.0', '::1'. */
  readonly host: string;
  readonly port: number;
  /** Of a unix socket, as the application bound it; then host and port say nothing. Absent: it is a socket of TCP. */
  readonly path?: string;
}
