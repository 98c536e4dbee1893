import type { ConfigurationReload } from '../control/gateway-options.ts';
import type { Gateway } from '../control/gateway-status.ts';
import type { Configuration } from '../core/configuration.ts';
import type { ShownConfiguration } from '../core/kept-configuration.ts';
import type { Event } from '../core/event.ts';
import type { ListenFacts } from './next-port.ts';
import type { Style } from './style.ts';
import { descriptorsStep } from '../core/descriptor-need.ts';
import { flushCompiled } from '../system/compile-cache.ts';
import { availableCores, releaseMemory } from '../system/system.ts';
import { descriptorLimit, descriptorReserve } from '../system/descriptors.ts';
import { after, type Clock, type Timer } from '../core/time.ts';

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

/** Prints the addresses of a running gateway. */
export function whereLines(gateway: Gateway, configuration: Configuration, style: Style): string[] {
  const addresses = gateway
    .status()
    .listeners.filter((listener) => listener.state === 'open')
    .map(({ id, address }) => style.bold(`${securesListener(configuration, id) ? 'https' : 'http'}://${address}`));
  const lines = [`Serving at ${addresses.join(' and ')}`];
  if (configuration.log.path !== null) lines.push(style.dim(`  exchange log  ${configuration.log.path}`));
  if (configuration.admin.socket !== null) lines.push(style.dim(`  admin socket  ${configuration.admin.socket}`));
  return lines;
}

function securesListener({ listeners }: Configuration, listener: string): boolean {
  return listeners.some(({ id, tls }) => id === listener && tls !== null);
}

/**
 * The descriptors that a start needs, measured with one to four workers and one to three listeners, with log, state and
 * admin socket: a start with fewer failed. Without log, state and socket it needs one less; applications need a few more.
 */
const ofProcess = 28;
/** In addition to a socket for each listener. */
const ofWorker = 6;

/** A gateway that serves fewer clients at once serves hardly any. */
const clientsMin = 8;

/** Why a gateway cannot start with the descriptor limit, or would serve hardly any client; null if the limit is high enough. */
export function fewDescriptorsText(
  { workers, listeners }: Pick<Configuration, 'workers' | 'listeners'>,
  limit: number | null = descriptorLimit(),
  cores: number = availableCores(),
): string | null {
  const count = workers.count ?? cores;
  const needed = ofProcess + count * (ofWorker + listeners.length);
  if (limit === null) return null;
  const reserve = descriptorReserve(limit);
  if (limit >= needed + reserve + clientsMin) return null;
  const start = `This process may have ${limit} files open, and a start with workers: ${count} takes about ${needed}`;
  const left = limit < needed ? '' : `; since ${reserve} stay free of clients, hardly any client would be served`;
  return `${start}${left}. ${descriptorsStep(null, 'start')}`;
}

/** By this time, work that the start began has ended. */
const restMs = 1500;

/**
 * Once a gateway serves, writes what V8 has compiled of it to the compile cache, and releases the memory that its start used for compiled modules.
 * V8 would keep it for further allocations of that kind, which are rare. Cancel it if the gateway ends first.
 *
 * Measured (packed program, Node 26, one idle worker): 106 MiB are resident instead of 121.
 */
export function releaseStartupMemory(clock: Clock, forget: () => void = keepAndRelease): Timer {
  return clock.schedule(after(clock.now(), restMs), (run) => run(), forget);
}

function keepAndRelease(): void {
  flushCompiled();
  releaseMemory();
}
