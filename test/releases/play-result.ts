import { badReleases } from './bad-releases.ts';
import { goodReleases } from './good-releases.ts';
import type { Release } from './release-form.ts';

export const strategies = ['blue_green', 'canary'] as const;

export type Strategy = (typeof strategies)[number];

export const allReleases: readonly Release[] = [...badReleases, ...goodReleases];

/** What the gateway said of the new release; one entry for each change. */
export interface RolloutSight {
  /** Seconds since the traffic began. */
  readonly second: number;
  /** Of the rollout; null: none goes on. */
  readonly state: string | null;
  /** Of the requests, that the new release gets. */
  readonly share: number;
}

export interface CommandOutcome {
  /** Null: it was ended, since it took too long. */
  readonly exitCode: number | null;
  readonly output: string;
  readonly seconds: number;
}

/** Requests of a part of the play. */
export interface HarmCounts {
  readonly requests: number;
  readonly harmed: number;
  /** Of the harmed ones, those that were not late alone. */
  readonly wrong: number;
}

interface VersionCounts {
  readonly requests: number;
  readonly harmed: number;
}

/** What came of a play: a line of the file of a label. */
export interface PlayResult {
  /** Of the play: the release and the strategy. */
  readonly name: string;
  readonly release: string;
  readonly kind: string;
  readonly strategy: Strategy;
  readonly expected: Release['expected'];
  readonly isSlow: boolean;
  /** Why it could not be played; absent: it was. */
  readonly failure?: string;
  /** Null: the release has none. Where it fails, the release is not deployed. */
  readonly migration: CommandOutcome | null;
  readonly deploy: CommandOutcome | null;
  /** Seconds since the traffic began. */
  readonly deploySecond: number;
  readonly endSecond: number;
  readonly sights: readonly RolloutSight[];
  /** From when the old release has run for some seconds until the deployment. */
  readonly before: HarmCounts;
  /** Since the deployment began. */
  readonly after: HarmCounts;
  /** Requests sent 60 seconds or more after the new release got its first ones, or after the deployment began. */
  readonly afterMinute: HarmCounts;
  /** Since the deployment began. `none`: no release has answered. */
  readonly byVersion: Readonly<Record<string, VersionCounts>>;
  readonly byRoute: Readonly<Record<string, VersionCounts>>;
  /** By the second, since the traffic began; seconds without harm are left out. */
  readonly harmedBySecond: Readonly<Record<string, number>>;
  /** Such as `search status 500: 3`, the most frequent first. */
  readonly faults: Readonly<Record<string, number>>;
  /** `candor releases --json` at the end. */
  readonly releases: unknown;
  /** The end of what the gateway has written; empty: it ran until the end of the play. */
  readonly gatewayOutput: string;
}
