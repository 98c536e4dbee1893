/** What was seen of a case. Times in milliseconds since the gateway was started. */
export interface BootResult {
  readonly name: string;
  /** Why it could not be played; absent: it was. */
  readonly failure?: string;
  /** What the status said of the instance, as often as it changed. */
  readonly shown: readonly ShownInstance[];
  /** What the gateway printed: reasons of events, and lines that are no events. */
  readonly printed: readonly PrintedReason[];
  /** Null: the failure was never seen. */
  readonly seenAtMs: number | null;
  readonly endMs: number;
  /** Of the gateway, where it ended by itself. */
  readonly exit: { readonly atMs: number; readonly code: number | null } | null;
  /** `candor status --json` at the end: what the command says. */
  readonly command: string | null;
  readonly lastLines: readonly string[];
  readonly leaked: boolean;
  /** For patterns: OTHERPORT and so on. */
  readonly names: Readonly<Record<string, string>>;
  /** How long a timer of this process was held up at most: a busy machine. */
  readonly heldUpMs: number;
}

export interface ShownInstance {
  readonly atMs: number;
  readonly phase: string;
  readonly reason: string;
  readonly late: boolean;
}

export interface PrintedReason {
  readonly atMs: number;
  /** Of the event; `text` for a line that is none. */
  readonly kind: string;
  readonly reason: string;
}
