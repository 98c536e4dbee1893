import { eachHeaderLine } from '../core/header-lines.ts';
import type { HeaderSink } from '../core/message.ts';

/** Passes on all headers but those with these lowercase names. */
export class SinkWithout implements HeaderSink {
  readonly #sink: HeaderSink;
  readonly #names: ReadonlySet<string>;

  constructor(sink: HeaderSink, names: ReadonlySet<string>) {
    this.#sink = sink;
    this.#names = names;
  }

  header(name: string, value: string): void {
    if (!this.#names.has(name.toLowerCase())) this.#sink.header(name, value);
  }

  headerLines(bytes: Uint8Array, start: number, end: number): void {
    eachHeaderLine(bytes, start, end, (name, value) => this.header(name, value));
  }
}
