import type { ConfigurationReload } from '../control/gateway-options.ts';
import type { Gateway } from '../control/gateway-status.ts';
import type { Configuration } from '../core/configuration.ts';
import type { Event } from '../core/event.ts';
import type { ListenFacts } from './listen-failure-text.ts';

export interface ServePlan {
  readonly configuration: Configuration;
  /** The configuration's file; null where none was written. */
  readonly source: string | null;
  readonly reloadConfiguration?: ConfigurationReload;
  /** What to do about a port that is taken: another configuration, or null to give up. */
  readonly otherPort?: (configuration: Configuration, failure: ListenFacts) => Promise<Configuration | null>;
  /** Tells what happens in lines for people even where nobody sits at a terminal. */
  readonly forPeople?: boolean;
  /** A line for each request, where a person sits at a terminal. */
  readonly requestLines?: boolean;
  /** Tells what happens as JSON, on a terminal too. */
  readonly json?: boolean;
  /** It has made things that end with it, so no other process can take its place. */
  readonly isTemporary?: boolean;
  /** For how long applications are left to the next process at a stop, before they are ended. */
  readonly detachApplicationsMs?: number | null;
  /** Ends everything at once when it is aborted, also while the gateway starts: then this rejects with `StartAbandoned`. */
  readonly abandon?: AbortSignal;
  /** Hears each event, from the first one on. */
  readonly onEvent?: (event: Event) => void;
  /** Says where things are, once listeners and admin API are open. */
  readonly onOpened: (gateway: Gateway, configuration: Configuration) => void | Promise<void>;
}
