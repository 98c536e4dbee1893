import type { EndpointState } from './endpoint.ts';
import type { FailureCount } from './failure-count.ts';
import type { CountedClient } from './counters.ts';

/** Results of the attempts at one endpoint since a worker's last batch. Structured-cloneable. */
export interface EndpointOutcomes {
  readonly upstream: string;
  readonly endpoint: string;
  /** Its state when the attempts began. Attempts that began before a change of state do not count after it. */
  readonly state: EndpointState;
  /** Attempts with a complete response, whatever its status. */
  successes: number;
  /** How many of those had a 5xx status, or a gRPC status that says the same. */
  serverErrors: number;
  /** How many of them had status 429 and Retry-After. */
  rateLimited: number;
  /** The longest time that those asked for. */
  restMs: number;
  /** Attempts whose failure counts against health (`failure-table.ts`). */
  failures: number;
  /** How many of the latest attempts in a row had such a failure. */
  consecutiveFailures: number;
  /** How many of the latest attempts in a row got no connection. */
  consecutiveUnreachable: number;
  /** From the start of an attempt to its response head: the sum over the successes. */
  latencyMs: number;
  /** How long attempts had a connection, from when they left the queue for one to their end: the sum over the successes. Absent: not known. */
  heldMs?: number;
  /** The latency by cells (`latency-cells.ts`). */
  readonly latencies?: number[];
  /** The shortest and the longest of them; absent where nothing compared them. */
  latencyMsMin?: number;
  latencyMsMax?: number;
  /**
   * For how long the connections of attempts had been idle that waited in vain for a response, of at most 32 of them; 0: the connection was new.
   * Absent: there were none.
   */
  silentIdleMs?: number[];
  /** The same of those whose connection had served others, and ended before a response. */
  resetIdleMs?: number[];
  /** The shortest time that a new connection took to come about, without TLS; absent: there was none, or nothing compared them. */
  connectMsMin?: number;
  /** New connections that came about, and how many took so long that their first packet was sent again; absent: nothing counted them. */
  connects?: number;
  connectsAgain?: number;
  /** The longest time for which a connection had been idle on which a response came; absent where nothing compared them. */
  answeredIdleMs?: number;
  /** Failures by cause, including causes that do not count against health. */
  readonly causes: FailureCount[];
  /** Whose the failures are that count and that a client may cause: not those of connections that could not be made. Null, absent: there are none. */
  failedClients?: CountedClient[] | null;
  /** The same of responses with a 5xx status. */
  errorClients?: CountedClient[] | null;
  /** The address of the client that was answered last, as a sample; '': none was. Absent: not known. */
  answeredBy?: string;
  /** When the exchange of the first attempt that failed, or had a 5xx status, ended: milliseconds since the Unix epoch. Absent: none, or not known. */
  firstFailedAt?: number;
  /** When the earliest exchange of those attempts began. Absent: none, or not known. */
  firstStartedAt?: number;
}
