import { createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress } from 'node:zlib';
import { kindOfBytes, magicBytes, type ByteKind } from './byte-kind.ts';

/** How a log ended. What was read before the end counts in each case. */
export type LogEnd =
  | { readonly kind: 'whole' }
  /** The archive ends before its own end: a download that broke off, a disk that was full, a file still written. */
  | { readonly kind: 'cut'; readonly archive: Archive }
  /** Bytes of the archive are not what was compressed. */
  | { readonly kind: 'damaged'; readonly archive: Archive }
  /** Compressed by something that Candor does not read, or no log. */
  | { readonly kind: 'refused'; readonly why: string };

export type Archive = 'gzip' | 'zstd';

/**
 * The bytes of one log as they are, or unpacked where its first bytes say that it is compressed with gzip or zstd, and
 * turned to UTF-8 where they say that it is UTF-16. Holds one piece at a time, however large the log is.
 */
export class ByteDecoder {
  readonly #sink: ByteSink;
  #decoding: Decoding | null = null;
  /** The first bytes, until there are enough of them to tell. */
  #held: Uint8Array = new Uint8Array(0);
  /** Whether the text has bytes that no text has; of the beginning only. */
  hasZeros = false;

  constructor(sink: ByteSink) {
    this.#sink = (bytes) => (bytes.length > 0 ? sink(bytes) : null);
  }

  /** Why there is no use in further bytes; null where there is. */
  get ended(): LogEnd | null {
    return this.#decoding?.ended ?? null;
  }

  async push(bytes: Uint8Array): Promise<void> {
    if (this.#decoding !== null) {
      await this.#decoding.push(bytes);
      return;
    }
    this.#held = Buffer.concat([this.#held, bytes]);
    if (this.#held.length >= magicBytes) await this.#begin();
  }

  async end(): Promise<LogEnd> {
    if (this.#decoding === null) await this.#begin();
    return (this.#decoding as Decoding).end();
  }

  async #begin(): Promise<void> {
    const first = this.#held;
    this.#held = new Uint8Array(0);
    const kind = kindOfBytes(first);
    if (kind.is === 'text') this.hasZeros = first.subarray(0, 4096).includes(0);
    this.#decoding = decodingOf(kind, this.#sink);
    await this.#decoding.push(kind.is === 'text' ? first.subarray(kind.skip) : first);
  }
}

/** Takes bytes, which are the giver's again when it returns; a promise asks to be waited for before there are more. */
export type ByteSink = (bytes: Uint8Array) => Promise<void> | null;

interface Decoding {
  readonly ended: LogEnd | null;
  push(bytes: Uint8Array): Promise<void> | null;
  end(): Promise<LogEnd> | LogEnd;
}

function decodingOf(kind: ByteKind, sink: ByteSink): Decoding {
  switch (kind.is) {
    case 'text':
      return { ended: null, push: sink, end: () => ({ kind: 'whole' }) };
    case 'utf-16':
      return new Recoding(kind.encoding, sink);
    case 'archive':
      return new Unpacking(kind.archive, sink);
    case 'other': {
      const ended = { kind: 'refused', why: kind.why } as const;
      return { ended, push: () => null, end: () => ended };
    }
  }
}

/** As some shells write what is redirected into a file. */
class Recoding implements Decoding {
  readonly ended = null;
  readonly #from: TextDecoder;
  readonly #sink: ByteSink;

  constructor(encoding: 'utf-16le' | 'utf-16be', sink: ByteSink) {
    this.#from = new TextDecoder(encoding);
    this.#sink = sink;
  }

  push(bytes: Uint8Array): Promise<void> | null {
    return this.#sink(Buffer.from(this.#from.decode(bytes, { stream: true })));
  }

  async end(): Promise<LogEnd> {
    await this.#sink(Buffer.from(this.#from.decode()));
    return { kind: 'whole' };
  }
}

/** Reads several archives after one another as one, as both tools do. */
class Unpacking implements Decoding {
  ended: LogEnd | null = null;
  readonly #archive: Archive;
  readonly #stream: Gunzip | ZstdDecompress;
  readonly #over: Promise<void>;
  #given = false;

  constructor(archive: Archive, sink: ByteSink) {
    this.#archive = archive;
    this.#stream = archive === 'gzip' ? createGunzip({ chunkSize }) : createZstdDecompress({ chunkSize });
    // Taken as it comes and not by iteration: that would lose what stands before a defect.
    this.#stream.on('data', (bytes: Uint8Array) => {
      const wait = sink(bytes);
      if (wait === null) return;
      this.#stream.pause();
      void wait.then(() => this.#stream.resume());
    });
    this.#over = new Promise((resolve) => {
      this.#stream.on('end', () => {
        this.ended ??= { kind: 'whole' };
        resolve();
      });
      this.#stream.on('error', () => {
        this.ended = { kind: this.#given ? 'cut' : 'damaged', archive };
        resolve();
      });
    });
  }

  async push(bytes: Uint8Array): Promise<void> {
    if (this.ended !== null) return;
    const written = new Promise<void>((resolve) => this.#stream.write(bytes, () => resolve()));
    await Promise.race([written, this.#over]);
  }

  async end(): Promise<LogEnd> {
    this.#given = true;
    if (this.ended === null) this.#stream.end();
    await this.#over;
    return this.ended ?? { kind: 'damaged', archive: this.#archive };
  }
}

/** A page of lines at a time: with less, most of the time goes into changing threads. */
const chunkSize = 256 * 1024;
