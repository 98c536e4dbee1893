import type { ApplicationSpec } from '../core/configuration.ts';
import type { ApplicationId } from '../core/endpoint.ts';
import type { LiveInstance } from '../core/live-instance.ts';
import type { Instance } from './instance.ts';
import type { Phase } from './instance-life.ts';
import type { InstanceRecord } from './instance-record.ts';

/** An instance as its supervisor knows it. */
export interface ManagedInstance {
  readonly instance: Instance;
  /** What the process was made of: see `runKey` of `supervisor.ts`. */
  runKey: string;
  /** Fields of this run's record that a later version of Candor had written. */
  readonly unknownFields: InstanceRecord['unknownFields'];
  /**
   * Whether the supervisor must not start the program again when it has ended. True if an adopted instance was started with
   * settings that this process does not know, or if no later process could adopt it.
   */
  mustNotRestart: boolean;
}

/** Applies settings that need no new process. */
export function adaptInstances(instances: readonly ManagedInstance[], spec: ApplicationSpec, runKey: string): void {
  for (const managed of instances) {
    if (managed.runKey !== runKey) continue;
    managed.mustNotRestart = false;
    managed.instance.adapt(spec);
  }
}

/** The part of the specification that a record has: enough to supervise the running program, not enough to start another one. */
export function specFromRecord({ application, command, program, readiness, restart }: InstanceRecord): ApplicationSpec {
  const { stopMs } = program;
  return {
    id: application,
    command,
    directory: '/',
    environment: {},
    instances: 1,
    port: null,
    readiness,
    stopMs,
    restart,
  };
}

/** The record from which another process can take over the instance; null if it could not. */
export function recordOf({ instance, runKey, unknownFields }: ManagedInstance): InstanceRecord | null {
  const state = instance.record();
  const [application, number] = /^(.*)\/(\d+)$/.exec(instance.id)?.slice(1) ?? [];
  if (state === null || application === undefined) return null;
  return { ...state, application: application as ApplicationId, number: Number(number), runKey, unknownFields };
}

/** Stops an instance whose program is not running, so that a process that is about to end does not start it again. */
export function stopIfNotRunning({ instance }: ManagedInstance): void {
  const { phase } = instance;
  if (hasNoProgram(phase) || (phase === 'starting' && !instance.hasProgram)) instance.stop();
}

/** Whether the program has ended. */
export function hasNoProgram(phase: Phase): boolean {
  return phase === 'exited' || phase === 'backing_off';
}

/** Whether the instance gets no new requests and is about to end. */
export function isLeaving(phase: Phase): boolean {
  return phase === 'draining' || phase === 'stopping' || phase === 'stopped';
}

/** The instances that are left over if the `keep` most useful ones stay; the least useful instance comes first. */
export function surplusInstances(instances: readonly ManagedInstance[], keep: number): readonly ManagedInstance[] {
  const usefulness = ({ instance }: ManagedInstance) =>
    instance.phase === 'ready' ? 2 : instance.phase === 'failing' ? 1 : 0;
  const sorted = [...instances].sort((a, b) => usefulness(a) - usefulness(b));
  return sorted.slice(0, Math.max(0, instances.length - Math.max(0, keep)));
}

/** What others see of an instance; of one that Candor has stopped also which instance had replaced it. */
export function liveAmong(managed: ManagedInstance, all: readonly ManagedInstance[]): LiveInstance {
  const live = managed.instance.live();
  if (live.exit?.stopped === undefined) return live;
  return { ...live, exit: { ...live.exit, stopped: { replacedBy: replacingInstance(managed, all) } } };
}

/** The newest instance of another configuration that runs and is newer than this one; null: there is none. */
export function replacingInstance(managed: ManagedInstance, all: readonly ManagedInstance[]): string | null {
  const newer = all.slice(all.indexOf(managed) + 1).filter((other) => other.runKey !== managed.runKey);
  const replacement = newer.findLast(({ instance }) => !isLeaving(instance.phase) && !hasNoProgram(instance.phase));
  return replacement?.instance.id ?? null;
}
