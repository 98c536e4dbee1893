/** The part of a feature in the main thread. */
import type { ApplicationSpec } from '../core/configuration.ts';
import type { Connector } from '../core/connector.ts';
import type { ExchangeCount } from '../core/counters.ts';
import type { EndpointId, UpstreamId } from '../core/endpoint.ts';
import type { EventSink } from '../core/event.ts';
import type { FeatureMessages, FeatureRefusal, FeatureScope, FeatureState } from '../core/feature.ts';
import type { MetricFamily } from '../core/metric-family.ts';
import type { Random } from '../core/random.ts';
import type { Clock } from '../core/time.ts';
import type { EndedJob } from '../deploy/release-job.ts';
import type { HealthChecker } from '../core/health-checker.ts';
import type { LaunchPart } from './launch.ts';
import type { WaitingCount } from '../core/waiting-requests.ts';
import type { Result } from '#failures/result.ts';

/** What a route, an upstream, an application or the file says of the feature. */
export interface ScopedSpec<S extends object = object> {
  readonly scope: FeatureScope;
  readonly spec: S;
}

/** Where the releases of an application lie, for what has no process of it. */
export interface ReleaseFolders {
  /** Of the release that gets requests. */
  readonly present: string;
  /** Of the one before, while it is kept ready and is to be asked for what the present one does not have; null: it is not. */
  readonly previous: string | null;
}

export interface MainPart<S extends object = object> {
  /** A configuration is in force, in which these scopes have the feature. */
  use(scopes: readonly ScopedSpec<S>[]): void;
  /** What workers get in place of a spec of the configuration, such as with a key. Before `use`, also for a configuration that is refused; the same for the same spec. */
  forWorkers?(spec: S): S;
  /** From the parts of a worker, by `scopeKey`. */
  onReports?(reports: FeatureMessages, worker: number): void;
  /** The worker has ended, in order or not: what its parts hold is no more. */
  onWorkerGone?(worker: number): void;
  /** How exchanges have ended at a worker since its last batch. */
  onExchanges?(exchanges: readonly ExchangeCount[]): void;
  /** Its sections of the status, by key. */
  status?(): object;
  /** Ids of routes that it has closed for maintenance at this moment. */
  closedRoutes?(): readonly string[];
  /** To how many routes of the upstream it answers requests itself, because they fail. */
  refusedRoutes?(upstream: string): number;
  /** What the process that takes over goes on with; null: nothing. */
  export?(): FeatureState | null;
  /** What the process before this one has exported. Before the first `use`; a state of a version that it does not know is as none. */
  import?(state: FeatureState): void;
  /** What has come since `export`, while the process that takes over serves already; null: nothing. */
  exportMore?(): FeatureState | null;
  /** What the process before this one has counted since. */
  importMore?(state: FeatureState): void;
  /** What it does to each start of a program of an application. Steps of features follow each other as in `features/main.ts`. */
  readonly launch?: LaunchPart;
  /** An application has another release, or is told for the first time which one it has. */
  onReleaseFolders?(application: string, folders: ReleaseFolders): void;
  /** Why a release whose files lie in this folder cannot serve, one clause; null: nothing is against it. */
  refuses?(application: string, folder: string): Promise<string | null>;
  /** What is asked of it through the admin API, which knows its schema. */
  ask?(request: object, actor: string): Promise<Result<object, FeatureRefusal>>;
  /** Other releases of applications may be in force. */
  onReleases?(): void;
  /** Another process takes over, or this one ends: nothing is begun any more, and nothing written that the other one writes, until `resume`. */
  pause?(): Promise<void>;
  /** The other process has not taken over. */
  resume?(): Promise<void>;
  /** Ends programs that run: after `graceMs`, or when `atOnce` resolves. Resolves when they have ended. */
  finish?(ending: {
    readonly graceMs: number;
    readonly reason: string;
    readonly atOnce: Promise<unknown>;
  }): Promise<void>;
  /** Ends what it waits for. */
  stop?(): void;
  /** Writes what the next process is to know; `hasSuccessor`: one serves already. */
  close?(hasSuccessor: boolean): Promise<void>;
}

/** A program of an application that runs to its end. */
export interface ProgramOrder {
  readonly application: string;
  /** For people, and in front of its output: 'shop.report'. */
  readonly program: string;
  readonly command: readonly string[];
  /** Beside that of the application. */
  readonly environment: Readonly<Record<string, string>>;
  readonly limitMs: number;
}

/** Applications, for features that run programs of them. */
export interface ApplicationPrograms {
  /** As the release in force has it; null: the configuration does not have it. */
  readonly inForce: (application: string) => ApplicationSpec | null;
  /** Runs it in the release in force. Never rejects. `signal`: ends it early; a text is its reason. */
  run(order: ProgramOrder, signal: AbortSignal, onLine: (line: string) => void): Promise<EndedJob>;
  /** Without secrets. */
  readonly redact: (text: string) => string;
  /** When the process before this one has ended; null: none has handed over. */
  readonly predecessorEnded: Promise<void> | null;
}

export interface MainFeaturePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  readonly connector: Connector;
  readonly checker: HealthChecker;
  readonly endpoints: {
    /** An endpoint has said in a response that it wants no new requests. */
    onDrainSignal(upstream: UpstreamId, endpoint: EndpointId): void;
  };
  /** Null: nothing is kept. */
  readonly stateFolder: string | null;
  readonly applications: ApplicationPrograms;
  /** What all workers together count by the semaphores that they share for a scope; null: they share none. */
  readonly counted: (scope: FeatureScope) => { readonly requests: number; readonly limit: number } | null;
  /** Requests that wait in all workers, at a `scopeKey`. */
  readonly waiting: (at: string) => readonly WaitingCount[];
  /** Tells the parts in all workers, also those that start later, the state of all scopes, by `scopeKey`. */
  publish(states: FeatureMessages): void;
  /** The key of a launch part may be another one for the programs of an application. */
  launchChanged(application: string): void;
}

/** What a part has for a command, which starts a program of an application as the gateway would, beside it. */
export type CommandPorts = Pick<MainFeaturePorts, 'clock' | 'random' | 'stateFolder'>;

export interface MainFeature<
  S extends object = object,
  P extends MainPart<S> = MainPart<S>,
  Shown extends object = object,
> {
  readonly name: string;
  /** Whom a route with the feature serves; absent: visitors. A route for checks stays open where an operator closes all. */
  readonly serves?: 'checks' | 'nobody';
  /** Which of its specs need semaphores that all workers share. */
  readonly sharesSemaphores?: (spec: S) => boolean;
  /** Its metrics, of what it has shown in the status. */
  readonly metrics?: (status: Shown) => readonly MetricFamily[];
  /** Its part, one for all scopes and revisions; absent: it has none. */
  readonly start?: (ports: MainFeaturePorts) => P;
  /** What it does to a program that a command starts; absent: nothing. `close` when that has ended. */
  readonly forCommand?: (ports: CommandPorts) => Pick<MainPart, 'launch' | 'close'>;
}

/** The feature, as a registry has it: only its own files know its spec. */
export function mainFeature<S extends object, P extends MainPart<S>, Shown extends object = object>(
  feature: MainFeature<S, P, Shown>,
): MainFeature {
  return feature as unknown as MainFeature;
}
