import type { FamilyChoice } from '../core/upstream-spec.ts';
import type { Failure } from '#failures/failure.ts';
import type { Family, NameSource } from '../core/name-resolver.ts';
import { after, type Instant } from '../core/time.ts';

/** The result of one lookup of a name for one address family. */
export type FamilyOutcome =
  | { readonly addresses: readonly string[]; readonly ttlS: number | null }
  | { readonly failure: Failure };

interface LookupOutcome {
  readonly source: NameSource;
  /** Only the families that were looked up, the preferred one first. */
  readonly families: ReadonlyMap<Family, FamilyOutcome>;
}

/**
 * The addresses of a name. A lookup that fails removes none: the last good addresses stay, and `failure` says why they are
 * old.
 *
 *     resolving ──▶ resolved ◀──▶ stale
 *         └───────▶ failed ───▶ resolved
 */
export interface DnsCacheEntry {
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
  readonly source: NameSource;
  /** Of the last lookup; null when it found addresses, and before the first result. */
  readonly failure: Failure | null;
  /** Lookups that failed since the last good one. */
  readonly consecutiveFailures: number;
  readonly lookups: number;
  /** When the next lookup is due. */
  readonly nextAt: Instant;
}

export type ResolutionState = 'resolving' | 'resolved' | 'stale' | 'failed';

export function emptyEntry(now: Instant): DnsCacheEntry {
  return { ipv4: [], ipv6: [], source: 'dns', failure: null, consecutiveFailures: 0, lookups: 0, nextAt: now };
}

export function resolutionStateOf(entry: DnsCacheEntry): ResolutionState {
  if (entry.ipv4.length + entry.ipv6.length > 0) return entry.failure === null ? 'resolved' : 'stale';
  return entry.lookups === 0 ? 'resolving' : 'failed';
}

/** A TTL of 0 would mean a lookup per request. One lookup per second from one thread is harmless. */
const ttlMinMs = 1000;

/**
 * Docker gives 600 s for names whose addresses change with each deploy, and a TTL of days outlives every move. A lookup
 * every half minute costs next to nothing.
 */
const ttlMaxMs = 30_000;

/** For answers without a TTL (the hosts file). */
const ttlDefaultMs = ttlMaxMs;

/** A failed lookup is repeated soon: a name that is missing at start often comes with the next container. */
const retryFirstMs = 1000;
const retryMaxMs = 30_000;

/** The next lookup comes after 75 to 90 % of the TTL: before it expires, and not for all names at the same moment. */
const refreshFrom = 0.75;
const refreshSpread = 0.15;

/** The entry after a lookup. `chance` is uniform in [0, 1). */
export function afterLookup(entry: DnsCacheEntry, outcome: LookupOutcome, now: Instant, chance: number): DnsCacheEntry {
  const found = [...outcome.families.values()].filter((family) => 'addresses' in family);
  const lookups = entry.lookups + 1;
  if (found.length === 0) {
    const consecutiveFailures = entry.consecutiveFailures + 1;
    const waitMs =
      Math.min(retryMaxMs, retryFirstMs * 2 ** Math.min(consecutiveFailures - 1, 10)) * (0.75 + chance / 4);
    return { ...entry, failure: gravest(outcome), consecutiveFailures, lookups, nextAt: after(now, waitMs) };
  }
  const ttlMs = Math.min(...found.map(({ ttlS }) => (ttlS === null ? ttlDefaultMs : ttlS * 1000)));
  const bounded = Math.min(ttlMaxMs, Math.max(ttlMinMs, ttlMs));
  return {
    ipv4: addressesAfter(entry.ipv4, outcome.families.get('ipv4')),
    ipv6: addressesAfter(entry.ipv6, outcome.families.get('ipv6')),
    source: outcome.source,
    failure: null,
    consecutiveFailures: 0,
    lookups,
    nextAt: after(now, bounded * (refreshFrom + refreshSpread * chance)),
  };
}

/**
 * The most addresses of one family that a name may have. Each is an endpoint with checks and connections of its own. It is
 * more than any service has; a DNS answer has room for 4,000.
 */
const addressesMax = 256;

/** Name servers rotate the order of addresses with each answer. Sorted, the endpoints do not seem to change. */
function addressesAfter(before: readonly string[], outcome: FamilyOutcome | undefined): readonly string[] {
  if (outcome === undefined) return [];
  if ('addresses' in outcome) return [...new Set(outcome.addresses)].toSorted().slice(0, addressesMax);
  // `dns_not_found` is an answer: there is no address of this family. Any other failure leaves the old addresses.
  return outcome.failure.cause === 'dns_not_found' ? [] : before;
}

/** The failure to report where both families failed: first one without an answer, since it may have had addresses. */
function gravest({ families }: LookupOutcome): Failure | null {
  const failures = [...families.values()].flatMap((family) => ('failure' in family ? [family.failure] : []));
  const graveness = ({ cause, evidence }: Failure): number => {
    if (cause !== 'dns_not_found') return 2;
    return 'rcode' in evidence && evidence.rcode === 'NXDOMAIN' ? 1 : 0;
  };
  return failures.toSorted((a, b) => graveness(b) - graveness(a))[0] ?? null;
}

export function familiesOf(choice: FamilyChoice): readonly Family[] {
  switch (choice) {
    case 'ipv4':
      return ['ipv4'];
    case 'ipv6':
      return ['ipv6'];
    case 'prefer_ipv4':
      return ['ipv4', 'ipv6'];
    case 'prefer_ipv6':
      return ['ipv6', 'ipv4'];
  }
}

/** One address of a name. */
export interface ResolvedAddress {
  readonly address: string;
  /** The same in the other family; null where there is none. */
  readonly secondAddress: string | null;
}

/**
 * The endpoints of a name: each address of the preferred family is one, and the nth address of the other family is its
 * second address. Both families of a name lead to the same machines; as endpoints of their own they would be counted
 * twice.
 */
export function resolvedAddressesOf(
  entry: Pick<DnsCacheEntry, Family>,
  choice: FamilyChoice,
  may: (address: string) => boolean,
): readonly ResolvedAddress[] {
  const [first = 'ipv4', second] = familiesOf(choice);
  const preferred = entry[first].filter(may);
  const others = second === undefined ? [] : entry[second].filter(may);
  if (preferred.length === 0) return others.map((address) => ({ address, secondAddress: null }));
  return preferred.map((address, at) => ({ address, secondAddress: others[at % others.length] ?? null }));
}
