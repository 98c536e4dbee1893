import type { Cause } from '#failures/failure.ts';

/** A release of an application: it never changes, and is known by its digest. */
export interface Release {
  /** 1, 2, 3 …, of this application. */
  readonly number: number;
  /** What records and people call it: `r12`, or what its deployer has called it. */
  readonly name: string;
  /** 64 hexadecimal digits: of the tree, the command, the directory and the environment. */
  readonly digest: string;
  /** The tree's own digest, which is the name of its folder; null: it runs where candor.yaml says. */
  readonly tree: string | null;
  readonly command: readonly string[];
  /** The words of it that came from variables whose names mark secrets, by their index. */
  readonly secretWords?: readonly number[];
  /** Below the tree; with no tree an absolute path. */
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** By their ids; absent: the application had none. */
  readonly workers?: ReleasedWorkers;
  /** What it was made from. */
  readonly from: ReleaseSource;
  /** RFC 3339. */
  readonly createdAt: string;
  /** Who has deployed it. */
  readonly actor: string;
  /** The number of the configuration that it was made with. */
  readonly configuration: number | null;
  /** Absent: its files are those of its source. */
  readonly built?: {
    readonly ms: number;
    /** A digest of the source, the command of the build and its environment. */
    readonly source: string;
  };
}

export type ReleasedWorkers = Readonly<Record<string, ReleasedWorker>>;

interface ReleasedWorker {
  readonly command: readonly string[];
  /** Beside that of the release, over which it wins. */
  readonly environment: Readonly<Record<string, string>>;
}

export interface ReleaseSource {
  readonly kind: 'folder' | 'git' | 'archive' | 'configuration';
  /** The folder, the revision, or the name of the archive. */
  readonly text: string;
}

export const rolloutStrategies = ['blue_green', 'rolling', 'canary'] as const;

export type RolloutStrategy = (typeof rolloutStrategies)[number];

/**
 * What a rollout does now.
 *
 *     preparing ──▶ starting ──▶ shifting ──▶ baking ──▶ promoted        baking ◀──▶ comparing
 *         any of them ──▶ aborted, refused or interrupted
 */
export const rolloutStates = [
  'preparing',
  'starting',
  'shifting',
  'comparing',
  'baking',
  'promoted',
  'refused',
  'aborted',
  'interrupted',
] as const;

export type RolloutState = (typeof rolloutStates)[number];

export type ReleaseVerdict = 'good' | 'bad' | 'inconclusive';

/** The release in force, and the one that is rolled out. */
export type ReleaseArm = 'old' | 'fresh';

/** By what the new release is compared with the old one. */
export type JudgedEvent = 'failure' | 'server_error' | 'late';

/** One release of a comparison, as it was counted. */
export interface ArmCounts {
  readonly requests: number;
  readonly failures: number;
  readonly serverErrors: number;
  readonly late: number;
}

/** What the judge has found, with what it was computed from. */
export interface Judgement {
  readonly verdict: ReleaseVerdict;
  /** One sentence: '9 of 12 requests of r13 failed (reset), 0 of 230 of r12'. */
  readonly reason: string;
  /** How many times likelier than chance all that was seen is if the release is worse, and from where on it is bad. */
  readonly evidence: number;
  readonly limit: number;
  readonly old: ArmCounts;
  readonly fresh: ArmCounts;
  /** The route and the kind of event that say most; null: none says anything. */
  readonly worst: {
    readonly route: string | null;
    /** `answer`: it answers worse, and not with a failure. */
    readonly event: JudgedEvent | 'answer';
    readonly cause: Cause | null;
  } | null;
  /** Requests of either release that it takes to see a tenfold share of failures; 0: no number of them suffices. */
  readonly requestsNeeded: number;
}
