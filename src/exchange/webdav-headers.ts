import { type HeaderFilter, headerId } from '../core/header-names.ts';
import { fail, type Failure } from '#failures/failure.ts';
import { requestRules } from '#failures/rules.ts';
import { hidesDotSegment } from '../wire/plain-path.ts';
import { visibleText } from '../wire/visible-text.ts';
import { conditionSent, destinationSent, type OwnUrls } from '../wire/webdav-urls.ts';
import type { ClientFacts } from '../core/exchange.ts';
import type { MessageHeaders, OutgoingRequest, RequestHead } from '../core/message.ts';
import { forwardedValue } from './forwarded-value.ts';
import type { Route, ServingRevision } from './ports.ts';

const destinationId = headerId('destination');
const ifId = headerId('if');

/** A header that is sent with another value than it came with. */
type ChangedHeader = readonly [name: 'Destination' | 'If', value: string];

const rule = 'webdav-url';

/** Whether `changedUrlFields` may have something to change. */
export function mayNameUrls(headers: MessageHeaders): boolean {
  return headers.hasId(destinationId) || headers.hasId(ifId);
}

/** The headers of WebDAV that name URLs of the request's own origin, as the endpoint is sent them. Other headers, such as Referer, tell what the client sees. */
export function changedUrlHeaders(
  request: RequestHead,
  client: ClientFacts,
  route: Route,
  sent: Pick<OutgoingRequest, 'scheme' | 'authority'>,
  drop: HeaderFilter,
): readonly ChangedHeader[] {
  const urls = ownUrls(request, client, route, `${sent.scheme}://${sent.authority}`);
  const changed: ChangedHeader[] = [];
  for (const [name, sentOf] of translations) {
    const value = forwardedValue(request.headers, name.toLowerCase(), drop);
    const sent = value === null ? null : sentOf(value, urls);
    if (sent !== null && sent !== value) changed.push([name, sent]);
  }
  return changed;
}

/**
 * Why a request cannot be sent: a URL in it leads out of the path of its route, or to a route that may not let the client in, or is not written as RFC 4918 says. Without a Destination
 * an application could take another one, and without a condition it would do more than was asked for. Null: it can.
 */
export function urlFailure(exchange: RoutedRequest): Failure | null {
  return mayNameUrls(exchange.request.headers) ? failureOfUrls(exchange) : null;
}

interface RoutedRequest {
  readonly request: RequestHead;
  readonly client: ClientFacts;
  readonly serving: Pick<ServingRevision, 'router'>;
  requireRoute(): Route;
}

/** Apart: its function that is called for each path would be allocated for each request. */
function failureOfUrls(exchange: RoutedRequest): Failure | null {
  const { request, client } = exchange;
  const route = exchange.requireRoute();
  const { drop, dropOfTrusted } = route.request;
  const urls = ownUrls(request, client, route, '');
  for (const [name, sentOf] of translations) {
    const value = forwardedValue(request.headers, name.toLowerCase(), client.trusted ? dropOfTrusted : drop);
    if (value === null) continue;
    const leadsOut = route.covers !== null && sentOf(value, urls) === null;
    const paths = pathsIn(value);
    const isRefused =
      leadsOut || paths.size > pathsMax || [...paths].some((path) => isGuardedElsewhere(path, exchange));
    if (!isRefused) continue;
    const at = `${name}: ${visibleText(value, 80)}`;
    return fail('request_refused', 'route', { rule, status: requestRules[rule].status, at });
  }
  return null;
}

/** What begins with two slashes is a path to some, and begins with a host to others. */
const urlForms = [/^\/.*$/s, /^(?:[a-z]+:)?\/\/[^/?#]*(\/.*)$/is];
/** A route is looked for each of them. Clients name one, or that of a lock beside it. */
const pathsMax = 64;

/** The paths of all URLs in a Destination or If, of whichever origin: many applications take the path alone. */
function pathsIn(value: string): ReadonlySet<string> {
  const resources = [...value.matchAll(/<([^<>]*)>/g)].map(([, resource]) => resource as string);
  const urls = [...value.split(/,\s*(?=\/|[a-z]+:)/i), ...resources];
  return new Set(urls.flatMap((url) => urlForms.flatMap((form) => form.exec(url)?.at(-1) ?? [])));
}

/** Whether a request for this path would meet rules that this one has not passed: who may not enter there may not write there either. */
function isGuardedElsewhere(path: string, exchange: Parameters<typeof urlFailure>[0]): boolean {
  const { method, scheme, authority, version, headers, framing, upgrade, takesTrailers } = exchange.request;
  const request = { method, scheme, authority, target: path, version, headers, framing, upgrade, takesTrailers };
  const other = exchange.serving.router.route(request, exchange.client);
  const own = exchange.requireRoute();
  if (other === null || other.id === own.id) return false;
  const passed = new Set(rulesOf(own));
  return rulesOf(other).some((rules) => !passed.has(rules));
}

const texts = new WeakMap<object, string>();

function rulesOf({ filters }: Route): readonly string[] {
  return (filters?.filters ?? []).flatMap(({ name, rules }) => {
    if (rules === undefined) return [];
    const text = texts.get(rules) ?? `${name} ${JSON.stringify(rules)}`;
    texts.set(rules, text);
    return [text];
  });
}

function ownUrls(request: RequestHead, client: ClientFacts, route: Route, sent: string): OwnUrls {
  const { covers } = route;
  return {
    scheme: client.scheme,
    authorities: authoritiesOf(request, client),
    sent,
    pathSent: (path) =>
      covers === null || (covers(path) && !hidesDotSegment(path)) ? route.rewrite.otherPath(path) : null,
    confined: covers !== null,
  };
}

const translations = [
  ['Destination', destinationSent],
  ['If', conditionSent],
] as const;

/** A trusted peer may have been asked for another host than it asks for. */
export function authoritiesOf({ authority, headers }: RequestHead, { trusted }: ClientFacts): readonly string[] {
  const named = trusted ? headers.get('x-forwarded-host')?.split(',', 1)[0]?.trim().toLowerCase() : undefined;
  return named === undefined || named === '' ? [authority] : [authority, named];
}
