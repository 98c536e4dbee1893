import type { FeatureSpecs } from '../../core/feature.ts';
import type { GatewayStatus } from '../../core/schemas/status.ts';

export const resourcesName = 'resources';

/** Of each process of an application: an instance, a worker, a run of a job. Absent: no limit. */
export interface LimitsSpec {
  readonly memoryBytes?: number;
  /** In cores. */
  readonly cpus?: number;
  /** Processes and threads. */
  readonly processes?: number;
  readonly descriptors?: number;
  readonly nice?: number;
  /** Of the disk of its directory: read, and written. */
  readonly ioBytesPerS?: number;
}

/** As whom an application runs: a name or a number, and a group where it is not the user's own. */
export interface UserSpec {
  readonly name: string;
  readonly group: string | null;
}

export interface ResourceSpec {
  readonly limits: LimitsSpec;
  /** Null: as the gateway. */
  readonly user: UserSpec | null;
  readonly isolation: 'none' | 'strict';
  /** Paths of the application that it may write where it is isolated, beside its directory. */
  readonly persistent: readonly string[];
}

export function resourcesOf(features: FeatureSpecs | undefined): ResourceSpec | undefined {
  return features?.[resourcesName] as ResourceSpec | undefined;
}

/** What a setting is held by, or why this machine does not hold it. */
export interface Holding {
  readonly setting: 'memory' | 'cpu' | 'processes' | 'descriptors' | 'nice' | 'io' | 'user' | 'isolation';
  /** As it is written. */
  readonly value: string;
  /** Null: not held. */
  readonly by: string | null;
  /** Why it is not held, or what the holder does not cover; null: nothing to say. One clause. */
  readonly remark: string | null;
  /** What would hold it; null: nothing to do. */
  readonly fix: string | null;
  /** Without it no process is started, because the application would have more rights than was meant. */
  readonly isRefused: boolean;
}

export type ResourcesStatus = Pick<GatewayStatus, 'resources'>;

export type ApplicationResources = GatewayStatus['resources'][number];
