/**
 * The last exit of the process behind an endpoint that Candor runs. Code and signal are both null if an earlier Candor had
 * started the process: the system reports an exit only to the parent.
 */
export interface InstanceExit {
  /** On the process-wide monotonic clock. */
  readonly atInstant: number;
  readonly code: number | null;
  readonly signal: string | null;
  readonly outOfMemory: boolean;
  readonly lastLine: string | null;
  /** Candor stopped it; `replacedBy`: the instance that had replaced it, null if none had. Absent: it ended otherwise. */
  readonly stopped?: { readonly replacedBy: string | null };
}
