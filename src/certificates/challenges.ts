import { createHash } from 'node:crypto';
import type { Result } from '#failures/result.ts';
import type { ChallengeKind } from '../core/listener-spec.ts';
import type { HttpChallenge, TlsAlpnChallenge } from '../core/managed-tls.ts';
import { challengeCertificate } from './tls-alpn-certificate.ts';

/** What has to be shown to the CA. */
export type PreparedChallenge = HttpChallenge | TlsAlpnChallenge | DnsChallenge;

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
  /**
   * Resolves when the CA may look: with what was seen of it meanwhile, a clause, or null. A failure is a sentence with what to do. Never
   * rejects.
   */
  present(challenge: PreparedChallenge): Promise<Result<string | null, string>>;
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

/** Where one way to show a challenge has failed, the next one may be open. */
export function turned(responder: ChallengeResponder, failures: number): ChallengeResponder {
  const at = failures % Math.max(1, responder.kinds.length);
  return {
    kinds: [...responder.kinds.slice(at), ...responder.kinds.slice(0, at)],
    present: (challenge) => responder.present(challenge),
    cleanUp: (challenge) => responder.cleanUp(challenge),
  };
}
