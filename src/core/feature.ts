import type { SemaphoreHandle } from './semaphores.ts';

/** What has features. */
export type FeatureKind = 'route' | 'upstream' | 'application' | 'file';

/** A route, an upstream, an application or the file as a whole that has a feature. */
export interface FeatureScope {
  readonly kind: FeatureKind;
  /** Of the file ''. */
  readonly id: string;
  /** The upstream that gets the requests; null: the route answers them, or none comes. Of an upstream its own id. */
  readonly upstream: string | null;
}

/**
 * What a configuration says of features in one scope: their specs by the feature's name, structured-cloneable. Only the files of a
 * feature know what its spec contains; all others pass it on unread.
 */
export type FeatureSpecs = Readonly<Record<string, object>>;

/** Semaphores that all workers share for a feature of a scope, by `partKey`. A scope without an entry counts in each worker. */
export type FeatureSemaphores = Readonly<Record<string, SemaphoreHandle>>;

/** What the parts of a feature in a worker, or in the main thread, tell those in the other: by `scopeKey`. */
export type FeatureMessages = Readonly<Record<string, object>>;

/** What a part in a worker has counted in its scope since the worker has had that; absent: nothing since the last report. */
export interface CountsReport {
  readonly counts?: Readonly<Record<string, number>>;
}

/** What a feature's part in the main thread hands to that of the next process. */
export interface FeatureState {
  /** Of the form of `bytes`, which only the feature knows. */
  readonly version: number;
  readonly bytes: Uint8Array;
}

/** Why a feature does not do what it was asked for. */
export interface FeatureRefusal {
  /** `unknown`: there is no such thing; `invalid`: what was asked for cannot be. */
  readonly kind: string;
  /** A sentence. */
  readonly reason: string;
  /** What to do, a sentence. */
  readonly step: string;
}

/** By feature. */
export type FeatureStates = Readonly<Record<string, FeatureState>>;

/** What all features together hand over; a feature whose state would exceed it begins anew. */
export const featureStatesBytesMax = 64 * 1024 * 1024;

export function scopeKey({ kind, id }: Pick<FeatureScope, 'kind' | 'id'>): string {
  return `${kind} ${id}`;
}

export function partKey(feature: string, scope: Pick<FeatureScope, 'kind' | 'id'>): string {
  return `${feature} ${scopeKey(scope)}`;
}
