import { memoryText } from '#failures/quantity-text.ts';
import type { LaunchedProgram } from '../../core/launch.ts';
import type { Instant } from '../../core/time.ts';
import type { ProcessGroup } from './main-groups.ts';
import type { ChildKills, MemoryGrowth, MemorySource } from './main-memory.ts';

/** A program that runs, with a limit of memory. */
export interface LimitedRun {
  readonly program: LaunchedProgram;
  readonly name: string;
  readonly limitBytes: number;
  pid: number | null;
  hasExited: boolean;
  /** Until then it is looked at often: what begins too large is killed soon. */
  youngUntil: Instant;
  /** Null: the gateway looks itself. */
  readonly source: MemorySource | null;
  /** How many processes of its group the kernel had killed for memory, at the last two looks: a kill of hours ago has not ended the program. */
  kills: readonly [older: number, newer: number];
  readonly childKills: ChildKills;
  readonly memory: ProcessGroup['memory'];
  readonly growth: MemoryGrowth;
  /** What it used when the gateway killed it. */
  killedAtBytes: number | null;
}

/** Why the program was killed, a clause. */
export function killText({ program: { program }, name, pid, limitBytes, killedAtBytes }: LimitedRun): string {
  const limit = memoryText(limitBytes);
  const which = `${program} (${name}, process ${pid ?? '?'})`;
  return killedAtBytes === null
    ? `killed by the kernel: out of memory: ${which} had reached ${limit}, its limit (limits.memory)`
    : `killed by the gateway: out of memory: ${which} used ${memoryText(killedAtBytes)}, and its limit is ${limit} (limits.memory)`;
}

export function killedChildrenText(
  { program: { program }, name, pid, limitBytes, growth }: LimitedRun,
  count: number,
): string {
  const what = count === 1 ? `a process of ${program} was` : `${count} processes of ${program} were`;
  const text = `${what} killed by the kernel: out of memory: all processes of ${program} together had reached ${memoryText(limitBytes)}, their limit (limits.memory); ${name}, process ${pid ?? '?'}, runs on`;
  const grown = growth.text();
  return grown === null ? text : `${text}; ${grown}`;
}
