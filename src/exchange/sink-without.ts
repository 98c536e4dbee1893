import { eachFieldLine } from '../core/field-lines.ts';
import type { FieldSink } from '../core/message.ts';

/** Passes on all fields but those with these lowercase names. */
export class SinkWithout implements FieldSink {
  readonly #sink: FieldSink;
  readonly #names: ReadonlySet<string>;

  constructor(sink: FieldSink, names: ReadonlySet<string>) {
    this.#sink = sink;
    this.#names = names;
  }

  field(name: string, value: string): void {
    if (!this.#names.has(name.toLowerCase())) this.#sink.field(name, value);
  }

  fieldLines(bytes: Uint8Array, start: number, end: number): void {
    eachFieldLine(bytes, start, end, (name, value) => this.field(name, value));
  }
}
