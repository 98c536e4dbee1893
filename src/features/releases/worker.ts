import type { Filter, FilterContext, FilterResponseHead } from '../../core/filter.ts';
import { canaryMatch } from '../../policy/canary-match.ts';
import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { releasesName, type ReleaseSettings } from './settings.ts';

interface ReleasesPart extends FeaturePart {
  readonly settings: string;
}

const header = 'X-Candor-Release';

/** The application cannot say of itself that it is another release. */
const nameRelease = ({ release }: FilterContext, head: FilterResponseHead): void => {
  if (release === null) head.remove(header);
  else head.set(header, release);
};

const releaseFilter: Filter = {
  ...{ name: releasesName, stage: 'rewrite' },
  onResponseHead: nameRelease,
  onSwitchHead: nameRelease,
};

/** Of releases a worker knows which requests a canary gets, and whether responses name it, and whether the old one is asked for what the new one has not; the shares come with the endpoints. */
export const releases = workerFeature<ReleaseSettings, ReleasesPart>({
  name: releasesName,
  prepare(_, { canaryFor, responseHeader, assets }, _ports, previous) {
    const settings = JSON.stringify([canaryFor, responseHeader, assets]);
    // Another hook would replace the balancers, with what they count.
    if (previous?.settings === settings) return previous;
    const canary = canaryFor === null ? {} : { canary: canaryMatch(canaryFor) };
    const asked = assets === 'previous' ? ({ asksPrevious: true } as const) : {};
    return { settings, hooks: { ...canary, ...asked, ...(responseHeader ? { filters: [releaseFilter] } : {}) } };
  },
});
