import type { Clock } from '../core/time.ts';
import type { Machine } from './review-machine.ts';
import type { ServiceSignal } from './service-signal.ts';
import type { PredecessorConnection } from './upgrade/successor.ts';

/** A stream for text. */
export interface Output {
  readonly isTTY: boolean;
  write(text: string): void;
  /** The number of lines of a terminal; null if the stream is not a terminal, or its size is unknown. */
  rows?(): number | null;
  /** Resolves when the reader has taken the written text; null if nothing is buffered. For large output. */
  drained?(): Promise<void> | null;
}

/** Everything that a command uses of its process, so that a test can replace the process. */
export interface ProcessContext {
  /** For results. */
  readonly stdout: Output;
  /** For progress and errors. */
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly directory: string;
  readonly clock: Clock;
  readonly machine: Machine;
  /** The gateway that this process succeeds; null if this process was not started by an upgrade. */
  readonly predecessor: PredecessorConnection | null;
  /** Asks the person at the terminal; null if there is no terminal, or no reply. */
  ask(question: string): Promise<string | null>;
  /** Calls the listener at each such signal until the returned function is called. */
  onSignal(signal: 'SIGINT' | 'SIGTERM' | ServiceSignal, listener: () => void): () => void;
  /** For a gateway: from now on, the process does not end if standard output or error cannot be written. */
  outliveOutputs?(): void;
  /** Ends the process at once. */
  exit(code: number): void;
}
