import type { UpstreamSpec } from '../core/upstream-spec.ts';
import type { EventSink } from '../core/event.ts';
import type { OutputSource } from '../core/output-line.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import type { TailedFileStatus } from '../core/schemas/status.ts';
import { TailedFile } from './tailed-file.ts';

interface TailedFilesParts {
  readonly clock: Clock;
  readonly events: EventSink;
  /** False without a store: then no file is read. */
  readonly isWanted: () => boolean;
  readonly onLine: (source: OutputSource, line: string) => void;
}

const lookEveryMs = 500;

interface Followed {
  readonly owner: string;
  readonly file: TailedFile;
  /** What was reported last; null: nothing yet. */
  reported: string | null;
  skippedReported: number;
}

/** Follows the logs that the configuration names (`logs` of applications and upstreams), for the store. */
export class TailedFiles {
  readonly #parts: TailedFilesParts;
  readonly #files = new Map<string, Followed>();
  #timer: Timer | null = null;
  #closed = false;

  constructor(parts: TailedFilesParts) {
    this.#parts = parts;
  }

  /** Files that stay in the configuration are read on. */
  use(upstreams: readonly UpstreamSpec[]): void {
    if (this.#closed) return;
    const wanted = this.#parts.isWanted() ? upstreams.flatMap(namedFiles) : [];
    const keys = new Set(wanted.map(keyOf));
    for (const [key, { file }] of this.#files) {
      if (keys.has(key)) continue;
      this.#files.delete(key);
      void file.close();
    }
    for (const { owner, path } of wanted) this.#follow(owner, path);
    if (this.#files.size > 0 && this.#timer === null) void this.#look();
  }

  get status(): readonly TailedFileStatus[] {
    return [...this.#files.values()].map(({ owner, file: { path, state, reason, skippedBytes } }) => {
      return { owner, path, state, reason, skippedBytes };
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await Promise.all([...this.#files.values()].map(({ file }) => file.close()));
  }

  #follow(owner: string, path: string): void {
    const key = keyOf({ owner, path });
    if (this.#files.has(key)) return;
    const source: OutputSource = { application: owner, instance: null, pid: null, stream: 'file', path };
    const file = new TailedFile({ path, onLine: (line) => this.#parts.onLine(source, line) });
    this.#files.set(key, { owner, file, reported: null, skippedReported: 0 });
  }

  /** One after the other: a slow disk delays the next look, and nothing else. */
  async #look(): Promise<void> {
    const { clock } = this.#parts;
    // Set at once, so that no second round begins meanwhile.
    this.#timer = { cancel: () => {} };
    for (const followed of [...this.#files.values()]) {
      await followed.file.look();
      this.#report(followed);
    }
    this.#timer = null;
    if (this.#closed || this.#files.size === 0) return;
    const due = (files: TailedFiles): void => void files.#look();
    this.#timer = clock.schedule(after(clock.now(), lookEveryMs), due, this as TailedFiles);
  }

  /** A state once, and bytes that were skipped the first time. */
  #report(followed: Followed): void {
    const { owner, file, reported, skippedReported } = followed;
    const { path, state, reason, skippedBytes } = file;
    const now = `${state} ${reason}`;
    if (this.#closed || (now === reported && (skippedBytes === 0 || skippedReported > 0))) return;
    followed.reported = now;
    followed.skippedReported = skippedBytes;
    // A file that is followed from the beginning, or does not exist yet, is nothing to tell.
    if (state === 'absent' || (state === 'following' && reported === null && skippedBytes === 0)) return;
    const skipped = skippedBytes > 0 && skippedReported === 0;
    this.#parts.events.emit({
      kind: 'log_file_followed',
      subject: `log:${path}`,
      reason: skipped
        ? `${path} grows faster than it is read: lines of it are skipped; ${owner} writes it`
        : state === 'following'
          ? `${path} of ${owner} is followed`
          : `${path} of ${owner} cannot be followed: ${reason}`,
      evidence: { owner, path, state, skippedBytes },
      to: skipped ? 'skipped' : state,
    });
  }
}

function namedFiles({ id, application, logs = [] }: UpstreamSpec): readonly { owner: string; path: string }[] {
  return logs.map((path) => ({ owner: application ?? id, path }));
}

function keyOf({ owner, path }: { readonly owner: string; readonly path: string }): string {
  return `${owner} ${path}`;
}
