import { type Answer, quoteField } from './answer.ts';
import { readProxyStatus, readVia } from './chain-fields.ts';
import type { Layer } from './layer.ts';
import { layerOfHop, productOfServer } from './products.ts';

/** That a response went through a layer. It does not say who wrote it. */
export interface Mark {
  readonly layer: Layer;
  readonly evidence: string;
}

/** A field that only one layer adds to what passes through it. */
interface FieldMark {
  readonly layer: Layer;
  /** In lower case; a name that ends in `*` stands for all that begin so. */
  readonly name: string;
  readonly value?: RegExp;
}

const mark = (layer: Layer, name: string, value?: RegExp): FieldMark => ({
  layer,
  name,
  ...(value === undefined ? {} : { value }),
});

const fieldMarks: readonly FieldMark[] = [
  mark('cloudflare', 'cf-ray'),
  mark('cloudflare', 'cf-cache-status'),
  mark('cloudflare', 'cf-mitigated'),
  mark('akamai', 'x-akamai-*'),
  mark('akamai', 'akamai-*'),
  mark('cloudfront', 'x-amz-cf-id'),
  mark('cloudfront', 'x-amz-cf-pop'),
  mark('cloudfront', 'x-cache', /\bfrom cloudfront\b/i),
  mark('fastly', 'x-served-by', /\bcache-[a-z0-9]/i),
  mark('fastly', 'x-timer', /^S\d+\.\d+,VS\d/),
  mark('fastly', 'x-fastly-request-id'),
  mark('fastly', 'fastly-*'),
  mark('azure-front-door', 'x-azure-ref'),
  mark('aws-api-gateway', 'x-amz-apigw-id'),
  mark('aws-api-gateway', 'apigw-requestid'),
  mark('google-frontend', 'x-cloud-trace-context'),
  mark('aws-alb', 'set-cookie', /(?:^|[,;]\s*)AWSALB(?:CORS|TG|TGCORS|APP-\d+)?=/),
  mark('aws-clb', 'set-cookie', /(?:^|[,;]\s*)AWSELB(?:CORS)?=/),
  mark('azure-app-gateway', 'set-cookie', /(?:^|[,;]\s*)ApplicationGatewayAffinity(?:CORS)?=/),
  mark('iis', 'set-cookie', /(?:^|[,;]\s*)ARRAffinity(?:SameSite)?=/),
  mark('heroku', 'report-to', /heroku-nel/),
  mark('heroku', 'reporting-endpoints', /heroku-nel/),
  mark('fly', 'fly-request-id'),
  mark('vercel', 'x-vercel-id'),
  mark('vercel', 'x-vercel-cache'),
  mark('vercel', 'x-vercel-error'),
  mark('netlify', 'x-nf-request-id'),
  mark('render', 'x-render-*'),
  mark('render', 'rndr-id'),
  mark('railway', 'x-railway-*'),
  mark('varnish', 'x-varnish'),
  mark('kong', 'x-kong-*'),
  mark('apisix', 'x-apisix-*'),
  mark('istio', 'x-envoy-decorator-operation'),
  mark('envoy', 'x-envoy-*'),
  mark('linkerd', 'l5d-*'),
];

/** Every layer that left a mark, once each, with the first evidence for it. */
export function findMarks(answer: Answer): readonly Mark[] {
  const found = new Map<Layer, Mark>();
  const add = (layer: Layer, evidence: string): void => {
    if (!found.has(layer)) found.set(layer, { layer, evidence });
  };
  for (const line of answer.lines('server')) {
    const product = productOfServer(line);
    if (product !== null && product.layer !== 'application') add(product.layer, quoteField('Server', line));
  }
  for (const { layer, name, value } of fieldMarks) {
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

/** Candor names itself after the deployment; the id that it gives each request is a UUID of version 7 (RFC 9562 §5.7). */
function hasCandorsId(answer: Answer): boolean {
  return /^[\da-f]{8}-[\da-f]{4}-7[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/.test(answer.field('x-request-id') ?? '');
}

function namesFor(answer: Answer, name: string): readonly string[] {
  if (!name.endsWith('*')) return answer.field(name) === null ? [] : [name];
  return answer.names.filter((present) => present.startsWith(name.slice(0, -1)));
}

/** One layer under two names is one layer: Fastly calls itself varnish in Via, and Istio is made of Envoys. */
function settle(marks: readonly Mark[]): readonly Mark[] {
  const has = (layer: Layer): boolean => marks.some((mark) => mark.layer === layer);
  return marks.filter(({ layer, evidence }) => {
    if (layer === 'varnish' && has('fastly')) return /x-varnish|\(Varnish\//i.test(evidence);
    if (layer === 'envoy' && has('istio')) return false;
    if (layer === 'openresty' && (has('kong') || has('apisix'))) return false;
    return true;
  });
}
