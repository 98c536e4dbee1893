import type { AttemptFacts } from './exchange.ts';
import type { InstanceExit } from '#failures/instance-exit.ts';
import type { NewEvent } from './event.ts';
import type { AttemptRecord } from './schemas/record.ts';
import type { Instant } from './time.ts';

/** How an instance ended, as the record of its request has it. */
export type RecordedExit = NonNullable<AttemptRecord['exit']>;

/** A key for an exit that Candor caused, and none for another one. */
export function stoppedJson({ stopped }: Pick<InstanceExit, 'stopped'>): Pick<RecordedExit, 'stopped'> {
  return stopped === undefined ? {} : { stopped: { replaced_by: stopped.replacedBy } };
}

/** A recorded exit, for the texts that say what to make of it. Its instant is not recorded. */
export function instanceExitOf({ code, signal, oom, last_line: lastLine, stopped }: RecordedExit): InstanceExit {
  const exit = { atInstant: 0, code, signal, outOfMemory: oom, lastLine };
  return stopped === undefined ? exit : { ...exit, stopped: { replacedBy: stopped.replaced_by } };
}

/** Whether Candor has stopped the program that exited: nothing but its own signals leads to this phase. */
export function wasStopped({ from }: Pick<NewEvent<'instance_exited'>, 'from'>): boolean {
  return from === 'stopping';
}

/** How long before the end of the attempt its instance exited; negative if the exit was noticed later. */
export function exitBeforeMs(attempt: Pick<AttemptFacts, 'endedMs'>, exit: InstanceExit, startedAt: Instant): number {
  return startedAt + attempt.endedMs - exit.atInstant;
}
