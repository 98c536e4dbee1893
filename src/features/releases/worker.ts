import { canaryMatch } from '../../policy/canary-match.ts';
import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { releasesName, type ReleaseSettings } from './settings.ts';

interface ReleasesPart extends FeaturePart {
  readonly settings: string;
}

/** Of releases a worker knows which requests a canary gets; the shares come with the endpoints. */
export const releases = workerFeature<ReleaseSettings, ReleasesPart>({
  name: releasesName,
  prepare(_, { canaryFor }, _ports, previous) {
    const settings = JSON.stringify(canaryFor);
    // Another hook would replace the balancers, with what they count.
    if (previous?.settings === settings) return previous;
    return { settings, hooks: canaryFor === null ? {} : { canary: canaryMatch(canaryFor) } };
  },
});
