import type { ApplicationSpec } from '../core/configuration.ts';
import type { ArmName } from '../core/endpoint-release.ts';

/**
 * The instances of an application that run the same release. An application has one arm; during a rollout, and while an earlier release stays
 * warm, it has two.
 */
export interface ApplicationArm {
  readonly spec: ApplicationSpec;
  /** Of the application's requests, from 0 to 1; null: those that are chosen for it. With one arm neither counts. */
  readonly share: number | null;
  readonly name: ArmName;
}

/** The arms of an application; the first one replaces instances of earlier configurations. */
export type ArmsOf = (spec: ApplicationSpec) => readonly [ApplicationArm, ...ApplicationArm[]];

export const oneArm: ArmsOf = (spec) => [{ spec, share: 1, name: 'old' }];
