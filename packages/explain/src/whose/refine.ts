import { type ParsedAnswer, quoteField } from './answer.ts';
import type { LayerSign } from './layer-signs.ts';
import { productOfServer } from './products.ts';
import type { AuthorVerdict } from './verdict.ts';

/** Refines a product that others are built on, by further signs in the response. */
export function refine(author: AuthorVerdict, answer: ParsedAnswer, signs: readonly LayerSign[]): AuthorVerdict {
  if (author.layer === 'envoy') return refineEnvoy(author, signs);
  if (author.layer === 'gcp-lb') return refineGoogle(author, answer);
  return author;
}

/** Istio's Envoys have a name of their own; Google's load balancers are Envoys without a name. */
function refineEnvoy(author: AuthorVerdict, signs: readonly LayerSign[]): AuthorVerdict {
  const istio = signs.find(({ layer }) => layer === 'istio');
  if (istio !== undefined) return { ...author, layer: 'istio', evidence: [...author.evidence, istio.evidence] };
  if (signs.some(({ layer }) => layer === 'envoy')) return author;
  const google =
    signs.find(({ layer }) => layer === 'google-frontend') ?? signs.find(({ layer }) => layer === 'gcp-lb');
  if (google === undefined) return author;
  return {
    layer: google.layer,
    confidence: 'likely',
    evidence: [...author.evidence, google.evidence],
    why: "the words are those of Envoy, which Google's front ends are built on, and `Server` names no other Envoy",
  };
}

/** App Engine and Cloud Run have the load balancer's page, with a `Server` of their own. */
function refineGoogle(author: AuthorVerdict, answer: ParsedAnswer): AuthorVerdict {
  const line = answer.lines('server').find((server) => productOfServer(server)?.layer === 'google-frontend');
  if (line === undefined) return author;
  return { ...author, layer: 'google-frontend', evidence: [...author.evidence, quoteField('Server', line)] };
}
