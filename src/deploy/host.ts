import type { Cancellable } from '../core/connector.ts';
import type { Result } from '../core/result.ts';
import type { Instant } from '../core/time.ts';
import type { ProgramRecord } from './instance-record.ts';
import type { ReadinessResult, ReadinessCheck } from './readiness.ts';

/**
 * What deploying needs of the machine, and nothing else of it. `system-host.ts` is the real one; simulations bring
 * their own and run hours of crashes in milliseconds.
 */
export interface Host {
  /**
   * A port of 127.0.0.1 that nobody listens on, kept from every other instance until it is released: the wanted one,
   * or any where null. Fails with the errno that binding it gave.
   */
  reservePort(wanted: number | null): Promise<Result<number, { readonly errno: string }>>;
  releasePort(port: number): void;
  /** Starts a program, or returns null and tells why by `onNotStarted`. Never throws. */
  start(request: ProgramRequest, listener: ProgramListener): Program | null;
  /** Takes a program over that an earlier process has started, with its port; null where it has ended. */
  adopt(record: ProgramRecord, listener: ProgramListener): Program | null;
  /** What every program gets of our own environment, as far as it should be the same after a restart. */
  readonly inheritedEnvironment: Readonly<Record<string, string | undefined>>;
  /** Checks once. `onResult` is called exactly once, within the check's time limit, unless the check is cancelled before. */
  checkReadiness(check: ReadinessCheck, onResult: (observation: ReadinessResult) => void): Cancellable;
  /** Where a program and what it started listen; empty where the platform does not say. */
  listening(program: Program): Promise<readonly ListeningSocket[]>;
  /** Nothing that was started here is left running, nor needs an eye kept on it. */
  close(): void;
}

export interface ProgramRequest {
  /** Program and arguments; no shell. */
  readonly command: readonly string[];
  readonly directory: string;
  /** What the application's settings add to our own environment. */
  readonly environment: Readonly<Record<string, string>>;
  readonly port: number;
  /** How long it may take to stop. */
  readonly stopMs: number;
}

export type OutputStream = 'stdout' | 'stderr';

/** None is called from inside `start`. */
export interface ProgramListener {
  onLine(stream: OutputStream, line: string): void;
  /** At once when the process has ended. What it wrote last may still come. */
  onExited(exit: ProgramExit): void;
  /** No line comes any more. */
  onOutputEnded(): void;
  onNotStarted(failure: StartFailure): void;
}

/** A running program: a process that leads a group of its own. */
export interface Program {
  readonly pid: number;
  /** Whether it is ended should Candor be killed. */
  readonly isWatched: boolean;
  /** What a later process needs to take it over; null where none can. Its port and what it has begun to write included. */
  record(): ProgramRecord | null;
  /** Stops listening to its output; it runs on, for the process that takes it over. `record` is final from then on. */
  detach(): void;
  /** To the whole group. */
  signal(signal: 'SIGTERM' | 'SIGKILL'): void;
  /** Whether any process of the group is left, zombies apart. */
  groupIsAlive(): boolean;
  /** Looks at how many processes the kernel has killed for memory, to tell later whether this one was. */
  watchMemory(now: Instant): void;
  /** Stops listening to its output, and forgets it. */
  discard(): void;
  /** Tells as lines what it has begun to write, although its output has not ended. */
  flushUnfinishedLines(): void;
}

/** Code and signal are both null where how it ended is not known: only its parent is told. */
export interface ProgramExit {
  readonly code: number | null;
  readonly signal: string | null;
  /** Whether the kernel killed it for memory; null where it cannot be told. */
  readonly outOfMemory: boolean | null;
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
}
