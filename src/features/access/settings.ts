import type { GatewayStatus } from '../../core/schemas/status.ts';

export const accessName = 'access';

/** Which clients may ask a route. Each rule that is there must let the request pass. */
export interface AccessSpec {
  readonly networks: NetworkRules | null;
  readonly countries: CountryRules | null;
  readonly userAgents: RuleLists | null;
  readonly certificates: RuleLists<CertificateRule> | null;
  /** Requests that would be refused are counted, and pass. */
  readonly isDryRun: boolean;
}

/** What is denied is refused, also where it is allowed as well. Null: there is no such list. */
export interface RuleLists<T = string> {
  readonly allow: readonly T[] | null;
  readonly deny: readonly T[] | null;
}

interface NetworkRules {
  readonly allow: NetworkList | null;
  readonly deny: NetworkList | null;
}

export interface NetworkList {
  /** As people have written it: networks, or the name of a file. */
  readonly shown: string;
  readonly count: number;
  /** By `packRanges`: every route and thread has the same bytes. */
  readonly packed: SharedArrayBuffer;
  /** Of its content: another content makes another configuration. */
  readonly version: string;
}

export interface CountryRules extends RuleLists {
  /** Whether a client may ask whose country the file does not have. */
  readonly allowsUnknown: boolean;
  /** Absolute. */
  readonly file: string;
  /** Of its content: another content makes another configuration. */
  readonly version: string;
  /** The content, in memory that workers share; the file's specification has none. */
  readonly database?: SharedArrayBuffer;
}

/** Each key that is there must hold for the certificate. */
export interface CertificateRule {
  readonly subject?: string | undefined;
  readonly issuer?: string | undefined;
  /** SHA-256, in lowercase hexadecimal digits. */
  readonly fingerprint?: string | undefined;
}

/** What may refuse a request: a key of `access`. */
export type AccessRule = 'deny' | 'allow' | 'certificates' | 'user_agents' | 'countries';

export type AccessStatus = Pick<GatewayStatus, 'access'>;
