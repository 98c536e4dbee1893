/** What may be written of a feature, and what becomes of it. */
import type { Findings, Path } from '../schema/findings.ts';

/** A route, upstream or application as it is written. */
export interface WrittenScope<R> {
  readonly path: Path;
  readonly read: R;
}

export interface WrittenRoute<R> extends WrittenScope<R> {
  /** The name of the upstream or application; null: the route answers by itself. */
  readonly to: string | null;
}

export interface WrittenUpstream<R> extends WrittenScope<R> {
  readonly name: string;
}

export interface Written<R, U> {
  readonly routes: readonly WrittenRoute<R>[];
  /** And applications. */
  readonly upstreams: readonly WrittenUpstream<U>[];
}

/** A feature in the file: `R` is what is read of it in a route, `U` in an upstream or application, `S` its spec. */
export interface FeatureKeys<R = object, U = object> {
  readonly name: string;
  /** Its keys in a route that sends requests to an upstream; beside other actions they have no effect. */
  readonly keys: readonly string[];
  /** The spec of a route; null: the route does not have the feature. */
  readonly ofRoute?: (read: R) => object | null;
  readonly ofUpstream?: (read: U) => object | null;
  /** The key of whose scopes the gateway counts a limited number; absent: it counts nothing in memory that workers share. */
  readonly sharedBy?: string;
  /** Finds what is wrong with it, or without effect, beside other settings. */
  readonly review?: (written: Written<R, U>, findings: Findings) => void;
}

/** The feature, as the registry has it. */
export function featureKeys<R, U>(feature: FeatureKeys<R, U>): FeatureKeys {
  return feature as unknown as FeatureKeys;
}
