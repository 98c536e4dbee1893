import type { Cancellable, NetworkFault } from './connector.ts';

/** Finding the addresses of names: the effect that main needs, as an interface. Workers never wait for it. */
export interface NameResolver {
  /** Looks in every place where this machine keeps names. Calls back once, later, unless it is cancelled. */
  lookUp(question: NameQuestion, waiter: LookupWaiter): Cancellable;
}

export type Family = 'ipv4' | 'ipv6';

export interface NameQuestion {
  readonly name: string;
  readonly families: readonly Family[];
  /** Name servers as `address:port`. Empty: whatever the system would ask. */
  readonly servers: readonly string[];
  /** When the asker stops waiting; repetitions and further servers are fitted into it. */
  readonly limitMs: number;
}

export interface LookupWaiter {
  onLookedUp(answer: NameAnswer): void;
}

export interface NameAnswer {
  readonly source: NameSource;
  /** Null where the question did not ask for that family. */
  readonly ipv4: FamilyAnswer | null;
  readonly ipv6: FamilyAnswer | null;
}

/**
 * Where an answer comes from: `machine` is the hosts file, and `localhost`, which is the same everywhere (RFC 6761
 * §6.3); `dns` a name server; `system` whatever else the system's own lookup knows (mDNS, NSS modules, split DNS).
 */
export type NameSource = 'machine' | 'dns' | 'system';

export type FamilyAnswer =
  | {
      readonly found: true;
      /** At least one, literal. */
      readonly addresses: readonly string[];
      /** How long the answer holds; null where its source does not say. */
      readonly ttlS: number | null;
    }
  | { readonly found: false; readonly fault: NetworkFault };
