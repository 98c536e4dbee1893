import type { Configuration } from '../core/configuration.ts';
import type { FeatureStates } from '../core/feature.ts';
import type { ShownConfiguration } from '../core/kept-configuration.ts';
import type { InheritedSocket } from '../core/inherited-socket.ts';
import type { PassedSocket } from '../core/passed-socket.ts';
import type { GatewayWatcher, ReloadRejection } from './gateway-status.ts';
import type { ListeningAddress } from './port-claims.ts';

/** `shown`: the text of the file as people may see it. */
export type ConfigurationReload = () => Promise<
  ({ readonly ok: true; readonly configuration: Configuration } | ReloadRejection) & {
    readonly shown?: ShownConfiguration;
  }
>;

export interface GatewayOptions {
  readonly configuration: Configuration;
  /** Path of the configuration file; null without one. */
  readonly source: string | null;
  /** The text of that file as people may see it; absent: it is not kept. */
  readonly shown?: ShownConfiguration;
  /** Reads the configuration file again; without it a reload is refused. */
  readonly reloadConfiguration?: ConfigurationReload;
  readonly watcher?: GatewayWatcher;
  /** Aborting this signal ends the gateway at once. If the gateway is still starting, the start rejects with `StartAbandoned`. */
  readonly abandon?: AbortSignal;
  /** The running predecessor, which hands off its applications; absent: this gateway adopts detached ones. */
  readonly adopt?: RunningPredecessor;
  /** Addresses at which the predecessor listens: these ports may already be open. */
  readonly sharedAddresses?: readonly ListeningAddress[];
  /** Listening sockets that this process inherited. */
  readonly inheritedSockets?: readonly InheritedSocket[];
  /** Listening sockets of the predecessor. */
  readonly passedSockets?: readonly PassedSocket[];
}

/** A predecessor that runs. */
export interface RunningPredecessor {
  /**
   * Called once, when the applications that it does not hand off are up; resolves when it has detached the
   * others.
   */
  whenHandedOff(): Promise<HandedOff>;
  /**
   * Resolves when it can no longer roll the handoff back. Until then this process's watchdog leaves the
   * applications alone, because their former owner lives. Absent: at once.
   */
  readonly settled?: Promise<void>;
  /** Resolves when the predecessor has ended: until then it may have requests in flight to instances that it handed off. */
  readonly predecessorEnded: Promise<void>;
}

/** What a predecessor passes on besides its applications. */
export interface HandedOff {
  /** Null: it is of a version without TLS, or has ended. */
  readonly ticketKey: Uint8Array | null;
  /** How long the predecessor has used it. */
  readonly ticketKeyAgeMs: number;
  /** What the parts of features go on with; none of a predecessor that has ended. */
  readonly features: FeatureStates;
}
