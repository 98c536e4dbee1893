import { type FileHandle, open, stat } from 'node:fs/promises';
import { after, type Clock } from '../../core/time.ts';
import type { ByteSink } from '../../record/byte-decoder.ts';
import { lineFeed } from '../../record/line-feed.ts';

interface Following {
  /** Receives whole lines, each with its line end. */
  readonly take: ByteSink;
  /** Resolves when following is to stop. */
  readonly stopped: Promise<unknown>;
  isStopped(): boolean;
  readonly clock: Clock;
}

/** How often the file is checked for new lines. */
const pauseMs = 200;
const readBytes = 256 * 1024;
/** How much of a line without an end is kept; the engine judges no more of it anyway. */
const heldBytesMax = 1024 * 1024;

/**
 * Passes on what is written to a file after `from`, until stopped. If the file is renamed, it is read to its end, and
 * then the new file of that name from its beginning. If the file is truncated, it is read from its beginning.
 */
export async function followLog(path: string, from: number, following: Following): Promise<void> {
  const tail = new Tail(following);
  let file: FileHandle | null = await openIfThere(path);
  let at = from;
  try {
    while (!following.isStopped()) {
      if (file !== null) at = await tail.readOn(file, at);
      const moved = await hasMoved(path, file);
      if (moved && file !== null) {
        // The writer may have written between the last read and the rename.
        await tail.readOn(file, at);
        await tail.endLine();
        await file.close();
        file = null;
      }
      if (file === null) {
        file = await openIfThere(path);
        at = 0;
        if (file !== null) continue;
      }
      await pause(following);
    }
    if (file !== null) await tail.readOn(file, at);
    await tail.endLine();
  } finally {
    await file?.close();
  }
}

class Tail {
  readonly #following: Following;
  readonly #buffer = Buffer.allocUnsafe(readBytes);
  #held: Uint8Array = new Uint8Array(0);

  constructor(following: Following) {
    this.#following = following;
  }

  /** Reads to the current end of the file; returns its position. */
  async readOn(file: FileHandle, from: number): Promise<number> {
    const { size } = await file.stat();
    let at = from;
    if (size < at) {
      await this.endLine();
      at = 0;
    }
    for (;;) {
      const { bytesRead } = await file.read(this.#buffer, 0, readBytes, at);
      if (bytesRead === 0 || this.#following.isStopped()) return at;
      at += bytesRead;
      await this.#push(this.#buffer.subarray(0, bytesRead));
    }
  }

  /** The last line counts even without a line end, once nothing can follow it. */
  async endLine(): Promise<void> {
    if (this.#held.length === 0) return;
    const line = Buffer.concat([this.#held, newline]);
    this.#held = new Uint8Array(0);
    await this.#following.take(line);
  }

  async #push(bytes: Uint8Array): Promise<void> {
    const end = bytes.lastIndexOf(lineFeed) + 1;
    const lines = end === 0 ? null : Buffer.concat([this.#held, bytes.subarray(0, end)]);
    if (lines !== null) this.#held = new Uint8Array(0);
    if (this.#held.length < heldBytesMax) this.#held = Buffer.concat([this.#held, bytes.subarray(end)]);
    if (lines !== null) await this.#following.take(lines);
  }
}

const newline = Buffer.from('\n');

/** Follows only regular files: opening a pipe would block until a writer opens it. */
async function openIfThere(path: string): Promise<FileHandle | null> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() === true ? open(path, 'r').catch(() => null) : null;
}

/** Whether the path now names another file, or none. */
async function hasMoved(path: string, file: FileHandle | null): Promise<boolean> {
  if (file === null) return true;
  const [named, opened] = await Promise.all([stat(path).catch(() => null), file.stat()]);
  // Between the rename and the new file the path names nothing. The old file is still written to during that time.
  return named?.isFile() === true && (named.ino !== opened.ino || named.dev !== opened.dev);
}

async function pause({ clock, stopped }: Following): Promise<void> {
  let timer = { cancel: (): void => {} };
  const waited = new Promise<void>((resolve) => {
    timer = clock.schedule(after(clock.now(), pauseMs), resolve, undefined);
  });
  await Promise.race([waited, stopped]);
  timer.cancel();
}
