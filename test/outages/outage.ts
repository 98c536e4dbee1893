import type { SuspectKind } from '../../src/core/live-incident.ts';
import type { Lab } from './lab.ts';
import type { Setup } from './setup.ts';

/** What clients suffer from, apart from failures (a status of 500 or more, a reset, a cut, a timeout), which always count. */
export type Harm = 'different' | 'slow';

type Side = 'application' | 'network' | 'client' | 'gateway' | 'operator';

/** What has really happened. */
export interface Truth {
  /** Right first suspects. */
  readonly suspects: readonly SuspectKind[];
  readonly side: Side;
  /**
   * Texts that the incident or its first suspect must have: a route, an endpoint, a client, a third party. `a|b`: either.
   * `{shop-1}` is the address of that process.
   */
  readonly names: readonly string[];
  readonly what: string;
}

/** What is done, in which surroundings. */
export interface Play {
  readonly setup: Setup;
  /** Before the outage; 75 unless said otherwise. */
  readonly healthySeconds?: number;
  readonly seconds: number;
  /** After its end; 70 unless said otherwise. */
  readonly afterSeconds?: number;
  /** Something innocent, twelve seconds before the outage. */
  readonly before?: (lab: Lab) => Promise<void>;
  readonly begin: (lab: Lab) => Promise<void>;
  readonly end: (lab: Lab) => Promise<void>;
  /** It takes a core for itself: two of them are not played at once. */
  readonly isHeavy?: true;
}

export interface Outage {
  readonly name: string;
  readonly kind: string;
  /** 0.5 to 5 % of one route, or of all requests. */
  readonly lowRate: boolean;
  /** No client gets a 5xx. */
  readonly no5xx: boolean;
  readonly harm: readonly Harm[];
  readonly truth: Truth;
  readonly play: Play;
}

/** Something that happens while nothing is wrong. No incident may open. */
export interface Control {
  readonly name: string;
  readonly kind: string;
  readonly what: string;
  readonly play: Play;
}
