import type { BodySink, BodyTransform, Filter } from '../core/filter.ts';

/** Whose fault it would be if a replacement failed. */
export const replacing: Filter = { name: 'replace-body' };

/** Drops a body, and writes other bytes at its end. */
export class BodyReplacement implements BodyTransform {
  readonly #sink: BodySink;
  readonly #bytes: Uint8Array;

  constructor(sink: BodySink, bytes: Uint8Array) {
    this.#sink = sink;
    this.#bytes = bytes;
  }

  push(): boolean {
    return true;
  }

  end(): void {
    this.#sink.write(this.#bytes, 0, this.#bytes.length, 'owned');
    this.#sink.end(null);
  }
}
