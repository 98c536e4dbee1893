import type { EndpointState } from './endpoint.ts';
import type { Cause } from './failure.ts';

/** What attempts at one endpoint came to since a worker's last batch. Structured-cloneable. */
export interface EndpointOutcomes {
  readonly upstream: string;
  readonly endpoint: string;
  /** Its state when the attempts began: what began before a change says nothing of what came after it. */
  readonly state: EndpointState;
  /** Attempts that an answer came whole of, whatever its status. */
  successes: number;
  /** How many of those had a 5xx status. */
  serverErrors: number;
  /** Attempts whose failure counts against health (`failure-table.ts`). */
  failures: number;
  /** Of the last ones in a row, how many found no connection at all. */
  unreachableInRow: number;
  /** Failures by cause, those included that say nothing of its health. */
  readonly causes: FailureCount[];
}

export interface FailureCount {
  readonly cause: Cause;
  count: number;
}
