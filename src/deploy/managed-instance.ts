import type { ApplicationSpec } from '../core/configuration.ts';
import type { ApplicationId } from '../core/endpoint.ts';
import type { Instance } from './instance.ts';
import type { Phase } from './instance-life.ts';
import type { InstanceRecord } from './instance-record.ts';

/** An instance as its supervisor has it. */
export interface ManagedInstance {
  readonly instance: Instance;
  /** What its process was made of. */
  readonly runKey: string;
  /** Something of this run's record that a later version had written. */
  readonly more: InstanceRecord['more'];
  /** Nobody here knows what it was made of, so it cannot be started again. */
  isForeign: boolean;
}

/** Settings that a running process has no part in take effect at once. */
export function adaptInstances(members: readonly ManagedInstance[], spec: ApplicationSpec, runKey: string): void {
  for (const member of members) {
    if (member.runKey !== runKey) continue;
    member.isForeign = false;
    member.instance.adapt(spec);
  }
}

/** As far as it is known: enough to look after the program that runs, not to start another one. */
export function foreignSpec({ application, command, program, readiness, restart }: InstanceRecord): ApplicationSpec {
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

/** For another process; null where none can take it over. */
export function recordOf({ instance, runKey, more }: ManagedInstance): InstanceRecord | null {
  const state = instance.record();
  const [application, number] = /^(.*)\/(\d+)$/.exec(instance.id)?.slice(1) ?? [];
  if (state === null || application === undefined) return null;
  return { ...state, application: application as ApplicationId, number: Number(number), runKey, more };
}

/** What has ended is not started again by a process that is about to go. */
export function stopWithoutProgram({ instance }: ManagedInstance): void {
  const { phase } = instance;
  if (hasNoProgram(phase) || (phase === 'starting' && !instance.hasProgram)) instance.stop();
}

/** Its program has ended. */
export function hasNoProgram(phase: Phase): boolean {
  return phase === 'exited' || phase === 'backing_off';
}

/** Nothing new is sent to it, and it will be gone. */
export function isLeaving(phase: Phase): boolean {
  return phase === 'draining' || phase === 'stopping' || phase === 'stopped';
}

/** All but `keep` of them, those first that serve nobody. */
export function leastUsefulInstances(members: readonly ManagedInstance[], keep: number): readonly ManagedInstance[] {
  const usefulness = ({ instance }: ManagedInstance) =>
    instance.phase === 'ready' ? 2 : instance.phase === 'failing' ? 1 : 0;
  const sorted = [...members].sort((a, b) => usefulness(a) - usefulness(b));
  return sorted.slice(0, Math.max(0, members.length - Math.max(0, keep)));
}
