import type { Failure } from './failure.ts';

/** Whether the exit of an instance's process can cause this failure. */
export function mayBeCausedByExit(cause: Failure['cause']): boolean {
  return exitCauses.has(cause);
}

const exitCauses: ReadonlySet<Failure['cause']> = new Set<Failure['cause']>([
  'closed_before_response',
  'reset_before_response',
  'send_failed',
  'connect_refused',
  'connect_reset',
  'response_head_truncated',
  'response_body_short',
  'response_chunked_truncated',
  'response_stream_cut',
  'response_body_reset',
  'tunnel_unclosed',
]);

/** What the process of an instance used at a moment. Null: not known there. */
export interface ProcessSample {
  readonly kind: 'sample';
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly instance: string;
  /** The process that leads the instance. */
  readonly pid: number;
  /** It and those that it has started. */
  readonly processes: number;
  /** Of all of them together. */
  readonly residentBytes: number | null;
  readonly threads: number;
  /** Of the process that is nearest to its limit. */
  readonly openFiles: number | null;
  readonly openFilesMax: number | null;
  /** CPU time for each second since the sample before: 0.5 is half a core. Null for the first one. */
  readonly cores: number | null;
  /** Since its start. */
  readonly ageMs: number | null;
  /** Of the instance, before this process. */
  readonly restarts: number;
  /** Of its control group, which the gateway may share; null without a limit. */
  readonly groupBytes: number | null;
  readonly groupBytesMax: number | null;
  /** The share of the periods of its control group's CPU limit, since the sample before, in which that was used up; absent: none, or not known. */
  readonly throttledShare?: number;
  /** One of the processes that a signal has stopped; absent: none. */
  readonly stoppedPid?: number;
  /** All of them, where none is left that could answer requests; absent: some may. */
  readonly stoppedPids?: readonly number[];
}

/** How the process of an instance ended. Code and signal are both null where that is not known. */
export interface ProcessExit {
  readonly kind: 'exit';
  readonly at: number;
  readonly instance: string;
  readonly pid: number;
  readonly code: number | null;
  readonly signal: string | null;
  readonly outOfMemory: boolean;
  /** How long it had run. */
  readonly ranMs: number;
  /** Candor stopped it; `replacedBy`: the instance that had replaced it, null if none had. Absent: it ended otherwise. */
  readonly stopped?: { readonly replacedBy: string | null };
}

/** What is kept of the processes of applications. */
export type ProcessNote = ProcessSample | ProcessExit;

/** What an instance's process used lately, for the status. */
export type ProcessFigures = Pick<
  ProcessSample,
  | 'processes'
  | 'residentBytes'
  | 'threads'
  | 'openFiles'
  | 'openFilesMax'
  | 'cores'
  | 'ageMs'
  | 'groupBytes'
  | 'groupBytesMax'
  | 'throttledShare'
  | 'stoppedPid'
  | 'stoppedPids'
>;

/** Processes of an instance that a signal has stopped. */
export interface StoppedProcesses {
  /** All of them where the instance is stopped, otherwise one. */
  readonly pids: readonly number[];
  /** None is left that could answer requests. */
  readonly isWhole: boolean;
}
