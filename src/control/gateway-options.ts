import type { Configuration } from '../core/configuration.ts';
import type { InheritedSocket } from '../core/inherited-socket.ts';
import type { PassedSocket } from '../core/passed-socket.ts';
import type { GatewayWatcher, ReloadRejection } from './gateway-status.ts';
import type { ListeningAddress } from './port-claims.ts';

export type ConfigurationReload = () => Promise<
  { readonly ok: true; readonly configuration: Configuration } | ReloadRejection
>;

export interface GatewayOptions {
  readonly configuration: Configuration;
  /** Path of the configuration file; null without one. */
  readonly source: string | null;
  /** How to read it again; without it a reload changes nothing and says so. */
  readonly reloadConfiguration?: ConfigurationReload;
  readonly watcher?: GatewayWatcher;
  /** Ends the gateway at once when it is aborted, also while it starts: then starting rejects with `StartAbandoned`. */
  readonly abandon?: AbortSignal;
  /** The process before, which runs and hands its applications over; without it those that one has left are taken. */
  readonly adopt?: RunningPredecessor;
  /** Where a predecessor listens whose place this gateway takes: those ports may be open. */
  readonly sharedAddresses?: readonly ListeningAddress[];
  /** Listening sockets that this process was started with. */
  readonly inheritedSockets?: readonly InheritedSocket[];
  /** Those of the predecessor whose place this gateway takes. */
  readonly passedSockets?: readonly PassedSocket[];
}

/** A predecessor that runs. */
export interface RunningPredecessor {
  /** Called once, when the applications that it will not hand over are up; resolves when it has let the others go. */
  whenHandedOff(): Promise<void>;
  /**
   * Resolves when it will not take them back any more. Until then they are not ended should this process be killed, since
   * their former owner lives. Absent: at once.
   */
  readonly settled?: Promise<void>;
  /** Resolves when it has ended: until then it may have requests under way on instances that it has handed over. */
  readonly predecessorEnded: Promise<void>;
}
