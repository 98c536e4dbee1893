import { hostPort } from '../core/endpoint.ts';
import type { HttpChallenge, TlsAlpnChallenge } from '../core/managed-tls.ts';
import { after, type Clock } from '../core/time.ts';
import { plainText } from './acme-documents.ts';
import type { AcmeTransport } from './acme-transport.ts';
import type { ChallengeCheck, ChallengeFinding } from './authorize.ts';
import type { PreparedChallenge } from './challenges.ts';
import { type ChallengePort, fixFor, fixForOthers, type OwnSight } from './challenge-fix.ts';
import { type AddressAnswer, addressesOf } from './name-queries.ts';
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
  readonly #addressesOf: (domain: string) => Promise<AddressAnswer>;

  constructor(
    transport: AcmeTransport,
    clock: Clock,
    ports: ChallengePorts = standardPorts,
    findAddresses: (domain: string) => Promise<AddressAnswer> = addressesOf,
  ) {
    this.#addressesOf = findAddresses;
    this.#transport = transport;
    this.#clock = clock;
    this.#ports = ports;
  }

  async explain(challenge: PreparedChallenge, problemType: string | null): Promise<ChallengeFinding | null> {
    if (challenge.kind === 'dns-01') return null;
    const { domain } = challenge;
    const port = challenge.kind === 'http-01' ? this.#ports.http : this.#ports.tls;
    const addresses = await this.#addressesOf(domain);
    if (typeof addresses === 'string') {
      const isUnknown = addresses === 'ENOTFOUND';
      const text = isUnknown ? 'does not resolve' : `cannot be resolved, as name servers do not answer (${addresses})`;
      const fix = fixFor(domain, port, isUnknown ? 'no_name' : 'no_resolution', problemType);
      return { seen: `seen from this machine, the name ${domain} ${text}`, fix };
    }
    const looked = await Promise.all(
      addresses.map(async (address) => ({ address, sight: await this.#look(challenge, address, port.asked) })),
    );
    const forwarded =
      port.own === null || port.own === port.asked ? '' : `, and the gateway listens on port ${port.own}`;
    const others = looked.filter(({ sight }) => sight.kind !== 'ours');
    const sight = (others[0] ?? looked[0])?.sight;
    if (sight === undefined) return null;
    const isOfSome = others.length > 0 && others.length < looked.length;
    return {
      seen: `seen from this machine, port ${port.asked} of ${domain} ${sightsText(looked)}${forwarded}`,
      fix: isOfSome
        ? fixForOthers(
            domain,
            others.map(({ address }) => address),
          )
        : fixFor(domain, port, sight.kind, problemType),
    };
  }

  async #look(challenge: HttpChallenge | TlsAlpnChallenge, address: string, port: number): Promise<OwnSight> {
    const abort = new AbortController();
    const timer = this.#clock.schedule(after(this.#clock.now(), answerMsMax), () => abort.abort(), undefined);
    try {
      return challenge.kind === 'http-01'
        ? await this.#ask(challenge, address, port, abort.signal)
        : await probeTlsAlpn(challenge, port, abort.signal, address);
    } finally {
      timer.cancel();
    }
  }

  async #ask(
    { domain, token, keyAuthorization }: HttpChallenge,
    address: string,
    port: number,
    signal: AbortSignal,
  ): Promise<OwnSight> {
    const url = `http://${hostPort(address, port)}/.well-known/acme-challenge/${token}`;
    const asked = { host: port === 80 ? domain : `${domain}:${port}` };
    const sent = await this.#transport.send({ method: 'GET', url, headers: asked, body: null }, signal);
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

interface LookedAt {
  readonly address: string;
  readonly sight: OwnSight;
}

/** '(::1, 192.0.2.13) refuses connections', or what is so at each address: a name may lead to several servers. */
function sightsText(looked: readonly LookedAt[]): string {
  const texts = new Map<string, string[]>();
  // What is wrong comes first.
  const sorted = looked.toSorted((a, b) => Number(a.sight.kind === 'ours') - Number(b.sight.kind === 'ours'));
  for (const { address, sight } of sorted) texts.set(sight.text, [...(texts.get(sight.text) ?? []), address]);
  const parts = [...texts].map(([text, addresses]) => [addresses.join(', '), text] as const);
  if (parts.length === 1) return parts.map(([addresses, text]) => `(${addresses}) ${text}`).join();
  return parts.map(([addresses, text]) => `at ${addresses} ${text}`).join(', ');
}
