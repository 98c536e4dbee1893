import { type FileHandle, open, stat } from 'node:fs/promises';
import { after, type Clock } from '../../core/time.ts';
import type { ByteSink } from './byte-decoder.ts';

export interface Following {
  /** Whole lines, each with its end. */
  readonly take: ByteSink;
  /** Resolves when it is to end. */
  readonly stopped: Promise<unknown>;
  isStopped(): boolean;
  readonly clock: Clock;
}

/** How soon a new line is seen. */
const pauseMs = 200;
const readBytes = 256 * 1024;
/** Of a line without an end so much is kept; no more of it is judged anyway. */
const heldBytesMax = 1024 * 1024;

/**
 * Takes what is written to a file from `from` on, until it is told to stop: what was renamed is read to its end, and then
 * the new file of that name from its beginning; what was cut back to nothing is read from its beginning again.
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
        // Its writer may have written between the last look and the renaming.
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

  /** Reads to the end of what is there; returns where that is. */
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

  /** What stands there without an end is a line too, once nothing can follow it. */
  async endLine(): Promise<void> {
    if (this.#held.length === 0) return;
    const line = Buffer.concat([this.#held, newline]);
    this.#held = new Uint8Array(0);
    await this.#following.take(line);
  }

  async #push(bytes: Uint8Array): Promise<void> {
    const end = bytes.lastIndexOf(0x0a) + 1;
    const lines = end === 0 ? null : Buffer.concat([this.#held, bytes.subarray(0, end)]);
    if (lines !== null) this.#held = new Uint8Array(0);
    if (this.#held.length < heldBytesMax) this.#held = Buffer.concat([this.#held, bytes.subarray(end)]);
    if (lines !== null) await this.#following.take(lines);
  }
}

const newline = Buffer.from('\n');

/** Only a file is followed: to open a pipe would be to wait for whoever writes into it. */
async function openIfThere(path: string): Promise<FileHandle | null> {
  const found = await stat(path).catch(() => null);
  return found?.isFile() === true ? open(path, 'r').catch(() => null) : null;
}

/** Whether the name stands for another file by now, or for none. */
async function hasMoved(path: string, file: FileHandle | null): Promise<boolean> {
  if (file === null) return true;
  const [named, opened] = await Promise.all([stat(path).catch(() => null), file.stat()]);
  // Between the renaming and the new file there is nothing of that name: the old one is still written meanwhile.
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
