import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What a container may use. */
interface ContainerLimits {
  /** Parts of one core, in each period of 100 ms. */
  readonly cpus: number;
  /** Null: as much as the machine has. */
  readonly memoryBytes: number | null;
  /** Whether all processes can be stopped together, and continued. */
  readonly freezes?: boolean;
}

/** How long the kernel kept the processes of a group from running, because they had used up their part of a period. */
export interface Throttled {
  readonly periods: number;
  readonly throttledPeriods: number;
  readonly throttledMs: number;
}

/** The files of a control group, in version 1 or 2 (cgroups(7)). */
export interface GroupFiles {
  readonly version: 1 | 2;
  /** Each is created, gets the processes, and is removed at the end. */
  readonly folders: readonly string[];
  /** Path and value, written in this order. */
  readonly limits: readonly (readonly [path: string, value: string])[];
  readonly cpuStat: string;
  readonly memoryPeak: string;
  /** Stops all processes of the group, or continues them, when the value is written to the path. Null if not asked for. */
  readonly freezer: { readonly path: string; readonly frozen: string; readonly thawed: string } | null;
}

const periodMicroseconds = 100_000;

/** Pure. `version` says which hierarchy is mounted below `root`. */
export function groupFiles(root: string, version: 1 | 2, name: string, limits: ContainerLimits): GroupFiles {
  return version === 2 ? filesOfVersion2(join(root, name), limits) : filesOfVersion1(root, name, limits);
}

function filesOfVersion2(folder: string, { cpus, memoryBytes, freezes = false }: ContainerLimits): GroupFiles {
  return {
    version: 2,
    folders: [folder],
    limits: [
      [join(folder, 'cpu.max'), `${quotaOf(cpus)} ${periodMicroseconds}`],
      ...memoryLimit(join(folder, 'memory.max'), memoryBytes),
    ],
    cpuStat: join(folder, 'cpu.stat'),
    memoryPeak: join(folder, 'memory.peak'),
    freezer: freezes ? { path: join(folder, 'cgroup.freeze'), frozen: '1', thawed: '0' } : null,
  };
}

function filesOfVersion1(
  root: string,
  name: string,
  { cpus, memoryBytes, freezes = false }: ContainerLimits,
): GroupFiles {
  const [cpu, memory, freezer] = [join(root, 'cpu', name), join(root, 'memory', name), join(root, 'freezer', name)];
  return {
    version: 1,
    folders: [cpu, memory, ...(freezes ? [freezer] : [])],
    limits: [
      [join(cpu, 'cpu.cfs_period_us'), String(periodMicroseconds)],
      [join(cpu, 'cpu.cfs_quota_us'), quotaOf(cpus)],
      ...memoryLimit(join(memory, 'memory.limit_in_bytes'), memoryBytes),
    ],
    cpuStat: join(cpu, 'cpu.stat'),
    memoryPeak: join(memory, 'memory.max_usage_in_bytes'),
    freezer: freezes ? { path: join(freezer, 'freezer.state'), frozen: 'FROZEN', thawed: 'THAWED' } : null,
  };
}

function quotaOf(cpus: number): string {
  return String(Math.round(cpus * periodMicroseconds));
}

function memoryLimit(path: string, bytes: number | null): GroupFiles['limits'] {
  return bytes === null ? [] : [[path, String(bytes)]];
}

/** Reads `cpu.stat` of either version. Version 1 has nanoseconds, version 2 microseconds. */
export function readThrottled(text: string): Throttled {
  const of = (name: string): number => Number(new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0);
  return {
    periods: of('nr_periods'),
    throttledPeriods: of('nr_throttled'),
    throttledMs: of('throttled_time') / 1e6 + of('throttled_usec') / 1e3,
  };
}

const root = '/sys/fs/cgroup';
const created = new Set<GroupFiles>();

/** Creates a group with these limits. Throws one sentence if this machine or this user cannot. */
export function createGroup(name: string, limits: ContainerLimits): GroupFiles {
  const version = mountedVersion();
  if (version === null)
    throw new Error(`a small container cannot be measured here: ${root} has no control groups for cpu and memory`);
  const files = groupFiles(root, version, name, limits);
  try {
    if (version === 2) writeFileSync(join(root, 'cgroup.subtree_control'), '+cpu +memory');
    for (const folder of files.folders) mkdirSync(folder, { recursive: true });
    created.add(files);
    for (const [path, value] of files.limits) writeFileSync(path, value);
  } catch (error) {
    const { code = 'an error' } = error as NodeJS.ErrnoException;
    throw new Error(
      `a small container cannot be measured here: control groups below ${root} cannot be created (${code}); run it as root`,
      { cause: error },
    );
  }
  return files;
}

function mountedVersion(): 1 | 2 | null {
  if (existsSync(join(root, 'cgroup.controllers'))) return 2;
  return existsSync(join(root, 'cpu', 'cgroup.procs')) && existsSync(join(root, 'memory', 'cgroup.procs')) ? 1 : null;
}

/** The command, run within the group from its first instruction on, with the same process id. */
export function withinGroup({ folders }: GroupFiles, command: readonly string[]): readonly string[] {
  const joins = folders.map((folder) => `echo $$ > ${join(folder, 'cgroup.procs')}`);
  return ['sh', '-c', `${joins.join(' && ')} && exec "$@"`, 'sh', ...command];
}

export function throttledOf({ cpuStat }: GroupFiles): Throttled {
  return readThrottled(readFileSync(cpuStat, 'utf8'));
}

/** The most memory of the group so far, files in the cache of the kernel included; null where the kernel does not keep it. */
export function memoryPeakOf({ memoryPeak }: GroupFiles): number | null {
  return existsSync(memoryPeak) ? Number(readFileSync(memoryPeak, 'utf8')) : null;
}

/** Call this when the processes of all groups have ended. */
export function removeGroups(): void {
  for (const { folders } of created) for (const folder of folders) if (existsSync(folder)) rmdirSync(folder);
  created.clear();
}
