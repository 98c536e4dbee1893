import { type ParsedAnswer, quoteField } from './answer.ts';
import { readVia } from './chain-fields.ts';
import type { Layer } from './layer.ts';
import { layerOfHop, productOfServer } from './products.ts';
import { type AuthorVerdict, authorVerdict } from './verdict.ts';

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
