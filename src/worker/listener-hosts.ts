import { createHash, hkdfSync } from 'node:crypto';
import type { ListenerCertificate, ListenerTls } from '../core/configuration.ts';
import type { TlsHosts, TlsHostSettings, TlsServer } from '../core/tls-server.ts';

/** RFC 5077 §4 as OpenSSL does it: a name, a key of AES and one of HMAC, 16 bytes each. */
const ticketKeyBytes = 48;

/** The TLS settings of a worker's listeners. What did not change with a snapshot stays the same object, so that its TLS context stays too. */
export class ListenerHosts {
  #known: ReadonlyMap<string, TlsHostSettings> = new Map();
  #next = new Map<string, TlsHostSettings>();
  readonly #tls: Pick<TlsServer, 'changeTicketKeys'>;
  #ticketKey: Uint8Array;

  /** `ticketKey`: 48 random bytes, which all workers have. */
  constructor(tls: Pick<TlsServer, 'changeTicketKeys'>, ticketKey: Uint8Array) {
    this.#tls = tls;
    this.#ticketKey = ticketKey;
  }

  /** Tickets from now on are made with this key; clients with older ones do a full handshake. */
  changeTicketKey(ticketKey: Uint8Array): void {
    this.#ticketKey = ticketKey;
    for (const settings of new Set([...this.#known.values(), ...this.#next.values()]))
      this.#tls.changeTicketKeys(settings, this.#ticketKeysOf(settings.id));
  }

  /** The hosts of one listener of a snapshot. Call `forgetOthers` after the last one. */
  of(tls: ListenerTls): TlsHosts {
    const byName = new Map<string, TlsHostSettings>();
    const all = tls.certificates.map((certificate) => {
      const settings = this.#settingsOf(certificate, tls);
      for (const name of certificate.names) if (!byName.has(name)) byName.set(name, settings);
      return settings;
    });
    return new HostsByName(byName, all[0] as TlsHostSettings, tls.servesUnknownNames);
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

  #settingsOf({ certificate, key }: ListenerCertificate, tls: ListenerTls): TlsHostSettings {
    const { versionMin, ciphers, clientCertificates } = tls;
    const parts = { certificate, key, versionMin, ciphers, clientCertificates };
    const id = createHash('sha256').update(JSON.stringify(parts)).digest('base64url').slice(0, 32);
    const known = this.#next.get(id) ?? this.#known.get(id);
    const settings = known ?? { id, ...parts, ticketKeys: this.#ticketKeysOf(id) };
    this.#next.set(id, settings);
    return settings;
  }

  /** A key per host: a ticket of one cannot even be read at another. */
  #ticketKeysOf(id: string): Uint8Array {
    return new Uint8Array(hkdfSync('sha256', this.#ticketKey, '', `candor ticket ${id}`, ticketKeyBytes));
  }
}

class HostsByName implements TlsHosts {
  readonly #byName: ReadonlyMap<string, TlsHostSettings>;
  readonly #first: TlsHostSettings;
  readonly #servesUnknown: boolean;

  constructor(byName: ReadonlyMap<string, TlsHostSettings>, first: TlsHostSettings, servesUnknown: boolean) {
    this.#byName = byName;
    this.#first = first;
    this.#servesUnknown = servesUnknown;
  }

  hostFor(serverName: string | null): TlsHostSettings | null {
    if (serverName === null) return this.#first;
    return findByHost(this.#byName, serverName) ?? (this.#servesUnknown ? this.#first : null);
  }
}

/** What a host name has in a map of names and wildcards. A wildcard stands for one label (RFC 6125 §6.4.3). */
export function findByHost<T>(byName: ReadonlyMap<string, T>, host: string): T | undefined {
  const exact = byName.get(host);
  if (exact !== undefined) return exact;
  const dot = host.indexOf('.');
  return dot === -1 ? undefined : byName.get(`*${host.slice(dot)}`);
}
