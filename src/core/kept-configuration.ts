/** The text of a configuration file as people may see it. */
export interface ShownConfiguration {
  /** Without secrets; '' where the file could not be read. */
  readonly text: string;
  /** With all that is hidden, for the state folder alone; absent: it is not kept. */
  readonly original?: string;
  /** One line each. */
  readonly warnings: readonly string[];
  /** Null: they are not known, such as in a file that could not be read. */
  readonly unshown: readonly UnshownDigest[] | null;
}

/** A value of the file that its shown text does not have: it is a secret, or comes from a variable. */
interface UnshownDigest {
  /** `applications.web.environment.PASSWORD` */
  readonly key: string;
  /** SHA-256 of the value. It is neither kept nor shown: a short value could be found from it. */
  readonly digest: string;
}

/** Which of the values of a key that were kept, or seen, a configuration has. */
export interface UnshownValue {
  readonly key: string;
  /** Keyed by the state folder's key (`control/configuration-history.ts`); for the process and its file alone. */
  readonly hash: string;
  /** Counts the values of the key. Two configurations with the same number have the same value. */
  readonly version: number;
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
  /** Null: not known. */
  readonly unshown: readonly UnshownValue[] | null;
  readonly warnings: readonly string[];
  /** What is not as in the configuration before; one clause each. */
  readonly changed: readonly string[];
  /** Why it was refused, a line each. */
  readonly errors: readonly string[];
}
