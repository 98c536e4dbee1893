/** What the last check of an endpoint has sent and got, and how it was judged. */
export interface HealthCheckReport {
  /** Milliseconds since the Unix epoch: when it began. */
  readonly at: number;
  readonly durationMs: number;
  readonly passed: boolean;
  /** What it observed: why it passed, or did not. */
  readonly reason: string;
  /** The request line; null: it only connects. */
  readonly request: string | null;
  /** Of the response; null: none came. */
  readonly status: number | null;
  /** The first bytes of the body as far as the check reads it; null: it does not. */
  readonly body: string | null;
  /** The first lines of the body that say something, where the check failed; absent: none is known. */
  readonly lines?: readonly string[];
}
