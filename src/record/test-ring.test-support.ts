import { createRecordRing, createWakeWord, RecordRingReader, RecordRingWriter } from './record-ring.ts';

/** A ring in the thread of a test, with both of its sides. */
export class TestRing extends RecordRingWriter {
  readonly reader: RecordRingReader;
  readonly #failures: SharedArrayBuffer;

  constructor(sizes: Parameters<typeof createRecordRing>[1] = { linesBytes: 2 ** 20, failuresBytes: 2 ** 16 }) {
    const memory = createRecordRing(createWakeWord(), sizes);
    super(memory);
    this.#failures = memory.failures;
    this.reader = new RecordRingReader(memory);
  }

  /** The lines of failures that were kept apart. */
  get failures(): string {
    const text = Buffer.from(this.#failures).toString('latin1');
    return text.slice(text.indexOf('{'), text.lastIndexOf('\n') + 1);
  }

  /** The lines since the last call. */
  take(): string {
    const slices = this.reader.take();
    const text = slices.map(({ bytes }) => bytes.toString('latin1')).join('');
    for (const slice of slices) this.reader.release(slice);
    return text;
  }
}
