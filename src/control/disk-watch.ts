import { stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { EventSink } from '../core/event.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import { nearestThere } from '../deploy/private-folder.ts';
import { type DiskSpace, isSpaceLow } from '../policy/disk-space.ts';

const lookEveryMs = 30_000;

/** A folder in which the gateway keeps something. */
interface WatchedFolder {
  /** What is kept there: 'the log'. */
  readonly holds: string;
  readonly path: string;
}

/** The file system of a folder. */
export interface FolderSpace extends DiskSpace {
  readonly device: number;
}

/** Null: it cannot be read now. */
type ReadSpace = (path: string) => Promise<FolderSpace | null>;

interface LowDisk {
  readonly path: string;
  readonly since: number;
}

/** Reports file systems that are nearly full, each once, and when they no longer are. */
export class DiskWatch {
  readonly #clock: Clock;
  readonly #events: EventSink;
  readonly #folders: () => readonly WatchedFolder[];
  readonly #read: ReadSpace;
  readonly #low = new Map<number, LowDisk>();
  #timer: Timer | null = null;
  #isClosed = false;

  constructor(clock: Clock, events: EventSink, folders: () => readonly WatchedFolder[], read: ReadSpace = readSpace) {
    this.#clock = clock;
    this.#events = events;
    this.#folders = folders;
    this.#read = read;
  }

  /** Looks now, and from then on every 30 s. */
  async look(): Promise<void> {
    this.#timer?.cancel();
    const disks = new Map<number, { space: FolderSpace; path: string; holds: string[] }>();
    for (const { holds, path } of this.#folders()) {
      const space = await this.#read(path);
      if (space === null) continue;
      const known = disks.get(space.device);
      if (known === undefined) disks.set(space.device, { space, path, holds: [holds] });
      else known.holds.push(holds);
    }
    if (this.#isClosed) return;
    for (const { space, path, holds } of disks.values()) this.#judge(space, path, holds);
    for (const [device, { path }] of this.#low)
      if (!disks.has(device)) this.#end(device, path, 'it is not used any more');
    const again = (watch: DiskWatch): void => void watch.look();
    this.#timer = this.#clock.schedule(after(this.#clock.now(), lookEveryMs), again, this as DiskWatch);
  }

  #judge(space: FolderSpace, path: string, holds: readonly string[]): void {
    const { device, freeBytes, totalBytes } = space;
    const wasLow = this.#low.has(device);
    if (isSpaceLow(wasLow, space) === wasLow) return;
    if (wasLow) return this.#end(device, path, `${sizeText(freeBytes)} are free`, space);
    this.#low.set(device, { path, since: this.#clock.now() });
    this.#events.emit({
      kind: 'disk_space',
      subject: `disk:${path}`,
      from: 'enough',
      to: 'low',
      reason: `the disk of ${path} is nearly full: ${sizeText(freeBytes)} of ${sizeText(totalBytes)} are free; ${holds.join(' and ')} cannot be written once it is full`,
      evidence: { path, freeBytes, totalBytes },
    });
  }

  #end(
    device: number,
    path: string,
    why: string,
    { freeBytes, totalBytes }: DiskSpace = { freeBytes: 0, totalBytes: 0 },
  ): void {
    const subject = `disk:${this.#low.get(device)?.path ?? path}`;
    this.#low.delete(device);
    const reason = `the disk of ${path} is no longer nearly full: ${why}`;
    this.#events.emit({
      kind: 'disk_space',
      subject,
      from: 'low',
      to: 'enough',
      reason,
      evidence: { path, freeBytes, totalBytes },
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.cancel();
  }
}

/** A folder that is not there yet will be on the file system of the nearest one that is. */
async function readSpace(path: string): Promise<FolderSpace | null> {
  try {
    const folder = nearestThere(path);
    const [{ bavail, blocks, bsize }, { dev }] = await Promise.all([statfs(folder), stat(folder)]);
    // A file system without blocks, such as one of a kernel, is never full.
    return blocks === 0 ? null : { device: dev, freeBytes: bavail * bsize, totalBytes: blocks * bsize };
  } catch {
    return null;
  }
}

/** Where the gateway writes. */
export function writtenFolders(
  log: string | null,
  store: string | null,
  state: string | null,
): readonly WatchedFolder[] {
  return [
    ...(log === null || log === '-' ? [] : [{ holds: 'the log', path: dirname(log) }]),
    ...(store === null ? [] : [{ holds: 'the store', path: store }]),
    ...(state === null ? [] : [{ holds: 'the state', path: state }]),
  ];
}

function sizeText(bytes: number): string {
  const gib = bytes / 1024 ** 3;
  return gib >= 1 ? `${Math.round(gib * 10) / 10} GiB` : `${Math.round(bytes / 1024 ** 2)} MiB`;
}
