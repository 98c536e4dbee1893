import type { ConfigurationReload } from '../control/gateway-options.ts';
import type { Gateway } from '../control/gateway-status.ts';
import type { Configuration } from '../core/configuration.ts';
import type { ShownConfiguration } from '../core/kept-configuration.ts';
import type { Event } from '../core/event.ts';
import type { ListenFacts } from './listen-failure-text.ts';

export interface ServePlan {
  readonly configuration: Configuration;
  /** Path of the configuration file; null if there is none. */
  readonly source: string | null;
  /** The text of that file as people may see it. */
  readonly shown?: ShownConfiguration;
  readonly reloadConfiguration?: ConfigurationReload;
  /** Handles a taken port: returns another configuration, or null to give up. */
  readonly otherPort?: (configuration: Configuration, failure: ListenFacts) => Promise<Configuration | null>;
  /** Prints events for people even without a terminal. */
  readonly forPeople?: boolean;
  /** Prints a line for each request if standard error is a terminal. */
  readonly requestLines?: boolean;
  /** Prints events as JSON even on a terminal. */
  readonly json?: boolean;
  /** The command has created files that are deleted when it ends, so no other process can succeed this one. */
  readonly isTemporary?: boolean;
  /** How long applications run without a gateway after a stop, so that the next process can adopt them. */
  readonly detachApplicationsMs?: number | null;
  /** When it is aborted, the gateway stops at once. While the gateway still starts, `serve` rejects with `StartAbandoned`. */
  readonly abandon?: AbortSignal;
  /** Receives each event from the first one on. */
  readonly onEvent?: (event: Event) => void;
  /** Whether an event tells people and programs nothing any more; absent: each does. Asked after `onEvent`. */
  readonly isMute?: (event: Event) => boolean;
  /** Prints the addresses once listeners and admin API are open. */
  readonly onOpened: (gateway: Gateway, configuration: Configuration) => void | Promise<void>;
}
