/** The version of the record's schema. Readers keep keys they do not know. */
export const recordVersion = 1;

/** Values of a route's own in its records: a line with all of them at their limit still has less than 100 KiB. */
export const recordFieldsMax = 32;

/** The record of the exchanges that a worker had in flight when it was lost: one line for all of them. */
export interface LostRecord {
  readonly v: typeof recordVersion;
  readonly kind: 'lost';
  /** When the loss was noticed: RFC 3339, milliseconds, UTC. */
  readonly at: string;
  /** The key of the process that served it, which its line of kind `process` explains. */
  readonly process: string | null;
  /** This and the two keys after it are null if the log has no line of the process. */
  readonly deployment: string | null;
  readonly member: string | null;
  /** When this process started: RFC 3339. */
  readonly process_started_at: string | null;
  readonly worker: number;
  readonly revision: number;
  /** How many exchanges have no record of their own. */
  readonly exchanges: number;
  /**
   * Client connections that ended with the worker and had bytes that it had not read: requests that it
   * never saw, or more of those in flight. Null if not known, because the worker ended by itself.
   */
  readonly unread_connections: number | null;
  /** Why the worker was lost, in words. */
  readonly reason: string;
}

/**
 * What is the same in every record of a process. A log has this line at its beginning and whenever it was opened again, so that
 * the records of the process need only its key.
 */
export interface ProcessRecord {
  readonly v: typeof recordVersion;
  readonly kind: 'process';
  /** Six characters: 0 to 9 and a to z. */
  readonly process: string;
  /** When the line was written: RFC 3339, milliseconds, UTC. */
  readonly at: string;
  readonly deployment: string;
  readonly member: string;
  /** When the process started: RFC 3339. */
  readonly started_at: string;
  /** The version of the program. */
  readonly version: string;
  readonly pid: number;
}
