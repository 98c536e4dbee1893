import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeMemoryGroup } from '../memory-group.ts';
import type { ApplicationSetup } from './setup.ts';

const periodUs = 100_000;

/** The control groups of a play, in which the kernel limits the memory or the processor of applications. */
export class ControlGroups {
  readonly #folders = new Map<string, string[]>();
  readonly #processor = new Map<string, string>();
  readonly #removals: (() => Promise<void>)[] = [];

  /** Throws one sentence where this machine or this user can make none. */
  constructor(applications: Readonly<Record<string, ApplicationSetup>>) {
    for (const [name, { memoryMib, hasCpuGroup }] of Object.entries(applications)) {
      const own = `candor-outage-${process.pid}-${name}`;
      const folders: string[] = [];
      if (memoryMib !== undefined) {
        const group = makeMemoryGroup(own, memoryMib * 2 ** 20);
        if (typeof group === 'string') throw new Error(group);
        folders.push(group.folder);
        this.#removals.push(group.remove);
      }
      if (hasCpuGroup === true) {
        const folder = join(existsSync('/sys/fs/cgroup/cpu') ? '/sys/fs/cgroup/cpu' : '/sys/fs/cgroup', `${own}-cpu`);
        mkdirSync(folder);
        folders.push(folder);
        this.#processor.set(name, folder);
        this.#removals.push(() => removeFolder(folder));
      }
      this.#folders.set(name, folders);
    }
  }

  /** The folders of an application, with colons between them. */
  of(application: string): string {
    return (this.#folders.get(application) ?? []).join(':');
  }

  /** 0: no limit. */
  limitProcessor(application: string, share: number): void {
    const folder = this.#processor.get(application) ?? '';
    const isFirst = existsSync(join(folder, 'cpu.cfs_quota_us'));
    const quota = share === 0 ? -1 : Math.round(share * periodUs);
    if (isFirst) writeFileSync(join(folder, 'cpu.cfs_quota_us'), String(quota));
    else writeFileSync(join(folder, 'cpu.max'), `${quota < 0 ? 'max' : quota} ${periodUs}`);
  }

  /** Removes them once their processes have ended. */
  async remove(): Promise<void> {
    for (const removal of this.#removals) await removal();
  }
}

async function removeFolder(folder: string): Promise<void> {
  for (let look = 0; look < 100 && existsSync(folder); look++) {
    try {
      rmdirSync(folder);
    } catch {
      await sleep(50);
    }
  }
}
