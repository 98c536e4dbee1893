import type { ClientFacts } from '../core/exchange.ts';
import type { MessageHeaders, HeaderSink } from '../core/message.ts';
import { addressOfNode } from './address.ts';

/**
 * What an intermediary says of where a message came from: the X-Forwarded-* family and Forwarded (RFC 7239). What a
 * trusted peer said is kept and added to; what a stranger said is replaced, because whoever reads it behind us takes it
 * for ours.
 */

/**
 * Writes X-Forwarded-For, -Proto, -Host and -Port, and Forwarded with our element added, if a trusted peer sent it. The exchange has
 * dropped those of the request.
 *
 * Forwarded is continued and never begun. Applications read the X-Forwarded-* headers; those that know both take one of
 * them, and a chain that begins with us beside one that begins with the client would say two things. One that cannot be
 * read is not continued: most gateways pass on what strangers sent, and behind a quote that never ends our element would
 * be a part of their text.
 */
export function writeForwarding(
  sink: HeaderSink,
  headers: MessageHeaders,
  client: ClientFacts,
  authority: string,
): void {
  const { trusted, peerAddress, scheme, peerScheme } = client;
  const chain = trusted ? withoutEmpty(headers.get('x-forwarded-for'), plainElement) : null;
  sink.header('X-Forwarded-For', chain === null || chain === '' ? client.address : `${chain}, ${peerAddress}`);
  sink.header('X-Forwarded-Proto', scheme);
  const host = (trusted ? headers.get('x-forwarded-host') : null) ?? authority;
  if (host !== '') sink.header('X-Forwarded-Host', host);
  const port = (trusted ? headers.get('x-forwarded-port') : null) ?? portOf(host, scheme);
  if (port !== '') sink.header('X-Forwarded-Port', port);
  if (!trusted) return;
  const forwarded = headers.get('forwarded');
  if (forwarded === null || parseForwarded(forwarded) === null) return;
  // The element describes this hop: the scheme between the peer and this gateway.
  const element = forwardedElement(peerAddress, peerScheme, authority);
  const elements = withoutEmpty(forwarded, quotedElement);
  sink.header('Forwarded', elements === '' ? element : `${elements}, ${element}`);
}

/** The port that a client has named with a host, or that its scheme has by itself; of several hosts, that of the first. '' without a host. */
export function portOf(host: string, scheme: 'http' | 'https'): string {
  if (host === '') return '';
  return /^[^,]*:([0-9]+)[ \t]*(?:,|$)/.exec(host)?.[1] ?? (scheme === 'https' ? '443' : '80');
}

/**
 * X-Forwarded-Prefix of a request from whose path the route removes `removed`, behind what a trusted peer has removed: one path, since most
 * frameworks read the last element of a list alone.
 */
export function prefixValue(before: string | null, removed: string): string {
  const prefixes = (before ?? '').split(',').map((prefix) => prefix.trim().replace(/\/$/, ''));
  return prefixes.filter((prefix) => prefix.startsWith('/')).join('') + removed;
}

/** A list without its empty elements, which recipients ignore and senders must not send (RFC 9110 §5.6.1). */
function withoutEmpty<List extends string | null>(list: List, each: RegExp): List | string {
  if (list === null || !hasEmpty.test(list)) return list;
  const elements = list.match(each) ?? [];
  return elements
    .map((element) => element.trim())
    .filter((element) => element !== '')
    .join(', ');
}

/** A comma without an element before or behind it; also within a quoted string, which `quotedElement` leaves whole. */
const hasEmpty = /^[ \t]*,|,[ \t]*(?:,|$)/;
const plainElement = /[^,]+/g;
/** For lists that can be parsed: where quotes did not close, it would take long. */
const quotedElement = /(?:"(?:[^"\\]|\\.)*"|[^,"])+/g;

/** RFC 7239 §4: one element. IPv6 addresses need brackets and quotes (§6), hosts with a port need quotes. */
export function forwardedElement(address: string, scheme: 'http' | 'https', authority: string): string {
  const node = addressOfNode(address) === null ? 'unknown' : address.includes(':') ? `"[${address}]"` : address;
  return authority === '' ? `for=${node};proto=${scheme}` : `for=${node};proto=${scheme};host="${authority}"`;
}

/** The client as trusted peers name it. */
interface NamedClient {
  /** Null where they say nothing of it that can be believed. */
  readonly address: string | null;
  readonly scheme: 'http' | 'https' | null;
}

