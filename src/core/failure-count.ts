import type { Cause } from '#failures/failure.ts';

export interface FailureCount {
  readonly cause: Cause;
  /** These did not count against the endpoint, though others of the cause do. */
  readonly excused?: true;
  /** The client had set the time that was over. */
  readonly byClient?: true;
  count: number;
}
