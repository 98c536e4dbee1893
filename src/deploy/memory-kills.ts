import { readFileSync } from 'node:fs';
import type { Instant } from '../core/time.ts';

/**
 * Whether the kernel killed a process because memory ran out. The exit status only says SIGKILL, which an operator
 * may have sent as well; the process's memory cgroup counts the kernel's own kills.
 *
 * The counter is of the whole cgroup, so only a rise shortly before the exit is taken as evidence: two samples are
 * kept, and compared is the older, which is from `sampleEveryMs` to twice that old.
 */
export class MemoryKills {
  readonly #pid: number;
  readonly #readText: ReadText;
  #path: string | null;
  #older: Sample | null = null;
  #newer: Sample | null = null;

  constructor(pid: number, now: Instant, readText: ReadText = readFile) {
    this.#pid = pid;
    this.#readText = readText;
    this.#path = counterPath(pid, readText);
    this.#older = this.#newer = this.#sample(now);
  }

  /** Called while the process runs, as often as is convenient. */
  watch(now: Instant): void {
    this.#lookUp(now);
    if (this.#newer === null || now - this.#newer.at < sampleEveryMs) return;
    this.#older = this.#newer;
    this.#newer = this.#sample(now) ?? this.#newer;
  }

  /**
   * A program may move to another group, and wrappers do so when they start it. One that is ending seems to move to the root of a hierarchy of
   * version 1: what is known of it stays.
   */
  #lookUp(now: Instant): void {
    const path = counterPath(this.#pid, this.#readText, (group) => group !== '/');
    if (path === null || path === this.#path) return;
    this.#path = path;
    this.#older = this.#newer = this.#sample(now);
  }

  /** Called once the process has been killed. Null: this machine does not tell. */
  hasRisen(now: Instant): boolean | null {
    const count = this.#sample(now)?.count;
    if (count === undefined || this.#older === null) return null;
    return count > this.#older.count;
  }

  #sample(at: Instant): Sample | null {
    if (this.#path === null) return null;
    const count = oomKills(this.#readText(this.#path));
    return count === null ? null : { at, count };
  }
}

/** The kernel's kill and the end of a process with much memory may lie seconds apart. */
const sampleEveryMs = 5_000;

interface Sample {
  readonly at: Instant;
  readonly count: number;
}

/** The text of a file, or null where it cannot be read. */
type ReadText = (path: string) => string | null;

function readFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null; // not Linux, no such controller, or not ours to read: then nothing is known
  }
}

/**
 * The file that counts: `memory.events` in cgroup v2, `memory.oom_control` in v1 (cgroups(7)). Inside a container
 * the path may name what only the host can see; the mount's root is then our own cgroup.
 */
function counterPath(pid: number, readText: ReadText, isWanted = (_group: string): boolean => true): string | null {
  const lines = readText(`/proc/${pid}/cgroup`)?.trim().split('\n') ?? [];
  for (const line of lines) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined || !isWanted(path)) continue;
    for (const candidate of candidates(controllers, path)) {
      if (oomKills(readText(candidate)) !== null) return candidate;
    }
  }
  return null;
}

function candidates(controllers: string, path: string): readonly string[] {
  const [mounts, file] =
    controllers === ''
      ? [['/sys/fs/cgroup', '/sys/fs/cgroup/unified'], 'memory.events']
      : controllers.split(',').includes('memory')
        ? [['/sys/fs/cgroup/memory'], 'memory.oom_control']
        : [[], ''];
  return mounts.flatMap((mount) => [`${mount}${path === '/' ? '' : path}/${file}`, `${mount}/${file}`]);
}

function oomKills(text: string | null): number | null {
  const count = text === null ? undefined : /^oom_kill (\d+)$/m.exec(text)?.[1];
  return count === undefined ? null : Number(count);
}
