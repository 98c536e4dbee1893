import { realpath, stat, type Stats } from 'node:fs';
import type { ScriptFault } from '#failures/failure.ts';
import { restBelow } from '../../core/rest-below.ts';
import { after, type Clock, type Instant } from '../../core/time.ts';
import { called, type Disk } from '../files/worker-disk.ts';
import { codeOf, isMissing } from '../files/worker-file.ts';

/** What a path below the root is. */
export type FoundPath = 'file' | 'folder' | Exclude<ScriptFault, 'not_a_file' | 'bad_path'>;

interface Known {
  readonly found: FoundPath;
  readonly until: Instant;
}

/** PHP itself looks at a file again only after 2 s (`opcache.revalidate_freq`). */
const keptMs = 1000;
const keptMax = 4096;

/** What the path is, whose name the system resolves; null: it lies outside of the root. Rejects with the error of the system. */
export type StatBelow = (root: string, path: string) => Promise<Stats | null>;

/** Says what the paths below a folder are, which are text of bytes. Symbolic links are followed within it. What was found holds for a second. */
export class ScriptFolder {
  readonly disk: Disk;
  readonly #root: string;
  readonly #clock: Clock;
  readonly #statBelow: StatBelow;
  readonly #known = new Map<string, Known>();

  constructor(root: string, disk: Disk, clock: Clock, statBelow: StatBelow = statOfSystem) {
    this.disk = disk;
    this.#root = root;
    this.#clock = clock;
    this.#statBelow = statBelow;
  }

  /** What is known of the path without a look; null: nothing. */
  known(path: string): FoundPath | null {
    const known = this.#known.get(path);
    return known !== undefined && known.until > this.#clock.now() ? known.found : null;
  }

  /** Within a turn of the disk. Rejects with an error of the system that says nothing of the path. */
  async look(path: string): Promise<FoundPath> {
    const found = await this.#find(path);
    this.#known.delete(path);
    if (this.#known.size >= keptMax) this.#known.delete(this.#known.keys().next().value as string);
    this.#known.set(path, { found, until: after(this.#clock.now(), keptMs) });
    return found;
  }

  async #find(path: string): Promise<FoundPath> {
    try {
      const stats = await this.#statBelow(this.#root, path);
      if (stats === null) return 'outside';
      this.disk.noteDevice(stats.dev);
      return stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'missing';
    } catch (error) {
      if (isMissing(error)) return 'missing';
      const code = codeOf(error);
      if (code === 'EACCES' || code === 'EPERM') return 'unreadable';
      throw error;
    }
  }
}

/** One call after the other, since a turn is for one thread. The root may be a link that a deploy changes. */
async function statOfSystem(root: string, path: string): Promise<Stats | null> {
  const realRoot = await realPathOf(Buffer.from(root));
  const real = await realPathOf(Buffer.concat([Buffer.from(root), Buffer.from(path, 'latin1')]));
  return restBelow(realRoot, real) === null ? null : called((done) => stat(Buffer.from(real, 'latin1'), done));
}

const realPathOf = (path: Buffer): Promise<string> =>
  called((done) => realpath.native(path, { encoding: 'latin1' }, done));
