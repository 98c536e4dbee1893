import { hostPort } from '../core/endpoint.ts';
import type { HttpChallenge, TlsAlpnChallenge } from '../core/managed-tls.ts';
import { after, type Clock } from '../core/time.ts';
import { plainText, type AcmeTransport } from './acme-documents.ts';
import type { ChallengeCheck, ChallengeFinding } from './authorize.ts';
import type { PreparedChallenge } from './challenges.ts';
import { type AddressAnswer, addressesOf } from './name-queries.ts';
import { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';

const answerMsMax = 5000;

export interface ChallengePorts {
  /** For HTTP-01 and for TLS-ALPN-01. */
  readonly http: ChallengePort;
  readonly tls: ChallengePort;
}

/** Where the CA looks by RFC 8555 §8.3 and RFC 8737 §3, and where nothing is known of the gateway's own ports. */
const standardPorts: ChallengePorts = { http: { asked: 80, own: null }, tls: { asked: 443, own: null } };

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

/** Where a CA looks, and where the gateway listens for it. */
interface ChallengePort {
  readonly asked: number;
  /** Null: the gateway has no such listener, or it is not known. */
  readonly own: number | null;
}

/** What this machine sees where the CA looked. */
interface OwnSight {
  readonly kind: 'silent' | 'redirected' | 'foreign' | 'ours';
  /** What is so, without its subject, the port of the name. */
  readonly text: string;
}

/** 'no_name': the name does not exist. 'no_resolution': name servers do not say whether it does. */
export type OwnFinding = OwnSight['kind'] | 'no_name' | 'no_resolution';

/** The CA found no address, no connection, or an answer that is not ours. The last where it says something else. */
type CaView = 'no_name' | 'no_connection' | 'other_answer';

const views: Readonly<Record<string, CaView>> = { dns: 'no_name', connection: 'no_connection', tls: 'no_connection' };

/** What to do: where both views differ, the CA's decides. `problemType`: the CA's; null: it gave none. */
export function fixFor(
  domain: string,
  { asked, own }: ChallengePort,
  sight: OwnFinding,
  problemType: string | null,
): string {
  const view = views[problemType ?? ''] ?? 'other_answer';
  const asksServers = `let the name servers of ${domain} answer (\`dig ${domain}\` shows whether they do)`;
  if (view === 'no_name')
    return sight === 'no_name'
      ? `add an A or AAAA record for ${domain}`
      : sight === 'no_resolution'
        ? asksServers
        : `add an A or AAAA record for ${domain} at the name servers that the Internet asks: this machine has the address from others`;
  const forward =
    own === null || own === asked
      ? `let the gateway have port ${asked}`
      : `forward port ${asked} of that address to port ${own} of the gateway`;
  switch (sight) {
    case 'redirected':
      return 'let requests for /.well-known/acme-challenge/ through to this gateway without a redirect';
    case 'foreign':
      return asked === 443
        ? `${forward}, or let the server that has it pass TLS connections on as they are`
        : `let ${domain} resolve to this gateway, and ${forward} or receive /.well-known/acme-challenge/ from that server`;
    case 'ours':
      return `let the Internet reach it: look at the firewall, and whether every address of ${domain} that public name servers give (AAAA as well) leads here`;
    case 'no_name':
      return `add an A or AAAA record for ${domain}; if public name servers have one, let it lead to this gateway, and ${forward}`;
    case 'no_resolution':
      return `${asksServers}; if they do, ${forward}`;
    case 'silent':
      return view === 'no_connection'
        ? `${forward}, and let the firewall let connections through to it; if the address is not that of this gateway, correct the A or AAAA record of ${domain}`
        : `the CA reaches another server than this machine does: let every address of ${domain} that public name servers give (AAAA as well) lead to this gateway, and ${forward}`;
  }
}

/** What to do where some addresses of a name lead to this gateway, and `others` do not: most often an old AAAA record. */
export function fixForOthers(domain: string, others: readonly string[]): string {
  const records = others
    .map((address) => `${address.includes(':') ? 'AAAA' : 'A'} record ${address}`)
    .join(' and the ');
  return `let the ${records} of ${domain} lead to this gateway, or remove ${others.length === 1 ? 'it' : 'them'}`;
}

/** Shakes hands for `acme-tls/1` as the CA does (RFC 8737 §3), and compares the certificate. Never rejects. */
export function probeTlsAlpn(
  { domain, certificate }: TlsAlpnChallenge,
  port: number,
  signal: AbortSignal,
  host = domain,
): Promise<OwnSight> {
  const options = { host, port, servername: domain, ALPNProtocols: ['acme-tls/1'], rejectUnauthorized: false };
  return new Promise((resolve) => {
    const socket = connect(options);
    const end = (sight: OwnSight) => {
      socket.destroy();
      resolve(sight);
    };
    const onAbort = () => end({ kind: 'silent', text: 'does not answer (timeout)' });
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('close', () => signal.removeEventListener('abort', onAbort));
    socket.once('secureConnect', () => {
      const shown = socket.getPeerX509Certificate()?.raw;
      const isOurs = shown !== undefined && new X509Certificate(certificate).raw.equals(shown);
      if (isOurs && socket.alpnProtocol === 'acme-tls/1') return end({ kind: 'ours', text: 'answers as it should' });
      end({ kind: 'foreign', text: 'shows another certificate than ours for the challenge' });
    });
    socket.once('error', ({ code = '' }: NodeJS.ErrnoException) => {
      if (code === 'ECONNREFUSED') return end({ kind: 'silent', text: 'refuses connections' });
      if (code.startsWith('ERR_SSL')) return end({ kind: 'foreign', text: `does not speak acme-tls/1 (${code})` });
      end({ kind: 'silent', text: `does not answer (${code})` });
    });
  });
}
