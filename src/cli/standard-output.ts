import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { Output } from './process-context.ts';

type Stream = NodeJS.WriteStream & { readonly fd: number };

/**
 * Standard output or standard error of this process. Both may fail: the disk may be full, or the reader may have left. A
 * command that prints a result ends then. A gateway continues to serve: the line that cannot be written is lost, and the
 * next line is tried again.
 */
export class StandardOutput implements Output {
  readonly isTTY: boolean;
  readonly #stream: Stream;
  #outlives = false;

  /** `onUnwritable` is called with the errno, and ends the process. */
  constructor(stream: Stream, onUnwritable: (errno: string) => void) {
    this.#stream = stream;
    this.isTTY = isatty(stream.fd);
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!this.#outlives) onUnwritable(error.code ?? 'EIO');
    });
  }

  /** From now on, a failed write does not end the process. */
  outlive(): void {
    this.#outlives = true;
  }

  write(text: string): void {
    // Node closes its stream for good at the first error, but the disk may have room again later.
    if (this.#stream.destroyed) this.#tryOnce(text);
    else this.#stream.write(text);
  }

  #tryOnce(text: string): void {
    try {
      writeSync(this.#stream.fd, text);
    } catch {
      // This line is lost too.
    }
  }

  rows(): number | null {
    return this.#stream.rows ?? null;
  }

  /**
   * A pipe is written asynchronously. Text that is still buffered is lost if the process exits. A gateway, whose output may have no
   * reader, does not wait: null.
   */
  drained(): Promise<void> | null {
    const stream = this.#stream;
    if (this.#outlives || stream.writableLength === 0 || stream.destroyed) return null;
    return new Promise((resolve) => stream.write('', () => resolve()));
  }
}
