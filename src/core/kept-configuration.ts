/** The text of a configuration file as people may see it. */
export interface ShownConfiguration {
  /** Without secrets; '' where the file could not be read. */
  readonly text: string;
  /** One line each. */
  readonly warnings: readonly string[];
}

/** A configuration that a gateway has applied, or refused. */
export interface KeptConfiguration {
  /** Counts on over restarts. */
  readonly id: number;
  readonly outcome: 'applied' | 'refused';
  /** Milliseconds since 1970: when it was applied or refused first, and by whom ('gateway': with the start). */
  readonly at: number;
  readonly actor: string;
  /** How often that happened without another one in between, such as by restarts; and the last time. */
  readonly times: number;
  readonly lastAt: number;
  readonly lastActor: string;
  /** Of the process that applied it last; records and events have the same. Null: it was refused. */
  readonly revision: number | null;
  /** The process that applied or refused it last. */
  readonly epoch: string;
  /** Null: it was refused. */
  readonly contentHash: string | null;
  /** Path of the file; null: there was none. */
  readonly source: string | null;
  /** Null: there was none, or it could not be read. */
  readonly text: string | null;
  readonly warnings: readonly string[];
  /** What is not as in the configuration before; one clause each. */
  readonly changed: readonly string[];
  /** Why it was refused, a line each. */
  readonly errors: readonly string[];
}
