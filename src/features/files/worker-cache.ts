import type { FilterContext } from '../../core/filter.ts';
import type { ResponseHead } from '../../core/message.ts';
import type { Clock, Instant } from '../../core/time.ts';
import type { FileCoding } from './settings.ts';
import type { OpenFile } from './worker-file.ts';

/** A file that answers a request. */
export interface FoundFile {
  /** Of the file itself, below the root, also where one beside it is sent. */
  readonly path: string;
  readonly file: OpenFile;
  readonly coding: FileCoding | null;
  /** It stands for a page that is not there: for any of its path, or because of what the client accepts. */
  readonly fallback?: 'by_path' | 'by_accept';
}

export interface CachedFile {
  readonly found: FoundFile;
  readonly bytes: Uint8Array;
  readonly readAt: Instant;
  /** The head of the whole file, once a request has got it. */
  head: ResponseHead | null;
}

/** A small file that was read so lately is sent from memory: a change is seen after this time. */
const freshMs = 1000;
const bytesMax = 8 * 1024 * 1024;
/** Longer paths and codings are not worth the memory. */
const keyMax = 512;

/** The small files that a route of a worker has read within the last second: the disk is asked for each once a second. */
export class FileCache {
  readonly #files = new Map<string, CachedFile>();
  readonly #hasCodings: boolean;
  readonly #clock: Clock;
  #bytes = 0;

  /** `hasCodings`: which file is sent depends on Accept-Encoding. */
  constructor(hasCodings: boolean, clock: Clock) {
    this.#hasCodings = hasCodings;
    this.#clock = clock;
  }

  find(context: FilterContext): CachedFile | null {
    const key = this.#keyOf(context);
    const cached = this.#files.get(key);
    if (cached === undefined) return null;
    if (this.#clock.now() - cached.readAt < freshMs) return cached;
    this.#remove(key, cached);
    return null;
  }

  add(context: FilterContext, found: FoundFile, bytes: Uint8Array): void {
    const key = this.#keyOf(context);
    if (found.fallback !== undefined || key.length > keyMax) return;
    const before = this.#files.get(key);
    if (before !== undefined) this.#remove(key, before);
    this.#files.set(key, { found, bytes, readAt: this.#clock.now(), head: null });
    this.#bytes += sizeOf(key, bytes);
    for (const [oldest, cached] of this.#files) {
      if (this.#bytes <= bytesMax) break;
      this.#remove(oldest, cached);
    }
  }

  #keyOf({ rewrittenPath, request }: FilterContext): string {
    if (!this.#hasCodings) return rewrittenPath;
    return `${rewrittenPath} ${request.headers.get('accept-encoding') ?? ''}`;
  }

  #remove(key: string, { bytes }: CachedFile): void {
    this.#files.delete(key);
    this.#bytes -= sizeOf(key, bytes);
  }
}

/** With what the entry itself takes, so that empty files are not without limit. */
const sizeOf = (key: string, bytes: Uint8Array): number => key.length + bytes.length + 500;
