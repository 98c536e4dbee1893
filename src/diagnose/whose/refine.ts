import { type Answer, quoteField } from './answer.ts';
import type { Mark } from './marks.ts';
import { productOfServer } from './products.ts';
import type { Verdict } from './verdict.ts';

/** A product that others are built on: which of them it was, by what else the response says. */
export function refine(author: Verdict, answer: Answer, marks: readonly Mark[]): Verdict {
  if (author.layer === 'envoy') return refineEnvoy(author, marks);
  if (author.layer === 'gcp-lb') return refineGoogle(author, answer);
  return author;
}

/** Istio's Envoys have a name of their own; Google's load balancers are Envoys that have none. */
function refineEnvoy(author: Verdict, marks: readonly Mark[]): Verdict {
  const istio = marks.find(({ layer }) => layer === 'istio');
  if (istio !== undefined) return { ...author, layer: 'istio', evidence: [...author.evidence, istio.evidence] };
  if (marks.some(({ layer }) => layer === 'envoy')) return author;
  const google =
    marks.find(({ layer }) => layer === 'google-frontend') ?? marks.find(({ layer }) => layer === 'gcp-lb');
  if (google === undefined) return author;
  return {
    layer: google.layer,
    confidence: 'likely',
    evidence: [...author.evidence, google.evidence],
    why: "the words are Envoy's, of which Google's front ends are made, and no other Envoy put its name in",
  };
}

/** App Engine and Cloud Run have the same page as the load balancer, under a name of their own. */
function refineGoogle(author: Verdict, answer: Answer): Verdict {
  const line = answer.lines('server').find((server) => productOfServer(server)?.layer === 'google-frontend');
  if (line === undefined) return author;
  return { ...author, layer: 'google-frontend', evidence: [...author.evidence, quoteField('Server', line)] };
}
