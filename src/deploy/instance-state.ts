import type { ApplicationSpec } from '../core/configuration.ts';
import type { Instant } from '../core/time.ts';
import type { InstanceLife } from './instance-life.ts';
import { type InstanceRecord, isRecorded } from './instance-record.ts';
import type { ProgramRun } from './program-run.ts';

/** What an instance knows of its own record; its supervisor adds the rest. */
export type InstanceState = Omit<InstanceRecord, 'application' | 'number' | 'runKey' | 'unknownFields'>;

/** Null where a later process could not take the program over. */
export function instanceState(
  life: InstanceLife,
  run: ProgramRun,
  { spec, restarts, now }: { readonly spec: ApplicationSpec; readonly restarts: number; readonly now: Instant },
): InstanceState | null {
  const program = run.program?.record() ?? null;
  if (program === null || !isRecorded(life.phase)) return null;
  const { command, readiness, restart } = spec;
  return {
    command,
    program,
    phase: life.phase,
    sinceMs: Math.round(now - life.since),
    ranMs: Math.round(now - run.startedAt),
    dueInMs: life.phase === 'draining' ? Math.max(0, Math.round(life.until - now)) : null,
    failures: 'failures' in life ? life.failures : 0,
    failedStarts: 'failedStarts' in life ? life.failedStarts : 0,
    restarts,
    readiness,
    restart,
    lines: run.tail.lines,
  };
}
