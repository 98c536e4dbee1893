import { createHash } from 'node:crypto';
import type { Result } from '../core/result.ts';
import { type ChallengeCertificate, challengeCertificate } from './tls-alpn-certificate.ts';

/** How a CA may convince itself that a name is ours. */
export type ChallengeKind = 'http-01' | 'tls-alpn-01' | 'dns-01';

/** What has to be shown to the CA. */
export type PreparedChallenge = HttpChallenge | TlsAlpnChallenge | DnsChallenge;

/** `GET http://<domain>/.well-known/acme-challenge/<token>` is answered with the key authorization (RFC 8555 §8.3). */
export interface HttpChallenge {
  readonly kind: 'http-01';
  readonly domain: string;
  readonly token: string;
  readonly keyAuthorization: string;
}

/** A handshake on port 443 for `domain` that offers only `acme-tls/1` gets this certificate (RFC 8737 §3). */
export interface TlsAlpnChallenge extends ChallengeCertificate {
  readonly kind: 'tls-alpn-01';
  readonly domain: string;
}

/** A TXT record (RFC 8555 §8.4). */
export interface DnsChallenge {
  readonly kind: 'dns-01';
  readonly domain: string;
  /** '_acme-challenge.example.org', without a dot at the end. */
  readonly recordName: string;
  readonly value: string;
}

/** Shows challenges to the CA. */
export interface ChallengeResponder {
  /** The kinds that can be shown, the preferred one first. */
  readonly kinds: readonly ChallengeKind[];
  /** Resolves when the CA may look. A failure is a sentence with what to do. Never rejects. */
  present(challenge: PreparedChallenge): Promise<Result<null, string>>;
  /** Called once for each challenge that was presented, also in vain. Never rejects. */
  cleanUp(challenge: PreparedChallenge): Promise<void>;
}

/** `domain`: the name of the authorization, without '*.'. */
export function prepareChallenge(
  kind: ChallengeKind,
  domain: string,
  token: string,
  keyAuthorization: string,
  wallTime: number,
): PreparedChallenge {
  if (kind === 'http-01') return { kind, domain, token, keyAuthorization };
  if (kind === 'tls-alpn-01') return { kind, domain, ...challengeCertificate(domain, keyAuthorization, wallTime) };
  const value = createHash('sha256').update(keyAuthorization).digest('base64url');
  return { kind, domain, recordName: `_acme-challenge.${domain}`, value };
}
