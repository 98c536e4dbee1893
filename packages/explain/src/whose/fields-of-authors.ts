import { type ParsedAnswer, quote, quoteField } from './answer.ts';
import { readProxyStatus } from './chain-fields.ts';
import type { Layer } from './layer.ts';
import { layerOfHop } from './products.ts';
import { type AuthorVerdict, authorVerdict } from './verdict.ts';

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
