import type { LogSpec } from './configuration.ts';
import type { NewEvent } from './event.ts';
import type { ProcessRecord } from './record.ts';
import type { ExchangeRecord } from './schemas/record.ts';
import type { SyslogSpec } from './syslog-spec.ts';
import type { RecordRingMemory } from './record-ring-memory.ts';

/** Everything that the thread of the log needs at start. */
export interface LoggerInit {
  /** One Int32, shared with all rings. */
  readonly wakeWord: SharedArrayBuffer;
  /** One Int32: lines that rings had, and that were dropped. The main thread reads it, and counts those that did not fit itself. */
  readonly dropped: SharedArrayBuffer;
}

/** What the header line of this process says in a log. */
export type ProcessConstants = Omit<ProcessRecord, 'v' | 'kind' | 'at'>;

/** When the log is rotated. */
export interface LogRotationSpec {
  readonly bytesMax: number;
  readonly keepMax: number;
  readonly compression: LogSpec['compression'];
}

/** Which records the main thread gets, for a terminal. */
export type WatchedRecords = 'none' | 'failed' | 'all';

/** From the main thread to the logger. A message with `request` is answered. */
export type ToLogger =
  /** Read this ring from now on. */
  | { readonly kind: 'ring'; readonly memory: RecordRingMemory }
  /** Open the file and hold it until 'use' or 'discard'; answer 'done'. Null: no file. */
  | {
      readonly kind: 'open';
      readonly request: number;
      readonly path: string | null;
      readonly format: LogSpec['format'];
      /** Absent: its lines go into the file alone. */
      readonly syslog?: SyslogSpec | null;
    }
  /** Write to the file that was opened; first write what the file before it still gets, and close that. Answer 'done'. */
  | { readonly kind: 'use'; readonly request: number; readonly rotation: LogRotationSpec | null }
  /** Open this file and write to it, in place of a logger that has ended; try until it can be opened. */
  | {
      readonly kind: 'resume';
      readonly path: string | null;
      readonly format: LogSpec['format'];
      /** Absent: its lines go into the file alone. */
      readonly syslog?: SyslogSpec | null;
      readonly rotation: LogRotationSpec | null;
    }
  | { readonly kind: 'discard' }
  /** These constants are true from now on: the file gets a header line with them before the next record. */
  | { readonly kind: 'process'; readonly constants: ProcessConstants }
  /** Null: never, or not while another process writes to the same file. */
  | { readonly kind: 'rotation'; readonly rotation: LogRotationSpec | null }
  /** Write this line behind all lines that workers have committed. */
  | { readonly kind: 'line'; readonly bytes: Uint8Array }
  | { readonly kind: 'watch'; readonly records: WatchedRecords }
  /** Open the file under its path once more; answer 'done'. */
  | { readonly kind: 'reopen'; readonly request: number }
  /** Find a record by its id or the beginning of it; answer 'found'. */
  | { readonly kind: 'find'; readonly request: number; readonly id: string }
  /** No worker writes any more: write everything, close the file, and answer 'done'. */
  | { readonly kind: 'close'; readonly request: number };

/** From the logger to the main thread. */
export type FromLogger =
  /** `problem`: why it failed, in one sentence; null if it did not. */
  | { readonly kind: 'done'; readonly request: number; readonly problem: string | null }
  | { readonly kind: 'found'; readonly request: number; readonly record: ExchangeRecord | null }
  /** Whole lines of the records that are watched. */
  | { readonly kind: 'lines'; readonly bytes: Uint8Array }
  | { readonly kind: 'event'; readonly event: NewEvent };
