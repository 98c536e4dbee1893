import { type ParsedAnswer, quoteField } from './answer.ts';
import { readVia, readProxyStatus } from './chain-fields.ts';
import { type Layer, usualDistance } from './layer.ts';
import type { LayerSign } from './layer-signs.ts';
import { layerOfHop, productOfServer } from './products.ts';
import type { AuthorVerdict } from './verdict.ts';

/** The layers that passed the response on, the client's side first, each with its evidence. The author is not among them. */
export function orderPassed(
  answer: ParsedAnswer,
  signs: readonly LayerSign[],
  author: AuthorVerdict,
): readonly LayerSign[] {
  const passed = signs.filter(({ layer }) => layer !== author.layer && !isSameHop(layer, author.layer));
  const ordered = alignWithVia(
    passed.toSorted((a, b) => usualDistance(a.layer) - usualDistance(b.layer)),
    answer,
  );
  const twin = findTwin(answer, author);
  return twin === null ? ordered : insertTwin(ordered, twin);
}

/** Google's load balancer and front end are one machine with two names; its responses may have both. */
function isSameHop(layer: Layer, author: Layer): boolean {
  return (layer === 'gcp-lb' && author === 'google-frontend') || (layer === 'google-frontend' && author === 'gcp-lb');
}

/** If Via or Proxy-Status names several layers, their order counts: the last one is nearest to the client. */
function alignWithVia(signs: readonly LayerSign[], answer: ParsedAnswer): readonly LayerSign[] {
  const via = readVia(answer.field('via')).map(({ name, comment }) => layerOfHop(name, comment));
  const status = readProxyStatus(answer.field('proxy-status')).map(({ name }) => layerOfHop(name));
  const named = (via.filter(isLayer).length > 1 ? via : status).filter(isLayer).toReversed();
  const sequence = named.filter(
    (layer, at) => named.indexOf(layer) === at && signs.some((sign) => sign.layer === layer),
  );
  let next = 0;
  return signs.map((sign) => {
    if (!sequence.includes(sign.layer)) return sign;
    const layer = sequence[next];
    next += 1;
    return signs.find((other) => other.layer === layer) ?? sign;
  });
}

function isLayer(layer: Layer | null): layer is Layer {
  return layer !== null;
}

/**
 * A second hop of the author's own kind: an Envoy that measured how long the Envoy behind it took, or an nginx of
 * another version than the page's.
 */
function findTwin(answer: ParsedAnswer, author: AuthorVerdict): LayerSign | null {
  if (author.layer === 'envoy' || author.layer === 'istio') {
    const time = answer.field('x-envoy-upstream-service-time');
    return time === null ? null : { layer: author.layer, evidence: quoteField('x-envoy-upstream-service-time', time) };
  }
  if (author.layer !== 'nginx') return null;
  const inPage = /<center>nginx\/([\d.]{3,12})/.exec(author.evidence[0] ?? '')?.[1];
  const line = answer.lines('server').find((server) => productOfServer(server)?.layer === 'nginx');
  const inField = /^nginx\/([\d.]{3,12})/.exec(line ?? '')?.[1];
  if (inPage === undefined || inField === undefined || inPage === inField) return null;
  return { layer: 'nginx', evidence: quoteField('Server', line ?? '') };
}

function insertTwin(signs: readonly LayerSign[], twin: LayerSign): readonly LayerSign[] {
  const at = signs.findIndex(({ layer }) => usualDistance(layer) > usualDistance(twin.layer));
  return at < 0 ? [...signs, twin] : signs.toSpliced(at, 0, twin);
}
