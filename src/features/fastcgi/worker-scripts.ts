import { realpath, stat } from 'node:fs';
import type { ScriptFault } from '#failures/failure.ts';
import { after, type Clock, type Instant } from '../../core/time.ts';

/** What a path below the root is. */
export type FoundPath = 'file' | 'folder' | Exclude<ScriptFault, 'not_a_file' | 'bad_path'>;

interface Known {
  readonly found: FoundPath;
  readonly until: Instant;
}

/** PHP itself looks at a file again only after 2 s (`opcache.revalidate_freq`). */
const keptMs = 1000;
const keptMax = 4096;

/**
 * Says what the paths below a folder are. Symbolic links are followed within it. What was found holds for a second; requests that ask for the
 * same path meanwhile share a look. Paths are text of bytes.
 */
export class ScriptFolder {
  readonly #root: string;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();
  readonly #asking = new Map<string, ((found: FoundPath) => void)[]>();

  constructor(root: string, clock: Clock) {
    this.#root = root;
    this.#clock = clock;
  }

  /** What is known of the path without a look; null: nothing. */
  known(path: string): FoundPath | null {
    const known = this.#known.get(path);
    return known !== undefined && known.until > this.#clock.now() ? known.found : null;
  }

  look(path: string, onFound: (found: FoundPath) => void): void {
    const asking = this.#asking.get(path);
    if (asking !== undefined) return void asking.push(onFound);
    this.#asking.set(path, [onFound]);
    this.#resolve(path, (found) => this.#end(path, found));
  }

  #end(path: string, found: FoundPath): void {
    this.#known.delete(path);
    if (this.#known.size >= keptMax) this.#known.delete(this.#known.keys().next().value as string);
    this.#known.set(path, { found, until: after(this.#clock.now(), keptMs) });
    const asking = this.#asking.get(path) ?? [];
    this.#asking.delete(path);
    for (const onFound of asking) onFound(found);
  }

  #resolve(path: string, onFound: (found: FoundPath) => void): void {
    // The root may be a link that a deploy changes.
    realpath.native(this.#root, { encoding: 'latin1' }, (rootError, root) => {
      if (rootError !== null) return onFound(faultOf(rootError));
      realpath.native(bytesOf(this.#root + path), { encoding: 'latin1' }, (error, real) => {
        if (error !== null) return onFound(faultOf(error));
        if (!real.startsWith(root === '/' ? root : `${root}/`)) return onFound('outside');
        stat(bytesOf(real), (statError, stats) => {
          if (statError !== null) return onFound(faultOf(statError));
          onFound(stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : 'missing');
        });
      });
    });
  }
}

function bytesOf(path: string): Buffer {
  return Buffer.from(path, 'latin1');
}

function faultOf({ code }: NodeJS.ErrnoException): 'missing' | 'unreadable' {
  return code === 'EACCES' || code === 'EPERM' ? 'unreadable' : 'missing';
}
