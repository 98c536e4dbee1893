import type { ChallengeKind, ListenerCertificate } from './listener-spec.ts';
import type { EventSink } from './event.ts';
import type { AskedName } from './on-demand.ts';
import type { Random } from './random.ts';
import type { Clock } from './time.ts';

/** Where a gateway keeps certificates and accounts, in its state folder. */
export const certificatesFolder = 'certificates';

/** There: the certificate of a local CA, which clients are told to trust. */
export const localAuthorityName = 'local-ca.pem';

/** There: the local CA with its key, and the hosts that it was made for. */
export const localAuthorityState = 'local-ca.json';

/** The name below which a local CA may issue for `host`: names below `.localhost` and `.test` never leave a machine or a test (RFC 6761 §6). */
export function constraintOf(host: string): string {
  return /(?:^|\.)(localhost|test)$/.exec(host)?.[1] ?? host.replace(/^\*\./, '');
}

/** The hosts of `wanted` that a local CA made for `madeFor` may not issue for. */
export function hostsBeyond(madeFor: readonly string[], wanted: readonly string[]): readonly string[] {
  const bases = new Set(madeFor.map(constraintOf));
  return wanted.filter((host) => !madeFor.includes(host) && !isReserved(host, bases));
}

function isReserved(host: string, bases: ReadonlySet<string>): boolean {
  const base = constraintOf(host);
  return (base === 'localhost' || base === 'test') && bases.has(base);
}

/** The hosts that a local CA was made for, from the text of its file; null: it cannot be read. */
export function hostsOfAuthority(text: string): readonly string[] | null {
  try {
    const { hosts } = JSON.parse(text) as { hosts?: unknown };
    return Array.isArray(hosts) && hosts.every((host) => typeof host === 'string') ? hosts : null;
  } catch {
    return null;
  }
}

/** What workers need of the certificates that the gateway obtains by itself. Plain, structured-cloneable. A secret. */
export interface ManagedTls {
  /** Those of all listeners; each has the names that it was obtained for. */
  readonly certificates: readonly ListenerCertificate[];
  /** What CAs look for at the moment. */
  readonly challenges: readonly ShownChallenge[];
}

export const noManagedTls: ManagedTls = { certificates: [], challenges: [] };

/** A challenge that workers show to a CA. */
export type ShownChallenge = HttpChallenge | TlsAlpnChallenge;

/** `GET http://<domain>/.well-known/acme-challenge/<token>` is answered with the key authorization (RFC 8555 §8.3). */
export interface HttpChallenge {
  readonly kind: 'http-01';
  readonly domain: string;
  readonly token: string;
  readonly keyAuthorization: string;
}

/** A handshake on port 443 for `domain` that offers only `acme-tls/1` gets this certificate, in PEM (RFC 8737 §3). */
export interface TlsAlpnChallenge {
  readonly kind: 'tls-alpn-01';
  readonly domain: string;
  readonly certificate: string;
  readonly key: string;
}

/** What operators are told about a certificate that the gateway obtains by itself. */
export interface ManagedState {
  readonly names: readonly string[];
  /** Milliseconds since the Unix epoch, as below; null: there is none yet. */
  readonly notAfter: number | null;
  /** When it is to be renewed; null: there is none yet. */
  readonly renewAt: number | null;
  /** The last attempt, if it has failed; null otherwise. */
  readonly failure: ManagedFailure | null;
  /** What the order in progress, or the one that is due, waits for; null: nothing is to be ordered now. */
  readonly progress: ManagedProgress | null;
}

/** Of an order: it is due (`queued`, `other_process`), or it is at one of the steps of RFC 8555. */
export type ManagedStep =
  /** Another certificate is being ordered: one after the other. */
  | 'queued'
  /** Another process that shares the state folder orders. */
  | 'other_process'
  | 'account'
  | 'order'
  /** The challenge is being made visible: in all workers, or by `dns_hook` at the name servers of the zone. */
  | 'challenge'
  /** The CA looks for the challenge. */
  | 'validation'
  | 'finalize';

export interface ManagedProgress {
  readonly step: ManagedStep;
  /** URL of the directory of the CA; null before one is asked. */
  readonly authority: string | null;
  /** The name whose challenge it is, and its kind; null at the other steps. */
  readonly name: string | null;
  readonly challenge: ChallengeKind | null;
  /** When the step began. */
  readonly since: number;
}

/** What an order waits for, a clause. `host`: of the directory. */
export function progressText({ step, authority, name, challenge }: ManagedProgress): string {
  const host = /^https:\/\/([^/]+)/.exec(authority ?? '')?.[1] ?? 'the CA';
  switch (step) {
    case 'queued':
      return 'waits for the order of another certificate';
    case 'other_process':
      return 'waits for another process, which owns the state folder and orders';
    case 'account':
      return `registers the account at ${host}`;
    case 'order':
      return `orders it from ${host}`;
    case 'challenge':
      return `makes the ${challenge} challenge of ${name} visible`;
    case 'validation':
      return `waits until ${host} has validated ${name} by ${challenge}`;
    case 'finalize':
      return `waits until ${host} has issued it`;
  }
}

export interface ManagedFailure {
  /** One sentence each: what happened, and what to do. */
  readonly reason: string;
  readonly fix: string;
  readonly at: number;
  /** When the next attempt begins. */
  readonly retryAt: number;
}

/**
 * 'next attempt in 90 s', 'in 6 min', 'in 3 h': the same in each output. Rounded up, but for two seconds: a status knows the gateway's
 * clock to the second only. Both in milliseconds since the Unix epoch.
 */
export function nextAttemptText(retryAt: number, wallTime: number): string {
  const seconds = Math.max(1, Math.ceil((retryAt - wallTime) / 1000));
  if (seconds < 120) return `next attempt in ${seconds} s`;
  return seconds < 7200
    ? `next attempt in ${Math.ceil((seconds - 2) / 60)} min`
    : `next attempt in ${Math.ceil((seconds - 2) / 3600)} h`;
}

/** Keeps the hosts of listeners supplied with certificates. */
export interface CertificateSupply {
  /** Begins, or goes on with other hosts. What is on the disk is published before this returns. */
  setHosts(hosts: readonly string[]): void;
  states(): readonly ManagedState[];
  /** Names that clients ask for; null: only hosts get certificates. */
  readonly onDemand: OnDemandSupply | null;
  /** Orders nothing new. Resolves when what is in progress has ended. */
  close(): Promise<void>;
}

interface OnDemandSupply {
  /** A client has asked for this name, in lowercase: one without a certificate, or with one that was obtained so. */
  note(asked: AskedName): void;
  /** Why it has no certificate, a clause; null: nothing is known beside its state. */
  reasonFor(name: string): string | null;
}

/** Where the gateway listens in clear text and with certificates that it obtains; null: nowhere. */
export interface ListeningPorts {
  readonly plain: number | null;
  readonly tls: number | null;
}

/** What a supply needs of the gateway. */
export interface CertificateSupplyPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly events: EventSink;
  /** The folder of certificates and accounts: absolute. */
  readonly folder: string;
  /** Recursive name servers in place of those of the system; empty: those of the system. */
  readonly nameServers: readonly string[];
  /** All certificates that are there, whenever one changes. Resolves when clients are shown them. */
  publish(certificates: readonly ListenerCertificate[]): Promise<void>;
  /** Resolves when all workers show it. */
  show(challenge: ShownChallenge): Promise<void>;
  hide(challenge: ShownChallenge): Promise<void>;
}
