/** The part of a feature in the main thread. */
import type { ExchangeCount } from '../core/counters.ts';
import type { EndpointId, UpstreamId } from '../core/endpoint.ts';
import type { EventSink } from '../core/event.ts';
import type { FeatureMessages, FeatureScope } from '../core/feature.ts';
import type { Random } from '../core/random.ts';
import type { Clock } from '../core/time.ts';

/** What a route or an upstream says of the feature. */
export interface ScopedSpec<S extends object = object> {
  readonly scope: FeatureScope;
  readonly spec: S;
}

export interface MainPart<S extends object = object> {
  /** A configuration is in force, in which these scopes have the feature. */
  use(scopes: readonly ScopedSpec<S>[]): void;
  /** From the parts of a worker, by `scopeKey`. */
  onReports?(reports: FeatureMessages): void;
  /** How exchanges have ended at a worker since its last batch. */
  onExchanges?(exchanges: readonly ExchangeCount[]): void;
  /** Ends what it waits for. */
  stop?(): void;
  /** Writes what the next process is to know; `hasSuccessor`: one serves already. */
  close?(hasSuccessor: boolean): Promise<void>;
}

export interface MainFeaturePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  readonly endpoints: {
    /** An endpoint has said in a response that it wants no new requests. */
    onDrainSignal(upstream: UpstreamId, endpoint: EndpointId): void;
  };
  /** Null: nothing is kept. */
  readonly stateFolder: string | null;
  /** Tells the parts in all workers, also those that start later, the state of all scopes, by `scopeKey`. */
  publish(states: FeatureMessages): void;
}

export interface MainFeature<S extends object = object, P extends MainPart<S> = MainPart<S>> {
  readonly name: string;
  /** Which of its specs need semaphores that all workers share. */
  readonly sharesSemaphores?: (spec: S) => boolean;
  /** Its part, one for all scopes and revisions; absent: it has none. */
  readonly start?: (ports: MainFeaturePorts) => P;
}

/** The feature, as a registry has it: only its own files know its spec. */
export function mainFeature<S extends object, P extends MainPart<S>>(feature: MainFeature<S, P>): MainFeature {
  return feature as unknown as MainFeature;
}
