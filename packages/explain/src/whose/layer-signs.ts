import { type ParsedAnswer, quoteField } from './answer.ts';
import { readProxyStatus, readVia } from './chain-fields.ts';
import type { Layer } from './layer.ts';
import { layerOfHop, productOfServer } from './products.ts';

/** A sign that a response went through a layer. It does not show the author. */
export interface LayerSign {
  readonly layer: Layer;
  readonly evidence: string;
}

/** A header that only one layer adds to responses that it passes on. */
interface FieldSign {
  readonly layer: Layer;
  /** In lower case; a name that ends in `*` stands for all names with that beginning. */
  readonly name: string;
  readonly value?: RegExp;
}

const sign = (layer: Layer, name: string, value?: RegExp): FieldSign => ({
  layer,
  name,
  ...(value === undefined ? {} : { value }),
});

const fieldSigns: readonly FieldSign[] = [
  sign('cloudflare', 'cf-ray'),
  sign('cloudflare', 'cf-cache-status'),
  sign('cloudflare', 'cf-mitigated'),
  sign('akamai', 'x-akamai-*'),
  sign('akamai', 'akamai-*'),
  sign('cloudfront', 'x-amz-cf-id'),
  sign('cloudfront', 'x-amz-cf-pop'),
  sign('cloudfront', 'x-cache', /\bfrom cloudfront\b/i),
  sign('fastly', 'x-served-by', /\bcache-[a-z0-9]/i),
  sign('fastly', 'x-timer', /^S\d+\.\d+,VS\d/),
  sign('fastly', 'x-fastly-request-id'),
  sign('fastly', 'fastly-*'),
  sign('azure-front-door', 'x-azure-ref'),
  sign('aws-api-gateway', 'x-amz-apigw-id'),
  sign('aws-api-gateway', 'apigw-requestid'),
  sign('google-frontend', 'x-cloud-trace-context'),
  sign('aws-alb', 'set-cookie', /(?:^|[,;]\s*)AWSALB(?:CORS|TG|TGCORS|APP-\d+)?=/),
  sign('aws-clb', 'set-cookie', /(?:^|[,;]\s*)AWSELB(?:CORS)?=/),
  sign('azure-app-gateway', 'set-cookie', /(?:^|[,;]\s*)ApplicationGatewayAffinity(?:CORS)?=/),
  sign('iis', 'set-cookie', /(?:^|[,;]\s*)ARRAffinity(?:SameSite)?=/),
  sign('heroku', 'report-to', /heroku-nel/),
  sign('heroku', 'reporting-endpoints', /heroku-nel/),
  sign('fly', 'fly-request-id'),
  sign('vercel', 'x-vercel-id'),
  sign('vercel', 'x-vercel-cache'),
  sign('vercel', 'x-vercel-error'),
  sign('netlify', 'x-nf-request-id'),
  sign('render', 'x-render-*'),
  sign('render', 'rndr-id'),
  sign('railway', 'x-railway-*'),
  sign('varnish', 'x-varnish'),
  sign('kong', 'x-kong-*'),
  sign('apisix', 'x-apisix-*'),
  sign('istio', 'x-envoy-decorator-operation'),
  sign('envoy', 'x-envoy-*'),
  sign('linkerd', 'l5d-*'),
];

/** Every layer that left a sign, once each, with the first evidence for it. */
export function findLayerSigns(answer: ParsedAnswer): readonly LayerSign[] {
  const found = new Map<Layer, LayerSign>();
  const add = (layer: Layer, evidence: string): void => {
    if (!found.has(layer)) found.set(layer, { layer, evidence });
  };
  for (const line of answer.lines('server')) {
    const product = productOfServer(line);
    if (product !== null && product.layer !== 'application') add(product.layer, quoteField('Server', line));
  }
  for (const { layer, name, value } of fieldSigns) {
    for (const present of namesFor(answer, name)) {
      const text = answer.field(present) ?? '';
      if (value === undefined || value.test(text)) add(layer, quoteField(present, text));
    }
  }
  for (const { name, comment, text } of readVia(answer.field('via'))) {
    const layer = layerOfHop(name, comment);
    if (layer !== null) add(layer, quoteField('Via', text));
  }
  for (const { name, receivedStatus, text } of readProxyStatus(answer.field('proxy-status'))) {
    const layer = layerOfHop(name) ?? (receivedStatus !== null && hasCandorsId(answer) ? 'candor' : null);
    if (layer !== null) add(layer, quoteField('Proxy-Status', text));
  }
  return settle([...found.values()]);
}

/** Candor names itself after the deployment. Its request ids are UUIDs of version 7 (RFC 9562 §5.7). */
function hasCandorsId(answer: ParsedAnswer): boolean {
  return /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/.test(answer.field('x-request-id') ?? '');
}

function namesFor(answer: ParsedAnswer, name: string): readonly string[] {
  if (!name.endsWith('*')) return answer.field(name) === null ? [] : [name];
  return answer.names.filter((present) => present.startsWith(name.slice(0, -1)));
}

/** Two names of the same layer count as one: Fastly calls itself varnish in Via, and Istio consists of Envoys. */
function settle(signs: readonly LayerSign[]): readonly LayerSign[] {
  const has = (layer: Layer): boolean => signs.some((sign) => sign.layer === layer);
  return signs.filter(({ layer, evidence }) => {
    if (layer === 'varnish' && has('fastly')) return /x-varnish|\(Varnish\//i.test(evidence);
    if (layer === 'envoy' && has('istio')) return false;
    if (layer === 'openresty' && (has('kong') || has('apisix'))) return false;
    return true;
  });
}
