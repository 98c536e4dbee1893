import { createHash, hkdfSync } from 'node:crypto';
import type { ListenerCertificate, ListenerTls, OnDemandTls } from '../core/listener-spec.ts';
import { type ManagedTls, noManagedTls } from '../core/managed-tls.ts';
import { isOnDemandName } from '../core/on-demand.ts';
import type { CertificateWithKey, TlsHosts, TlsHostSettings, TlsServer } from '../core/tls-server.ts';
import type { AskedNames } from './asked-names.ts';

/** RFC 5077 §4 as OpenSSL does it: a name, a key of AES and one of HMAC, 16 bytes each. */
const ticketKeyBytes = 48;

/** The TLS settings of a worker's listeners. What did not change with a snapshot stays the same object, so that its TLS context stays too. */
export class ListenerHosts {
  #known: ReadonlyMap<string, TlsHostSettings> = new Map();
  #next = new Map<string, TlsHostSettings>();
  readonly #tls: Pick<TlsServer, 'changeTicketKeys'>;
  #ticketKey: Uint8Array;
  /** Certificates that were obtained automatically, by the name that each is for. */
  #managed: ReadonlyMap<string, ListenerCertificate> = new Map();
  /** What a CA is shown that looks for a challenge, by the host. */
  #challenges: ReadonlyMap<string, TlsHostSettings> = new Map();

  readonly #asked: NotedNames;

  /** `ticketKey`: 48 random bytes, which all workers have. `asked`: gets the names for which certificates are obtained on demand. */
  constructor(
    tls: Pick<TlsServer, 'changeTicketKeys'>,
    ticketKey: Uint8Array,
    asked: NotedNames,
    managed: ManagedTls = noManagedTls,
  ) {
    this.#asked = asked;
    this.#tls = tls;
    this.#ticketKey = ticketKey;
    this.changeManaged(managed.certificates, managed);
  }

