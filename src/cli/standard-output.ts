import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { Output } from './process-context.ts';

type Stream = NodeJS.WriteStream & { readonly fd: number };

/**
 * Standard output or standard error of this process, where both may fail: a full disk, a reader that has left. A command that
 * answers a question ends there. A gateway serves on: what cannot be written is lost, and the next line is tried again.
 */
export class StandardOutput implements Output {
  readonly isTTY: boolean;
  readonly #stream: Stream;
  #outlives = false;

  /** `onUnwritable` ends the process, with the error's code. */
  constructor(stream: Stream, onUnwritable: (errno: string) => void) {
    this.#stream = stream;
    this.isTTY = isatty(stream.fd);
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!this.#outlives) onUnwritable(error.code ?? 'EIO');
    });
  }

  /** From now on nothing ends because this cannot be written. */
  outlive(): void {
    this.#outlives = true;
  }

  write(text: string): void {
    // Node closes its stream for good at the first error; the disk may have room again.
    if (this.#stream.destroyed) this.#tryOnce(text);
    else this.#stream.write(text);
  }

  #tryOnce(text: string): void {
    try {
      writeSync(this.#stream.fd, text);
    } catch {
      // The line is lost, as the ones before it.
    }
  }

  rows(): number | null {
    return this.#stream.rows ?? null;
  }

  /** A pipe is written in the background, and ends with the process. */
  drained(): Promise<void> | null {
    const stream = this.#stream;
    if (stream.writableLength === 0 || stream.destroyed) return null;
    return new Promise((resolve) => stream.write('', () => resolve()));
  }
}
