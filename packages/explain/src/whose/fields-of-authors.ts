import {
  type ParsedAnswer,
  quote,
  quoteField,
  readProxyStatus,
  readVia,
  type AuthorVerdict,
  authorVerdict,
} from './answer.ts';
import { type Layer, layerOfHop, productOfServer } from './layer.ts';

/**
 * Headers that a layer adds only to responses from behind it. A response with such a header was not written by that
 * layer. Caddy adds Via to responses that it passes on since version 2.9.
 */
const relayFields: readonly (readonly [layer: Layer, name: string, value: RegExp | null])[] = [
  ['envoy', 'x-envoy-upstream-service-time', null],
  ['kong', 'x-kong-upstream-latency', null],
  ['apisix', 'x-apisix-upstream-status', null],
  ['cloudfront', 'x-cache', /\bfrom cloudfront\b/i],
  ['render', 'x-render-origin-server', null],
];

export function readRelay(answer: ParsedAnswer): AuthorVerdict | null {
  for (const [layer, name, value] of relayFields) {
    const text = answer.field(name);
    // A response that CloudFront passes on has the Server of its author, or none.
    if (layer === 'cloudfront' && answer.lines('server').some((line) => /^CloudFront/i.test(line))) continue;
    if (text !== null && (value === null || value.test(text)))
      return authorVerdict(
        'application',
        'likely',
        'it came from behind the last layer that can be seen',
        quoteField(name, text),
      );
  }
  for (const { name, comment, text } of readVia(answer.field('via'))) {
    const layer = layerOfHop(name, comment);
    if (layer === 'caddy' || layer === 'heroku')
      return authorVerdict(
        'application',
        'likely',
        'it came from behind the last layer that can be seen',
        quoteField('Via', text),
      );
  }
  return null;
}

/**
 * Heroku's router once named itself after Cowboy, the server it is built on. Its own errors forbid storing and have no
 * Via, which the router adds to responses of an application.
 */
export function readHerokuRouter(answer: ParsedAnswer): AuthorVerdict | null {
  const server = answer.field('server');
  const storing = answer.field('cache-control') ?? '';
  const isOwn = answer.status >= 500 && /^Cowboy$/i.test(server ?? '') && /^no-cache, ?no-store$/i.test(storing);
  if (!isOwn || answer.field('via') !== null || answer.field('set-cookie') !== null) return null;
  return authorVerdict(
    'heroku',
    'likely',
    'its own errors have this `Cache-Control`, and no Via',
    `Server: ${server ?? ''}`,
    `Cache-Control: ${storing}`,
    'no Via',
  );
}

/**
 * Layers that name themselves in `Server` and keep the names of the layers behind them. If such a name stands there, no
 * layer behind it wrote the response.
 */
const namesOnlyItsOwn: readonly Layer[] = [
  'aws-alb',
  'cloudfront',
  'akamai',
  'varnish',
  'kong',
  'azure-app-gateway',
  'heroku',
];

export function readServerAuthor(answer: ParsedAnswer): AuthorVerdict | null {
  const names = answer.lines('server');
  const products = names.map((line) => productOfServer(line));
  if (names.length === 1 && products[0]?.layer === 'caddy') return readCaddy(answer, names[0] ?? '');
  for (const [at, product] of products.entries()) {
    if (product === null || !namesOnlyItsOwn.includes(product.layer)) continue;
    const layer = product.layer === 'varnish' && passesFastly(answer) ? 'fastly' : product.layer;
    return authorVerdict(
      layer,
      'likely',
      'it keeps the `Server` of layers behind it, and `Server` has its own name',
      `Server: ${names[at] ?? ''}`,
    );
  }
  return readEmpty(answer, products[0]?.layer ?? null, names[0] ?? '');
}

function passesFastly(answer: ParsedAnswer): boolean {
  return /\bcache-/.test(answer.field('x-served-by') ?? '') || answer.field('x-timer') !== null;
}

/** Caddy's own errors have only its name. Applications rarely send errors without a body. */
function readCaddy(answer: ParsedAnswer, line: string): AuthorVerdict | null {
  if (answer.isEmpty !== true) return null;
  return authorVerdict(
    'caddy',
    'likely',
    'its own errors have no body, and the response has no sign of a layer behind it',
    `Server: ${line}`,
    'no content',
    'no Via',
  );
}

const silent: readonly Layer[] = ['envoy', 'istio', 'fly'];

/** Errors without a body, with only the name of a layer that overwrites every other name. */
function readEmpty(answer: ParsedAnswer, layer: Layer | null, line: string): AuthorVerdict | null {
  if (answer.isEmpty !== true || layer === null || !silent.includes(layer)) return null;
  return authorVerdict(
    layer,
    'likely',
    'the response has no body, and no sign of a layer behind it',
    `Server: ${line}`,
    'no content',
  );
}

