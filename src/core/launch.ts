/** What is done to the start of a program of an application: settings of it as a process, such as its secrets, limits and user. */
import { type Result, succeed } from '#failures/result.ts';
import type { FeatureSpecs } from './feature.ts';

/** Which program of an application. */
export interface LaunchedProgram {
  /** The application whose settings hold: of a worker or a job the one that has it. */
  readonly application: string;
  /** What the application says of features. */
  readonly settings: FeatureSpecs;
  /** For people: `shop/1`, `shop.mail/1`, `shop.report`, `shop/shell`. One process at a time has the name. */
  readonly program: string;
  readonly kind: 'instance' | 'worker' | 'job' | 'build' | 'before';
  /** The name of its release; null: it was never deployed. */
  readonly release: string | null;
  readonly directory: string;
}

/** The user who runs the program; null: the one who runs the gateway. */
export interface LaunchOwner {
  readonly uid: number;
  readonly gid: number;
}

/** How it is started. */
export interface LaunchCommand {
  /** Program and arguments; no shell. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface Launch extends LaunchedProgram, LaunchCommand {
  /** Absent: not known yet, or the user who runs the gateway. */
  readonly owner?: LaunchOwner | null;
}

/** What is kept for a program while it runs. */
export interface LaunchHold {
  started?(pid: number): void;
  /** Its process has ended, others of it may be left. What is known of the end beside its code and signal; null: nothing. */
  exited?(exit: { readonly code: number | null; readonly signal: string | null }): LaunchedExit | null;
  /** No process of it is left, or it was never started. Called once, unless another process takes the program over. */
  ended?(): void;
  /** What is kept and shown of a line that it has printed. */
  mask?(line: string): string;
}

export interface LaunchedExit {
  /** It was killed for its memory. */
  readonly outOfMemory: boolean;
  /** By whom, at which limit and what came before: one clause for people. */
  readonly how: string;
}

export interface PreparedLaunch extends LaunchCommand {
  readonly hold?: LaunchHold;
}

/** Why a program is not started. */
export interface LaunchFailure {
  readonly errno: string;
  /** One clause, with what to do. */
  readonly reason: string;
}

/** Prepares each start of a program of an application. Never throws. */
export interface Launcher {
  /** What makes a new process necessary when it changes, without secrets; '': nothing. */
  key(application: string, settings: FeatureSpecs): string;
  prepare(launch: Launch): Result<PreparedLaunch, LaunchFailure>;
  /** A program that an earlier process has started is taken over. */
  adopt(program: LaunchedProgram, pid: number): LaunchHold | null;
}

/** Programs start as their applications say. */
export const plainLauncher: Launcher = { key: () => '', prepare: succeed, adopt: () => null };
