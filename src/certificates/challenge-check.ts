import type { HttpChallenge, TlsAlpnChallenge } from '../core/managed-tls.ts';
import { after, type Clock } from '../core/time.ts';
import { plainText } from './acme-documents.ts';
import type { AcmeTransport } from './acme-transport.ts';
import type { ChallengeCheck, ChallengeFinding } from './authorize.ts';
import type { PreparedChallenge } from './challenges.ts';
import { type ChallengePort, fixFor, type OwnSight } from './challenge-fix.ts';
import { addressesOf } from './name-queries.ts';
import { probeTlsAlpn } from './tls-alpn-probe.ts';

const answerMsMax = 5000;

export interface ChallengePorts {
  /** For HTTP-01 and for TLS-ALPN-01. */
  readonly http: ChallengePort;
  readonly tls: ChallengePort;
}

/** Where the CA looks by RFC 8555 §8.3 and RFC 8737 §3, and where nothing is known of the gateway's own ports. */
export const standardPorts: ChallengePorts = { http: { asked: 80, own: null }, tls: { asked: 443, own: null } };

/**
 * Asks this machine what the CA asked. The CA may see something else (other name servers, a port that is forwarded, a firewall), so that it
 * is said from where this was seen.
 */
export class OwnChallengeCheck implements ChallengeCheck {
  readonly #transport: AcmeTransport;
  readonly #clock: Clock;
  readonly #ports: ChallengePorts;

  constructor(transport: AcmeTransport, clock: Clock, ports: ChallengePorts = standardPorts) {
    this.#transport = transport;
    this.#clock = clock;
    this.#ports = ports;
  }

  async explain(challenge: PreparedChallenge, problemType: string | null): Promise<ChallengeFinding | null> {
    if (challenge.kind === 'dns-01') return null;
    const port = challenge.kind === 'http-01' ? this.#ports.http : this.#ports.tls;
    const addresses = await addressesOf(challenge.domain);
    const sight: OwnSight =
      addresses === null
        ? { kind: 'no_name', text: `the name ${challenge.domain} does not resolve` }
        : await this.#look(challenge, port.asked);
    const at = addresses === null || addresses.length === 0 ? '' : ` (${addresses.join(', ')})`;
    const subject = sight.kind === 'no_name' ? '' : `port ${port.asked} of ${challenge.domain}${at} `;
    const forwarded =
      port.own === null || port.own === port.asked ? '' : `, and the gateway listens on port ${port.own}`;
    return {
      seen: `seen from this machine, ${subject}${sight.text}${forwarded}`,
      fix: fixFor(challenge.domain, port, sight.kind, problemType),
    };
  }

  async #look(challenge: HttpChallenge | TlsAlpnChallenge, port: number): Promise<OwnSight> {
    const abort = new AbortController();
    const timer = this.#clock.schedule(after(this.#clock.now(), answerMsMax), () => abort.abort(), undefined);
    try {
      return challenge.kind === 'http-01'
        ? await this.#ask(challenge, port, abort.signal)
        : await probeTlsAlpn(challenge, port, abort.signal);
    } finally {
      timer.cancel();
    }
  }

  async #ask({ domain, token, keyAuthorization }: HttpChallenge, port: number, signal: AbortSignal): Promise<OwnSight> {
    const url = `http://${port === 80 ? domain : `${domain}:${port}`}/.well-known/acme-challenge/${token}`;
    const sent = await this.#transport.send({ method: 'GET', url, headers: {}, body: null }, signal);
    if (!sent.ok) {
      const { reason, code } = sent.failure;
      if (reason === 'refused') return { kind: 'silent', text: 'refuses connections' };
      return { kind: 'silent', text: `does not answer (${code === '' ? reason : code})` };
    }
    const { status, headers, body } = sent.value;
    if (status >= 300 && status < 400) {
      const to = plainText(headers['location'] ?? 'nowhere');
      return { kind: 'redirected', text: `redirects the challenge (${status}) to ${to}` };
    }
    if (body.trim() === keyAuthorization) return { kind: 'ours', text: 'answers as it should' };
    const server = headers['server'];
    const who = server === undefined ? 'another server' : plainText(server);
    return { kind: 'foreign', text: `is answered by ${who}, not by us (status ${status})` };
  }
}
