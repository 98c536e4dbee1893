import type { Clock } from '../core/time.ts';
import { availableCores } from '../system/system.ts';
import type { PredecessorConnection } from './upgrade/successor.ts';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

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
  /** Calls the listener with each key of the terminal until the returned function is called: Ctrl-C is a key then, too. Absent: there is none. */
  onKey?(listener: (key: string) => void): () => void;
  /** Values of secrets; absent: standard input. */
  readonly secretInput?: SecretInput;
  /** Calls the listener at each such signal until the returned function is called. */
  onSignal(signal: 'SIGINT' | 'SIGTERM' | ServiceSignal, listener: () => void): () => void;
  /** For a gateway: from now on, the process does not end if standard output or error cannot be written. */
  outliveOutputs?(): void;
  /** Ends the process at once. */
  exit(code: number): void;
}

/** Where the value of a secret comes from: a person who types it, or another program. */
export interface SecretInput {
  readonly isTerminal: boolean;
  /** Everything up to the end; null: it has more bytes, or cannot be read. */
  readAll(bytesMax: number): Promise<Uint8Array | null>;
  /** Shows nothing of what is typed. Null: the person has given up. */
  askHidden(question: string): Promise<string | null>;
}

export type ServiceSignal = 'SIGHUP' | 'SIGUSR1' | 'SIGUSR2';

/** How a person runs Candor here: by npx if npm started it, because then `candor` is in no directory of PATH. */
export function commandName(env: Readonly<Record<string, string | undefined>>): string {
  return env['npm_command'] === undefined ? 'candor' : 'npx candor';
}

/** The version in package.json, which lies two folders up from `src/cli` and from `dist/cli` alike. */
export function readVersion(): string {
  const text = readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

/** The facts about the system that commands read. */
export interface Machine {
  readonly platform: string;
  /** Cores that this process may use. It is also the default number of workers. */
  readonly cores: number;
  /** A setting of the kernel ('net.ipv4.tcp_migrate_req'); null if there is none of that name, or it may not be read. */
  kernelSetting(name: string): string | null;
}

export const thisMachine: Machine = {
  platform: process.platform,
  cores: availableCores(),
  kernelSetting: (name) => {
    try {
      return readFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, 'utf8').trim();
    } catch {
      return null; // an older kernel, another system, or a container that hides it
    }
  },
};