  /** Tickets from now on are made with this key; clients with older ones do a full handshake. */
  changeTicketKey(ticketKey: Uint8Array): void {
    this.#ticketKey = ticketKey;
    for (const settings of new Set([...this.#known.values(), ...this.#next.values()]))
      this.#tls.changeTicketKeys(settings, this.#ticketKeysOf(settings.id));
  }

  /** Null leaves the certificates as they are. Listeners show them when `of` has been called again; challenges are shown at once. */
  changeManaged(certificates: ManagedTls['certificates'] | null, { challenges }: Pick<ManagedTls, 'challenges'>): void {
    if (certificates !== null)
      this.#managed = new Map(certificates.flatMap((one) => one.names.map((name) => [name, one] as const)));
    const settings = challenges.flatMap((one) => (one.kind === 'tls-alpn-01' ? [one] : []));
    this.#challenges = new Map(settings.map((one) => [one.domain, this.#settingsOf([one], challengeTls)]));
  }

  /** Whether a certificate for `host` has been obtained automatically. */
  isObtained(host: string): boolean {
    return findByHost(this.#managed, host) !== undefined;
  }

  /** The hosts of one listener of a snapshot. Call `forgetOthers` after the last one. */
  of(tls: ListenerTls): TlsHosts {
    const byName = new Map<string, TlsHostSettings>();
    const ofOne = new Map<CertificateWithKey, TlsHostSettings>();
    const all = tls.certificates.map((certificate) => {
      for (const name of certificate.names)
        if (!byName.has(name))
          byName.set(name, this.#sharedSettingsOf(oneOfEachKind(name, tls.certificates), tls, ofOne));
      return byName.get(certificate.names[0] ?? '') ?? this.#settingsOf([certificate], tls);
    });
    const awaited = new Set<string>();
    for (const host of tls.automatic?.hosts ?? []) {
      if (byName.has(host)) continue;
      const certificate = this.#managed.get(host);
      if (certificate === undefined) awaited.add(host);
      else {
        const settings = this.#settingsOf([certificate], tls);
        byName.set(host, settings);
        all.push(settings);
      }
    }
    const onDemand = tls.automatic?.kind === 'acme' ? tls.automatic.onDemand : null;
    const obtained = new Set<string>();
    for (const [name, certificate] of onDemand === null ? none : this.#managed) {
      if (byName.has(name) || onDemand === null || !isOnDemandName(onDemand, name)) continue;
      byName.set(name, this.#settingsOf([certificate], tls));
      obtained.add(name);
    }
    const names = onDemand === null ? null : { onDemand, obtained, asked: this.#asked };
    return new HostsByName(byName, all[0] ?? null, tls.servesUnknownNames, awaited, () => this.#challenges, names);
  }

  /** A snapshot begins. Forgets what belongs to one that was not activated. */
  begin(): void {
    this.#next = new Map();
  }

  /** Forgets settings that the last snapshot does not have. */
  forgetOthers(): void {
    this.#known = this.#next;
    this.#next = new Map();
  }

  #settingsOf(
    certificates: readonly CertificateWithKey[],
    tls: Pick<TlsHostSettings, 'versionMin' | 'ciphers' | 'clientCertificates'>,
  ): TlsHostSettings {
    const { versionMin, ciphers, clientCertificates } = tls;
    const parts = {
      certificates: certificates.map(({ certificate, key }) => ({ certificate, key })),
      versionMin,
      ciphers,
      clientCertificates,
    };
    const id = createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 32);
    const known = this.#next.get(id) ?? this.#known.get(id);
    const settings = known ?? { id, ...parts, ticketKeys: this.#ticketKeysOf(id) };
    this.#next.set(id, settings);
    return settings;
  }

  /** As above. A certificate of many names is hashed once, not for each name: that takes some 20 µs. `ofOne` has what was hashed. */
  #sharedSettingsOf(
    certificates: readonly CertificateWithKey[],
    tls: ListenerTls,
    ofOne: Map<CertificateWithKey, TlsHostSettings>,
  ): TlsHostSettings {
    const [certificate] = certificates;
    if (certificate === undefined || certificates.length > 1) return this.#settingsOf(certificates, tls);
    const settings = ofOne.get(certificate) ?? this.#settingsOf(certificates, tls);
    ofOne.set(certificate, settings);
    return settings;
  }

  /** A key per host: a ticket of one cannot even be read at another. */
  #ticketKeysOf(id: string): Uint8Array {
    return new Uint8Array(hkdfSync('sha256', this.#ticketKey, '', `candor ticket ${id}`, ticketKeyBytes));
  }
}

/** The certificates of a name, the first of each kind of key: clients get the one that they can check. */
function oneOfEachKind(name: string, all: readonly ListenerCertificate[]): readonly ListenerCertificate[] {
  const byKind = new Map<string | undefined, ListenerCertificate>();
  for (const one of all) {
    const kind = one.facts?.keyType;
    if (one.names.includes(name) && !byKind.has(kind)) byKind.set(kind, one);
  }
  return [...byKind.values()];
}

/** A CA shows no client certificate, and may speak only what RFC 8737 §4 asks for. */
const challengeTls = { versionMin: 'TLSv1.2', ciphers: null, clientCertificates: null } as const;

const none: ReadonlyMap<string, ListenerCertificate> = new Map();

type NotedNames = Pick<AskedNames, 'noteAsked' | 'noteUsed'>;

/** Names that certificates are obtained for when clients ask for them. */
interface NamesOnDemand {
  readonly onDemand: OnDemandTls;
  /** Those that have one. */
  readonly obtained: ReadonlySet<string>;
  readonly asked: NotedNames;
}

class HostsByName implements TlsHosts {
  readonly #byName: ReadonlyMap<string, TlsHostSettings>;
  readonly #first: TlsHostSettings | null;
  readonly #servesUnknown: boolean;
  readonly #awaited: ReadonlySet<string>;
  readonly #challenges: () => ReadonlyMap<string, TlsHostSettings>;
  readonly #names: NamesOnDemand | null;

  constructor(
    byName: ReadonlyMap<string, TlsHostSettings>,
    first: TlsHostSettings | null,
    servesUnknown: boolean,
    awaited: ReadonlySet<string>,
    challenges: () => ReadonlyMap<string, TlsHostSettings>,
    names: NamesOnDemand | null,
  ) {
    this.#names = names;
    this.#awaited = awaited;
    this.#challenges = challenges;
    this.#byName = byName;
    this.#first = first;
    this.#servesUnknown = servesUnknown;
  }

  hostFor(serverName: string | null): TlsHostSettings | null {
    if (serverName === null) return this.#first;
    const found = findByHost(this.#byName, serverName);
    if (found !== undefined) return found;
    return this.#servesUnknown && !this.isAwaited(serverName) ? this.#first : null;
  }

  isAwaited(serverName: string): boolean {
    if (this.#awaited.size > 0 && (this.#awaited.has(serverName) || this.#awaited.has(wildcardOf(serverName))))
      return true;
    if (this.#names === null || findByHost(this.#byName, serverName) !== undefined) return false;
    return isOnDemandName(this.#names.onDemand, serverName);
  }

  noteAsked(serverName: string, client: { readonly clientAddress: string }): void {
    const names = this.#names;
    if (names === null) return;
    if (names.obtained.has(serverName)) return names.asked.noteUsed(serverName);
    if (this.isAwaited(serverName)) names.asked.noteAsked(serverName, client.clientAddress);
  }

  challengeFor(serverName: string): TlsHostSettings | null {
    return this.#challenges().get(serverName) ?? null;
  }
}

/** What a host name has in a map of names and wildcards. A wildcard stands for one label (RFC 6125 §6.4.3). */
export function findByHost<T>(byName: ReadonlyMap<string, T>, host: string): T | undefined {
  const exact = byName.get(host);
  if (exact !== undefined) return exact;
  return byName.get(wildcardOf(host));
}

/** The host itself if it has one label: no wildcard stands for it. */
function wildcardOf(host: string): string {
  const dot = host.indexOf('.');
  return dot === -1 ? host : `*${host.slice(dot)}`;
}
