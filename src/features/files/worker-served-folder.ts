import type { Clock } from '../../core/time.ts';
import type { FilesSpec, SiteFolders } from './settings.ts';
import { FileCache } from './worker-cache.ts';
import { Root } from './worker-file.ts';

/** Where the files of a route lie. A rollout of a static application leads it elsewhere: requests that have begun go on where they were. */
export class ServedFolder {
  readonly #clock: Clock;
  readonly #usual: FilesSpec;
  spec: FilesSpec;
  root: Root;
  /** Of the release before; null: what is missing is not looked for there. */
  previous: Root | null = null;
  cache: FileCache;
  #folders: SiteFolders;

  constructor(spec: FilesSpec, root: Root, clock: Clock) {
    this.#clock = clock;
    this.#usual = spec;
    this.spec = spec;
    this.root = root;
    this.#folders = { root: spec.root, previous: null };
    this.cache = this.#emptyCache();
  }

  /** Null: the files lie where the spec says. */
  use(folders: SiteFolders | null): void {
    const { root, previous } = folders ?? { root: this.#usual.root, previous: null };
    if (root === this.#folders.root && previous === this.#folders.previous) return;
    this.#folders = { root, previous };
    this.spec = { ...this.#usual, root };
    this.root = this.#rootAt(root);
    this.previous = previous === null ? null : this.#rootAt(previous);
    this.cache = this.#emptyCache();
  }

  #rootAt(path: string): Root {
    return new Root(path, this.root.disk, this.#usual.programs);
  }

  #emptyCache(): FileCache {
    return new FileCache(this.#usual.precompressed.length > 0, this.#clock);
  }
}
