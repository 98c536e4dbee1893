import type { Cancellable, NetworkFault } from './connector.ts';

/** Looks up the addresses of names: an effect of the main thread, as an interface. Workers never wait for it. */
export interface NameResolver {
  /** Asks every source of names of this machine. Calls back once, later, unless it is cancelled. */
  lookUp(question: NameQuestion, waiter: LookupWaiter): Cancellable;
}

export type Family = 'ipv4' | 'ipv6';

export interface NameQuestion {
  readonly name: string;
  readonly families: readonly Family[];
  /** Name servers as `address:port`. Empty: those of the system. */
  readonly servers: readonly string[];
  /** The time limit for all tries and servers together. */
  readonly limitMs: number;
}

export interface LookupWaiter {
  onLookedUp(answer: NameAnswer): void;
}

export interface NameAnswer {
  readonly source: NameSource;
  /** Null if the question did not include that family. */
  readonly ipv4: FamilyAnswer | null;
  readonly ipv6: FamilyAnswer | null;
}

/**
 * The source of an answer. `machine`: the hosts file, and `localhost` (RFC 6761 §6.3). `dns`: a name server. `system`: the
 * system's own lookup with everything else that it uses (mDNS, NSS modules, split DNS).
 */
export type NameSource = 'machine' | 'dns' | 'system';

export type FamilyAnswer =
  | {
      readonly found: true;
      /** At least one, literal. */
      readonly addresses: readonly string[];
      /** How long the answer is valid; null if its source gives no time. */
      readonly ttlS: number | null;
    }
  | { readonly found: false; readonly fault: NetworkFault };
