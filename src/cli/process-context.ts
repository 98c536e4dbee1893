import type { Clock } from '../core/time.ts';
import type { Machine } from './review-machine.ts';
import type { ServiceSignal } from './service-signal.ts';
import type { PredecessorConnection } from './upgrade/successor.ts';

/** A stream that text is written to. */
export interface Output {
  readonly isTTY: boolean;
  write(text: string): void;
  /** How many lines a terminal shows; null where it is none, or does not say. */
  rows?(): number | null;
  /** Resolves when its reader has taken what was written; null where nothing waits. For what may be large. */
  drained?(): Promise<void> | null;
}

/** Everything that a command sees of the process it runs in, so that tests can be the process. */
export interface ProcessContext {
  /** For results. */
  readonly stdout: Output;
  /** For progress and errors. */
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
  readonly clock: Clock;
  readonly machine: Machine;
  /** The gateway whose place this process is to take; null: it was started by somebody else. */
  readonly predecessor: PredecessorConnection | null;
  /** Asks a person; null where none is there, or none answers. */
  ask(question: string): Promise<string | null>;
  /** Calls back at each such signal until the returned function is called. */
  onSignal(signal: 'SIGINT' | 'SIGTERM' | ServiceSignal, listener: () => void): () => void;
  /** For a gateway: from now on nothing ends because standard output or error cannot be written. */
  outliveOutputs?(): void;
  /** Ends the process at once. */
  exit(code: number): void;
}
