import { fail } from '#failures/failure.ts';
import type { Filter } from '../../core/filter.ts';
import type { Clock } from '../../core/time.ts';
import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { CountedOutcomes } from '../worker-counted-outcomes.ts';
import { linkProblem, type LinkProblem } from './link.ts';
import { isInFolder } from './worker-folder.ts';
import { type LinkFault, signedLinksName, type SignedLinksSpec } from './settings.ts';

type LinkCounts = CountedOutcomes<LinkFault | 'admitted'>;

interface SignedLinksPart extends FeaturePart {
  readonly counts: LinkCounts;
}

/** Refuses requests whose target was not signed (ADR 36). */
export const signedLinks = workerFeature<SignedLinksSpec, SignedLinksPart>({
  name: signedLinksName,
  prepare(_, spec, { clock }, previous) {
    const counts = previous?.counts ?? new CountedOutcomes();
    return { counts, hooks: { filters: [linkFilter(spec, clock, counts)] }, report: () => counts.take() };
  },
});

function linkFilter(rules: SignedLinksSpec, clock: Clock, counts: LinkCounts): Filter {
  const { linkKeys, methods, isBoundToAddress } = rules;
  const allowed = new Set(methods);
  const ofMethod = (method: string): LinkProblem => ({
    fault: 'method',
    because: `links are for ${methods.join(', ')} here, and the request is a ${method}`,
  });
  return {
    name: signedLinksName,
    stage: 'authentication',
    rules,
    onRequestHead({ request: { method, target }, client }) {
      const nowS = Math.floor(clock.wallTime() / 1000);
      const address = isBoundToAddress ? client.address : null;
      const problem = allowed.has(method)
        ? linkProblem(target, linkKeys, { nowS, address, isIn: isInFolder })
        : ofMethod(method);
      counts.add(problem?.fault ?? 'admitted');
      return problem === null ? 'continue' : fail('link_refused', 'filter', { fault: problem.because });
    },
  };
}
