import type { SuspectKind } from '../../src/core/live-incident.ts';
import type { Shape } from '#failures/shape.ts';
import type { PlayedScenario } from './play-scenario.ts';

/** A scenario that says which incidents are right, what they are, and where; none: nothing should be opened. */
export interface JudgedScenario extends PlayedScenario {
  readonly name: string;
  /** What kind of outage, or of quiet time, it is: for counting. */
  readonly kind: string;
  readonly incidents: readonly ExpectedIncident[];
  /** Upstreams that the same fault hurts: an incident of their own is neither expected nor wrong. */
  readonly mayAlsoOpen?: readonly string[];
}

export interface ExpectedIncident {
  /** The causes that a fair person accepts in the first place. 'not_known': no suspect is right. */
  readonly right: readonly (SuspectKind | 'not_known')[];
  /** Any of them: a process that ends resets connections first, and refuses them then. */
  readonly shapes: readonly Shape[];
  readonly upstream: string;
  /** Seconds since the start: the fault begins. */
  readonly from: number;
  /** Numbers of the endpoints that the fault is confined to; absent: it is not. */
  readonly endpoints?: readonly number[];
  /** The routes that the fault is confined to; absent: it is not. */
  readonly routes?: readonly string[];
}
