import type { Readable } from 'node:stream';
import type { OutputStream, ProgramListener } from './host.ts';
import { OutputLineReader } from './output-lines.ts';

/** Both streams of a program, as lines. */
export class ProgramOutput {
  readonly #streams: readonly Readable[];
  readonly #stdout: OutputLineReader;
  readonly #stderr: OutputLineReader;
  #open: number;
  #isDetached = false;

  /** `onEnded` is called once, when both have ended; what `begun` holds comes before what is read. */
  constructor(
    streams: { readonly stdout: Readable; readonly stderr: Readable },
    listener: Pick<ProgramListener, 'onLine'>,
    onEnded: () => void,
    begun: { readonly stdout: string; readonly stderr: string } = { stdout: '', stderr: '' },
  ) {
    const read = (name: OutputStream): OutputLineReader => {
      const reader = new OutputLineReader((line) => listener.onLine(name, line));
      const stream = streams[name];
      reader.read(Buffer.from(begun[name], 'base64'));
      stream.on('data', (chunk: Buffer) => reader.read(chunk));
      stream.on('error', () => {}); // a pipe that breaks ends; `close` follows
      stream.once('close', () => {
        if (this.#isDetached) return;
        reader.end();
        this.#open -= 1;
        if (this.#open === 0) onEnded();
      });
      return reader;
    };
    this.#streams = [streams.stdout, streams.stderr];
    this.#open = this.#streams.length;
    this.#stdout = read('stdout');
    this.#stderr = read('stderr');
  }

  /** Beginnings of lines, as bytes in base64. */
  get unfinished(): { readonly stdout: string; readonly stderr: string } {
    const text = ({ unfinished }: OutputLineReader): string => Buffer.from(unfinished).toString('base64');
    return { stdout: text(this.#stdout), stderr: text(this.#stderr) };
  }

  flushUnfinishedLines(): void {
    this.#stdout.end();
    this.#stderr.end();
  }

  /** Nothing is read any more. */
  close(): void {
    for (const stream of this.#streams) stream.destroy();
  }

  /** The same, and nothing is told of what has been begun: another reader goes on. */
  detach(): void {
    this.#isDetached = true;
    this.close();
  }
}
