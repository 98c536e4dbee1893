import type { GatewayStatus } from '../../core/schemas/status.ts';

export const rateLimitsName = 'rate_limits';

/** Different rates in use at once, and some of configurations before. */
export const ratesMax = 250;

/** What a limit may count by; in place of NAME stands a name: 'header.x-tenant'. */
export const keyForms = ['address', 'route', 'user', 'header.NAME', 'cookie.NAME', 'claim.NAME'] as const;

type KindOf<F extends string> = F extends `${infer K}.NAME` ? K : F;
export type KeyKind = KindOf<(typeof keyForms)[number]>;

/** One of `keyForms`, with its name. */
export type KeyPart = string;

export interface RateLimitSpec {
  readonly name: string;
  readonly by: readonly KeyPart[];
  /** Null: it bounds requests at once alone. */
  readonly rate: { readonly requests: number; readonly periodMs: number; readonly written: string } | null;
  readonly burst: number;
  readonly cost: number;
  /** Null: there may be any number. */
  readonly atOnce: number | null;
  /** Networks that are not counted. */
  readonly exempt: readonly string[];
  readonly ipv4Prefix: number;
  readonly ipv6Prefix: number;
  /** It counts, and refuses nothing. */
  readonly dryRun: boolean;
  /** Responses say how much is left. */
  readonly announce: boolean;
  /** It stands at the top of the file: it counts the requests of all routes together that have it. */
  readonly ofFile: boolean;
}

export interface RateLimitsSpec {
  readonly limits: readonly RateLimitSpec[];
  /** From the main thread: where all workers count, and for each limit the number of its rate in the table. */
  readonly shared?: {
    readonly rates: SharedArrayBuffer;
    readonly numbers: readonly number[];
    readonly atOnce: SharedArrayBuffer | null;
  };
}

/** From a worker: what one limit has done since its last report. */
export interface LimitReport {
  readonly name: string;
  readonly admitted: number;
  readonly refused: number;
  /** What it would have refused, in a dry run. */
  readonly wouldRefuse: number;
  /** Some of the keys that were refused or would have been, as they may be shown. */
  readonly keys: readonly (readonly [shown: string, count: number])[];
}

export interface RateLimitsReport {
  readonly limits: readonly LimitReport[];
}

export type RateLimitView = GatewayStatus['rateLimits'][number];

export type RateLimitsStatus = Pick<GatewayStatus, 'rateLimits' | 'rateTable'>;

/** What a limit counts by for which it has to know who the client is; undefined: nothing. */
export function partOfUser(by: readonly KeyPart[]): KeyPart | undefined {
  return by.find((part) => part === 'user' || part.startsWith('claim.'));
}
