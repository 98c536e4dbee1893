import { readdirSync, readFileSync } from 'node:fs';

/** What Linux shows of a running process and of its control group (proc(5), cgroups(7)). Null: not readable here. */
export interface ProcessUsage {
  readonly pid: number;
  readonly openFiles: number | null;
  readonly openFilesMax: number | null;
  readonly memoryBytes: number | null;
  /** The most that it has used. */
  readonly memoryPeakBytes: number | null;
  readonly threads: number | null;
  readonly controlGroup: ControlGroupUsage | null;
}

export interface ControlGroupUsage {
  readonly path: string;
  readonly memoryBytes: number | null;
  /** Null also where there is no limit. */
  readonly memoryMaxBytes: number | null;
  /** Processes of the group that the kernel has killed because its memory ran out. */
  readonly oomKills: number | null;
  /** The share of the last ten seconds, in percent, in which some process of the group waited for it (PSI). */
  readonly cpuPressure: number | null;
  readonly memoryPressure: number | null;
  readonly ioPressure: number | null;
  /** How often the group used up its share of CPU time, and had to wait. */
  readonly cpuThrottled: number | null;
  /** In how many periods of its share it had something to do. */
  readonly cpuPeriods: number | null;
}

/** The text of a file, or null where it cannot be read. */
export type ReadsText = (path: string) => string | null;

/** Null where there is no such process, or no /proc. */
export function processUsage(
  pid: number,
  readText: ReadsText = readFile,
  countFiles: (path: string) => number | null = countEntries,
): ProcessUsage | null {
  const status = readText(`/proc/${pid}/status`);
  if (status === null) return null;
  const kilobytes = (name: string): number | null => {
    const value = numberIn(status, new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm'));
    return value === null ? null : value * 1024;
  };
  return {
    pid,
    openFiles: countFiles(`/proc/${pid}/fd`),
    openFilesMax: numberIn(readText(`/proc/${pid}/limits`), /^Max open files\s+(\d+)/m),
    memoryBytes: kilobytes('VmRSS'),
    memoryPeakBytes: kilobytes('VmHWM'),
    threads: numberIn(status, /^Threads:\s+(\d+)$/m),
    controlGroup: controlGroupOf(pid, readText),
  };
}

export function controlGroupOf(pid: number, readText: ReadsText = readFile): ControlGroupUsage | null {
  for (const line of readText(`/proc/${pid}/cgroup`)?.trim().split('\n') ?? []) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    if (controllers === '') {
      const usage = secondVersion(path, readText);
      if (usage !== null) return usage;
    } else if (controllers.split(',').includes('memory')) {
      const usage = firstVersion(path, readText);
      if (usage !== null) return usage;
    }
  }
  return null;
}

/**
 * Inside a container the path may name what only the host can see; the root of the mount is then the group itself. Null where
 * the folder has no controllers.
 */
function secondVersion(path: string, readText: ReadsText): ControlGroupUsage | null {
  for (const folder of foldersOf(['/sys/fs/cgroup', '/sys/fs/cgroup/unified'], path)) {
    const events = readText(`${folder}/memory.events`);
    const cpu = readText(`${folder}/cpu.stat`);
    if (events === null && cpu === null) continue;
    const pressure = (of: string): number | null =>
      numberIn(readText(`${folder}/${of}.pressure`), /^some avg10=(\d+(?:\.\d+)?)/m);
    return {
      path,
      memoryBytes: numberIn(readText(`${folder}/memory.current`), /^(\d+)/),
      memoryMaxBytes: numberIn(readText(`${folder}/memory.max`), /^(\d+)/),
      oomKills: numberIn(events, /^oom_kill (\d+)$/m),
      cpuPressure: pressure('cpu'),
      memoryPressure: pressure('memory'),
      ioPressure: pressure('io'),
      cpuThrottled: numberIn(cpu, /^nr_throttled (\d+)$/m),
      cpuPeriods: numberIn(cpu, /^nr_periods (\d+)$/m),
    };
  }
  return null;
}

function firstVersion(path: string, readText: ReadsText): ControlGroupUsage | null {
  for (const folder of foldersOf(['/sys/fs/cgroup/memory'], path)) {
    const memoryBytes = numberIn(readText(`${folder}/memory.usage_in_bytes`), /^(\d+)/);
    if (memoryBytes === null) continue;
    const limit = numberIn(readText(`${folder}/memory.limit_in_bytes`), /^(\d+)/);
    return {
      path,
      memoryBytes,
      // Without a limit the file has the largest number of whole pages.
      memoryMaxBytes: limit === null || limit > 2 ** 60 ? null : limit,
      oomKills: numberIn(readText(`${folder}/memory.oom_control`), /^oom_kill (\d+)$/m),
      cpuPressure: null,
      memoryPressure: null,
      ioPressure: null,
      cpuThrottled: null,
      cpuPeriods: null,
    };
  }
  return null;
}

function foldersOf(mounts: readonly string[], path: string): readonly string[] {
  return mounts.flatMap((mount) => [`${mount}${path === '/' ? '' : path}`, mount]);
}

function numberIn(text: string | null, pattern: RegExp): number | null {
  const found = text === null ? undefined : pattern.exec(text)?.[1];
  return found === undefined ? null : Number(found);
}

function readFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // not Linux, no such controller, or another user's
  }
}

function countEntries(path: string): number | null {
  try {
    return readdirSync(path).length;
  } catch {
    return null; // the process has ended, or is another user's
  }
}
