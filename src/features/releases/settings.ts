import type { FeatureSpecs } from '../../core/feature.ts';
import type { RolloutStrategy } from '../../core/release.ts';
import type { CanarySpec } from '../../policy/canary-match.ts';

export const releasesName = 'releases';

/** How the releases of an application are made and rolled out. */
export interface ReleaseSettings {
  readonly strategy: RolloutStrategy;
  /** Which requests a canary gets during its steps, which have no share then; null: requests are drawn. */
  readonly canaryFor: CanarySpec | null;
  /** Of a canary, before it gets all requests. */
  readonly steps: readonly { readonly share: number; readonly forMs: number }[];
  readonly readyMs: number;
  readonly bakeMs: number;
  /** For how long the release before stays ready for a rollback; 0: it is stopped at once. */
  readonly warmMs: number;
  readonly keepMax: number;
  /** What makes a release of its source; null: the source is the release. */
  readonly build: readonly string[] | null;
  readonly buildMs: number;
  /** A program that runs once, in the tree, before instances start; null: none. */
  readonly before: readonly string[] | null;
  readonly jobMs: number;
  /** Paths in the tree that no release owns. */
  readonly persistent: readonly string[];
  /** `previous`: what the new release answers with 404 is asked of the old one, while that runs. */
  readonly assets: 'previous' | 'none';
  /** What is no failure, such as 404 in place of a page, may change with a release. */
  readonly answersMayChange: boolean;
  /** Responses name the release. */
  readonly responseHeader: boolean;
}

export const usualSettings: ReleaseSettings = {
  strategy: 'blue_green',
  canaryFor: null,
  steps: [
    { share: 0.05, forMs: 60_000 },
    { share: 0.25, forMs: 60_000 },
    { share: 0.5, forMs: 60_000 },
  ],
  readyMs: 120_000,
  bakeMs: 30_000,
  warmMs: 600_000,
  keepMax: 5,
  build: null,
  buildMs: 600_000,
  before: null,
  jobMs: 600_000,
  persistent: [],
  assets: 'none',
  answersMayChange: false,
  responseHeader: false,
};

export function releaseSettingsOf(features: FeatureSpecs | undefined): ReleaseSettings {
  return (features?.[releasesName] as ReleaseSettings | undefined) ?? usualSettings;
}
