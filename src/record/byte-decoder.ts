import type { Gunzip, ZstdDecompress } from 'node:zlib';
import type { LogArchive } from './log-slice.ts';
import { kindOfBytes, magicBytes, type ByteKind } from './byte-kind.ts';

/** How a log ended. What was read before the end counts in each case. */
export type LogEnd =
  | { readonly kind: 'whole' }
  /** The archive ends too early: the download broke off, the disk was full, or the file is still being written. */
  | { readonly kind: 'cut'; readonly archive: LogArchive }
  /** Other bytes follow the archive, or stand between two parts of it. */
  | { readonly kind: 'followed'; readonly archive: LogArchive }
  /** The archive is corrupt. */
  | { readonly kind: 'damaged'; readonly archive: LogArchive }
  /** The file is compressed in a format that Candor does not read, or is no log. */
  | { readonly kind: 'refused'; readonly why: string };

/** What a person needs to know of the end of a log, without a full stop; null if it was read whole. */
export function problemOf(end: LogEnd): string | null {
  switch (end.kind) {
    case 'whole':
      return null;
    case 'cut':
      return `the ${end.archive} archive is truncated; the part that was read counts`;
    case 'followed':
      return `the ${end.archive} archive is followed by other bytes, which were not read; the part before them counts`;
    case 'damaged':
      return `the ${end.archive} archive is damaged; the part that was read counts`;
    case 'refused':
      return end.why;
  }
}

/**
 * Passes on the bytes of one log as UTF-8. Unpacks gzip and zstd and decodes UTF-16, as the first bytes of the file say.
 * Holds one slice at a time, however large the log is.
 */
export class ByteDecoder {
  readonly #sink: ByteSink;
  #decoding: Decoding | null = null;
  /** The first bytes, kept until there are enough of them to recognise the format. */
  #held: Uint8Array = new Uint8Array(0);
  /** Whether the beginning of the text has bytes that no text has. */
  hasZeros = false;

  constructor(sink: ByteSink) {
    this.#sink = (bytes) => (bytes.length > 0 ? sink(bytes) : null);
  }

  /** Why further bytes are of no use; null while they are. */
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

/**
 * Takes bytes. The caller may reuse them when this returns. If it returns a promise, the caller waits for it before it
 * passes more.
 */
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

/** UTF-16 is what some shells write when output is redirected into a file. */
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

/** Reads archives that were appended to each other as one, as gzip and zstd themselves do. */
class Unpacking implements Decoding {
  ended: LogEnd | null = null;
  readonly #archive: LogArchive;
  readonly #stream: Gunzip | ZstdDecompress;
  readonly #over: Promise<void>;
  readonly #finish: () => void;
  #given = false;
  #bytesIn = 0;
  #bytesOut = 0;

  constructor(archive: LogArchive, sink: ByteSink) {
    this.#archive = archive;
    const { createGunzip, createZstdDecompress } = process.getBuiltinModule('node:zlib');
    this.#stream = archive === 'gzip' ? createGunzip({ chunkSize }) : createZstdDecompress({ chunkSize });
    // Events and not iteration: iteration would lose the bytes before a defect.
    this.#stream.on('data', (bytes: Uint8Array) => {
      if (this.ended !== null) return;
      this.#bytesOut += bytes.length;
      if (this.#isBomb) return this.#refuse();
      const wait = sink(bytes);
      if (wait === null) return;
      this.#stream.pause();
      void wait.then(() => this.#stream.resume());
    });
    const { promise, resolve } = Promise.withResolvers<void>();
    [this.#over, this.#finish] = [promise, resolve];
    this.#stream.on('end', () => {
      // zlib stops without an error at bytes that begin no further member or frame.
      const isWhole = this.#given && this.#stream.bytesWritten === this.#bytesIn;
      this.ended ??= isWhole ? { kind: 'whole' } : { kind: 'followed', archive };
      resolve();
    });
    this.#stream.on('error', () => {
      this.ended ??= { kind: this.#given ? 'cut' : 'damaged', archive };
      resolve();
    });
  }

  get #isBomb(): boolean {
    return this.#bytesOut > expandedBytesFree && this.#bytesOut > this.#bytesIn * expansionMax;
  }

  #refuse(): void {
    this.ended = { kind: 'refused', why: bombText };
    this.#stream.destroy();
    this.#finish();
  }

  async push(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && this.ended === null; ) {
      const step = bytes.subarray(at, at + Math.min(stepBytesMax, Math.max(stepBytesMin, this.#bytesIn)));
      at += step.length;
      this.#bytesIn += step.length;
      const written = new Promise<void>((resolve) => this.#stream.write(step, () => resolve()));
      await Promise.race([written, this.#over]);
    }
  }

  async end(): Promise<LogEnd> {
    this.#given = true;
    if (this.ended === null) this.#stream.end();
    await this.#over;
    return this.ended ?? { kind: 'damaged', archive: this.#archive };
  }
}

/**
 * An archive that expands beyond this is made to fill memory or time. Logs shrink to a tenth, and the most even ones
 * to a hundredth; gzip can reach a thousandth, zstd a ten-thousandth.
 */
const expansionMax = 500;
const expandedBytesFree = 1024 ** 3;
const bombText = `it expands to more than ${expansionMax} times its size, which no log does; the first GiB was read`;

/**
 * How much of an archive is unpacked at once. What a step yields before a defect is lost with it, so steps are small, and of a
 * small archive smaller. To unpack a log of 100 MiB took some 100 ms of CPU in steps of 1 MiB, 120 to 200 ms in steps of 16 KiB,
 * and 190 to 260 ms in steps of 4 KiB, on a busy machine; to read its lines takes far longer.
 */
const stepBytesMin = 1024;
const stepBytesMax = 16 * 1024;

/** A page of lines at a time: with less, most of the time goes into changing threads. */
const chunkSize = 256 * 1024;
