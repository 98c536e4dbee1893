import type { Phase } from './instance-life.ts';

/** One instance as people see it. */
export interface SupervisedInstanceStatus {
  readonly id: string;
  readonly pid: number | null;
  readonly port: number;
  readonly phase: 'starting' | 'ready' | 'failing' | 'backing_off' | 'stopping' | 'stopped';
  readonly reason: string;
  readonly restarts: number;
  /** It starts, and `readiness.start_timeout` is over. */
  readonly late: boolean;
  /** Where strangers may reach it without the gateway, such as '0.0.0.0:41213'; null where none can, or it is not known. */
  readonly exposedAt: string | null;
  readonly lastLines: readonly string[];
}

/** As its supervisor knows it, who knows the configuration too. */
export interface ManagedInstanceStatus extends SupervisedInstanceStatus {
  /** What it runs, where an earlier configuration has started it and a new instance is to replace it; else null. */
  readonly earlierCommand: readonly string[] | null;
}

/** People need not know that a program can have ended while what it started has not. */
export function statusPhase(phase: Phase): SupervisedInstanceStatus['phase'] {
  if (phase === 'exited') return 'backing_off';
  return phase === 'draining' ? 'stopping' : phase;
}