/**
 * RFC 9209 §2.3: types whose responses may come from behind and only have been broken on the way, so that the member
 * alone does not prove the author.
 */
const notOnlyGenerated: ReadonlySet<string> = new Set([
  'connection_terminated',
  'connection_read_timeout',
  'connection_write_timeout',
  'tls_protocol_error',
  'tls_alert_received',
  'http_response_incomplete',
  'http_response_header_section_size',
  'http_response_header_size',
  'http_response_body_size',
  'http_response_trailer_section_size',
  'http_response_trailer_size',
  'http_response_transfer_coding',
  'http_response_content_coding',
  'http_response_timeout',
]);

/**
 * The first member with an error belongs to the intermediary nearest to the failed origin, which made the response. The
 * later ones passed it on (RFC 9209 §2). Its name may be the deployment's; then other evidence has to show the product.
 */
export function readProxyStatusAuthor(answer: ParsedAnswer): AuthorVerdict | null {
  const members = readProxyStatus(answer.field('proxy-status'));
  const failed = members.find(({ error }) => error !== null && error !== '');
  if (failed === undefined) return null;
  const evidence = quoteField('Proxy-Status', failed.text);
  const why = `the first member of Proxy-Status with an error, the one nearest to the origin, is that of "${quote(failed.name.slice(0, 60))}"`;
  const layer = layerOfHop(failed.name);
  const onlyGenerated = !notOnlyGenerated.has(failed.error ?? '');
  if (layer !== null)
    return authorVerdict(layer, onlyGenerated || answer.status >= 500 ? 'certain' : 'likely', why, evidence);
  if (looksLikeCandor(answer))
    return authorVerdict('candor', 'certain', `${why}, and the response has Candor's form`, evidence);
  if (/^application\/problem\+json\b/i.test(answer.field('content-type') ?? ''))
    return authorVerdict('candor', 'likely', `${why}, and few other products write problem details with it`, evidence);
  return authorVerdict('unknown', 'unsure', why, evidence);
}

/**
 * The intermediary nearest to the origin reports a received status and no error of its own, so it passed the response
 * on. The author is behind all layers that can be seen.
 */
export function readReceivedStatus(answer: ParsedAnswer): AuthorVerdict | null {
  const [first] = readProxyStatus(answer.field('proxy-status'));
  if (first === undefined || first.error !== null || first.receivedStatus !== answer.status) return null;
  const name = quote(first.name.slice(0, 60));
  const why = `"${name}", the intermediary nearest to it, reports in Proxy-Status that it received this status`;
  return authorVerdict('application', 'likely', why, quoteField('Proxy-Status', first.text));
}

/** All of Candor's own responses have these members, in any form; problem details have more. */
function looksLikeCandor(answer: ParsedAnswer): boolean {
  if (/"(?:proxy_error|may_have_been_executed)":/.test(answer.body)) return true;
  return (
    answer.field('x-request-id') !== null &&
    /\bno-store\b/.test(answer.field('cache-control') ?? '') &&
    /\bnosniff\b/.test(answer.field('x-content-type-options') ?? '') &&
    readProxyStatus(answer.field('proxy-status')).length > 0 &&
    answer.field('server') === null
  );
}

/** A header that a layer sends only with its own responses. */
interface AuthorField {
  readonly layer: Layer;
  readonly name: string;
  readonly value?: RegExp;
  /** Another header that must be present as well. */
  readonly beside?: string;
}

const authorFields: readonly AuthorField[] = [
  { layer: 'vercel', name: 'x-vercel-error' },
  { layer: 'linkerd', name: 'l5d-proxy-error' },
  { layer: 'aws-api-gateway', name: 'x-amzn-errortype', beside: 'x-amz-apigw-id' },
  { layer: 'railway', name: 'x-railway-fallback', value: /^true$/i },
  { layer: 'cloudflare', name: 'cf-mitigated' },
  { layer: 'render', name: 'x-render-routing' },
];

export function readAuthorField(answer: ParsedAnswer): AuthorVerdict | null {
  // Kong reports how long its own response took. A response that it passed on has the upstream's latency instead.
  const kong = answer.field('x-kong-response-latency');
  if (kong !== null && answer.field('x-kong-upstream-latency') === null)
    return authorVerdict(
      'kong',
      'certain',
      'only it sends that header, and only with its own responses',
      `X-Kong-Response-Latency: ${kong}`,
    );
  for (const { layer, name, value, beside } of authorFields) {
    const text = answer.field(name);
    if (text === null || (value !== undefined && !value.test(text))) continue;
    if (beside !== undefined && answer.field(beside) === null) continue;
    return authorVerdict(
      layer,
      'certain',
      'only it sends that header, and only with its own responses',
      quoteField(name, text),
    );
  }
  return null;
}