/**
 * Asks a trusted peer's headers who the client is; to be called only when the peer itself is trusted. Walks from the
 * right, the nearest hop, to the first address that is not trusted: everything to its left is that untrusted node's
 * claim. When all are trusted it is the leftmost. Members that are no address end the walk.
 *
 * X-Forwarded-For goes before Forwarded: most gateways write the first and pass the second on as untrusted clients sent
 * it. Where `addressHeader`, in lowercase, names one header, no other names the client. Null when the headers say nothing.
 */
export function clientFromForwarded(
  headers: MessageHeaders,
  trusted: (address: string) => boolean,
  addressHeader: string | null = null,
): NamedClient | null {
  if (addressHeader !== null && addressHeader !== 'x-forwarded-for' && addressHeader !== 'forwarded')
    return { address: addressOfNode(headers.get(addressHeader) ?? ''), scheme: forwardedScheme(headers) };
  const chain = addressHeader === 'forwarded' ? null : headers.get('x-forwarded-for');
  if (chain !== null) {
    const nodes = chain.split(',').filter(isNotEmpty);
    const index = clientIndex(nodes, trusted);
    const address = index < 0 ? null : addressOfNode(nodes[index] as string);
    return { address, scheme: forwardedScheme(headers) };
  }
  const forwarded = addressHeader === 'x-forwarded-for' ? null : headers.get('forwarded');
  if (forwarded !== null) return fromForwarded(forwarded, trusted);
  const scheme = forwardedScheme(headers);
  return scheme === null ? null : { address: null, scheme };
}

function fromForwarded(value: string, trusted: (address: string) => boolean): NamedClient | null {
  const elements = parseForwarded(value);
  if (elements === null) return null;
  const index = clientIndex(
    elements.map((element) => element.get('for') ?? ''),
    trusted,
  );
  const element = elements[index];
  if (element === undefined) return null;
  return { address: addressOfNode(element.get('for') ?? ''), scheme: schemeOf(element.get('proto')) };
}

/** The place of the client in a chain of nodes; −1 when the nearest one is no address. */
function clientIndex(nodes: readonly string[], trusted: (address: string) => boolean): number {
  let index = -1;
  for (let at = nodes.length - 1; at >= 0; at--) {
    const address = addressOfNode(nodes[at] as string);
    if (address === null) return index;
    index = at;
    if (!trusted(address)) return index;
  }
  return index;
}

function isNotEmpty(element: string): boolean {
  return element.trim() !== '';
}

function forwardedScheme(headers: MessageHeaders): 'http' | 'https' | null {
  return schemeOf(headers.get('x-forwarded-proto')?.split(',').filter(isNotEmpty).at(-1));
}

function schemeOf(text: string | undefined): 'http' | 'https' | null {
  return schemes.get(text?.trim().toLowerCase() ?? '') ?? null;
}

/** Some gateways name a WebSocket handshake by the scheme of its URL (RFC 6455 §3): it comes over the same connections. */
const schemes: ReadonlyMap<string, 'http' | 'https'> = new Map([
  ['http', 'http'],
  ['https', 'https'],
  ['ws', 'http'],
  ['wss', 'https'],
]);

/** One parameter and what follows it: name "=" ( token / quoted-string ), then ";" or "," or the end. */
const parameter = /[ \t]*([!#$%&'*+\-.^_`|~\w]+)=(?:([!#$%&'*+\-.^_`|~\w]+)|"((?:[^"\\]|\\.)*)")[ \t]*(;|,|$)/y;

const emptyElements = /(?:[ \t]*,)*[ \t]*/y;

/** RFC 7239 §4, from left to right; null when it is malformed, since half a chain is no chain. */
export function parseForwarded(value: string): ReadonlyMap<string, string>[] | null {
  const elements: Map<string, string>[] = [];
  let element = new Map<string, string>();
  parameter.lastIndex = 0;
  while (parameter.lastIndex < value.length) {
    if (element.size === 0) {
      emptyElements.lastIndex = parameter.lastIndex;
      emptyElements.exec(value);
      parameter.lastIndex = emptyElements.lastIndex;
      if (parameter.lastIndex === value.length) break;
    }
    const found = parameter.exec(value);
    if (found === null) return null;
    const [, name = '', token, quoted = '', ending] = found;
    // A parameter must stand once in an element: of two, another gateway may have read the other.
    if (element.has(name.toLowerCase())) return null;
    element.set(name.toLowerCase(), token ?? quoted.replace(/\\(.)/g, '$1'));
    if (ending !== ';') {
      elements.push(element);
      element = new Map();
    }
    if (ending === '') break;
  }
  return elements;
}
