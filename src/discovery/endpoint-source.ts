import type { Configuration } from '../core/configuration.ts';
import type { UpstreamSpec } from '../core/upstream-spec.ts';
import type { EndpointId, UpstreamId } from '../core/endpoint.ts';
import type { InstanceTraffic } from '../core/live-instance.ts';
import type { EndpointSnapshot } from '../core/snapshot.ts';
import type { Clock } from '../core/time.ts';
import { networkInterfaces } from 'node:os';
import type { ListenerSpec } from '../core/listener-spec.ts';
import type { Prohibition } from '#failures/failure.ts';
import type { NameSource } from '../core/name-resolver.ts';
import { ownListener } from '../core/own-listener.ts';
import { DestinationPolicy } from '../policy/prohibited-address.ts';

/**
 * Where endpoints come from. Each source knows one kind: addresses of the configuration, names, applications, and later
 * containers or a catalogue of services. The endpoint registry knows sources only. It has the endpoints checked, puts together
 * what several sources give for one upstream, and reports each change of state.
 *
 *     prepare ──▶ activate ──▶ prepare ──▶ activate … ──▶ stop
 *
 * A reload calls `prepare` before the workers have agreed to a configuration, so that its endpoints are found and checked by
 * then. If they refuse it, `activate` is called with the configuration that stays.
 */
export interface EndpointSource {
  /** Begins to find the endpoints of `configuration`, beside those of the active one. */
  prepare(configuration: Configuration): void;
  /** `configuration` is active, prepared before or not. Forgets what only other configurations needed. */
  activate(configuration: Configuration): void;
  /**
   * The endpoints that an upstream has now; none where the upstream is of another source. `spec` belongs to a configuration
   * that was prepared or activated.
   */
  endpointsOf(spec: UpstreamSpec): readonly SourceEndpoint[];
  /** Whether the source has found once everything that it was asked for. A start waits for it, for a limited time. */
  readonly isSettled: boolean;
  /** Checks of endpoints of this upstream have changed. Returns whether its endpoints change by it, and calls no `onChange`. */
  onHealthChanged?(upstream: UpstreamId): boolean;
  /** Requests at one of the endpoints have ended. For sources that report the health of their endpoints themselves. */
  onTraffic?(upstream: UpstreamId, endpoint: EndpointSnapshot, traffic: InstanceTraffic): void;
  /** Nothing more is looked for. */
  stop(): void;
}

/** What every source needs of the registry. */
export interface SourceContext {
  readonly clock: Clock;
  /** Where this gateway itself listens now: no endpoint may lead there. */
  readonly listeners: () => ListeningAddresses;
  /** The source calls it after the endpoints of an upstream have changed. */
  readonly onChange: (upstream: UpstreamId) => void;
  /** Whether an endpoint passes the checks of its upstream; true where the upstream has no check. */
  readonly isReady: (spec: UpstreamSpec, endpoint: EndpointId) => boolean;
}

export type EndpointSourceFactory = (context: SourceContext) => EndpointSource;

/** An endpoint as its source has it. */
export interface SourceEndpoint
  extends Pick<
    EndpointSnapshot,
    'address' | 'name' | 'secondAddress' | 'addressStale' | 'instance' | 'weight' | 'zone' | 'priority'
  > {
  /** Begins with the id of the upstream and a slash. The same endpoint keeps its id: connections and counts stay with it. */
  readonly id: EndpointId;
  /** Endpoints of an upstream are listed in this order: the position of the entry of the configuration that led to them. */
  readonly position: number;
  /** The checks of the upstream decide about its state, or the source does. */
  readonly health: 'checked' | ReportedHealth;
  /** Of a checked endpoint: the failure of all requests to it, whatever its checks find; absent if requests are allowed. */
  readonly prohibition?: EndpointSnapshot['failure'];
  /** Of a checked endpoint: appended to the reason of its state. */
  readonly remark?: string;
}

/** The state of an endpoint whose source knows it better than a check does. */
export type ReportedHealth = Pick<EndpointSnapshot, 'state' | 'reason' | 'failure' | 'finding'> &
  Partial<Pick<EndpointSnapshot, 'sinceInstant' | 'release' | 'exit' | 'stoppedPids'>>;

export type ListeningAddresses = readonly Pick<ListenerSpec, 'host' | 'port'>[];

/** Where a configuration lets us connect: not to ourselves, and not to addresses that its names must not resolve to. */
export class Destinations {
  readonly #policy: DestinationPolicy;
  readonly #listeners: ListeningAddresses;
  readonly #listeningNow: () => ListeningAddresses;

  /** `listeningNow`: a port stays ours while a socket of ours listens there, whatever the configuration says. */
  constructor({ dns, listeners }: Configuration, listeningNow: () => ListeningAddresses) {
    this.#policy = new DestinationPolicy(dns);
    this.#listeners = listeners;
    this.#listeningNow = listeningNow;
  }

  /** Why connections to a resolved address are prohibited; null where they are allowed. */
  prohibitionOf(ip: string, port: number, source: NameSource): Prohibition | null {
    return this.isOwn(ip, port) ? 'own_listener' : this.#policy.prohibitionOf(ip, source);
  }

  isOwn(host: string, port: number): boolean {
    const target = { host, port };
    if (ownListener(target, this.#listeners, addressesOfThisMachine) !== null) return true;
    return ownListener(target, this.#listeningNow(), addressesOfThisMachine) !== null;
  }
}

function addressesOfThisMachine(): readonly string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
}
