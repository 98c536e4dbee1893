import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** A control group with a limit of memory, for programs that the kernel is to kill. */
interface MemoryGroup {
  /** Its folder: a process that writes its number to `cgroup.procs` belongs to it. */
  readonly folder: string;
  /** Removes it once its processes have ended. */
  readonly remove: () => Promise<void>;
}

/** In version 1 or 2 of control groups; one sentence where this machine or this user can make none. */
export function makeMemoryGroup(name: string, limitBytes: number): MemoryGroup | string {
  const isFirst = existsSync('/sys/fs/cgroup/memory');
  const folder = join(isFirst ? '/sys/fs/cgroup/memory' : '/sys/fs/cgroup', name);
  const limits = isFirst
    ? [['memory.limit_in_bytes', String(limitBytes)]]
    : [
        ['memory.max', String(limitBytes)],
        ['memory.swap.max', '0'],
      ];
  try {
    mkdirSync(folder);
    for (const [file = '', value = ''] of limits) writeFileSync(join(folder, file), value);
    return { folder, remove: () => remove(folder) };
  } catch (error) {
    if (existsSync(folder)) rmdirSync(folder);
    return `no control group with a limit of memory can be made here: ${(error as Error).message}`;
  }
}

/** The kernel takes a moment to empty the group of a process that has ended. */
async function remove(folder: string): Promise<void> {
  for (let look = 0; look < 200 && existsSync(folder); look += 1) {
    try {
      rmdirSync(folder);
    } catch {
      await sleep(50);
    }
  }
}
