import { networkInterfaces } from 'node:os';
import type { Configuration } from '../core/configuration.ts';
import type { ListenerSpec } from '../core/listener-spec.ts';
import type { Prohibition } from '#failures/failure.ts';
import type { NameSource } from '../core/name-resolver.ts';
import { ownListener } from '../core/own-listener.ts';
import { DestinationPolicy } from '../policy/prohibited-address.ts';

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
