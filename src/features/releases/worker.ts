import type { Filter, FilterContext, FilterResponseHead } from '../../core/filter.ts';
import { type FeaturePart, workerFeature } from '../worker-feature.ts';
import { releasesName, type ReleaseSettings } from './settings.ts';

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

export const releases = workerFeature<ReleaseSettings, FeaturePart>({
  name: releasesName,
  prepare: (_, { responseHeader }) => ({ hooks: responseHeader ? { filters: [releaseFilter] } : {} }),
});
