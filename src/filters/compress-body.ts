import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { invariantOf } from '../core/assert.ts';
import { fail } from '#failures/failure.ts';
import type { PoolQueue } from '../core/pool-classes.ts';
import { syncMax, ZlibBody } from './zlib-body.ts';
import type { BodySink } from '../core/filter.ts';

const c = zlib.constants;

/** The sizes of compressed output that are allocated at a time. */
const chunkSize = 32_768;

const jobBytes = 65_536;

interface Coding {
  /** Levels above it take longer than a millisecond for 16 KiB. */
  readonly syncLevelMax: number;
  whole(bytes: Uint8Array, level: number): Uint8Array;
  /** `bytes`: the length of the body; −1: not known. What is written is flushed at once. */
  create(level: number, bytes: number): Transform;
}

/** Windows of half a megabyte, as nginx has for br: larger ones take memory for each response, and pages are smaller. */
const windowBits = 19;

function windowFor(bytes: number, min: number): number {
  return bytes < 0 ? windowBits : Math.max(min, Math.min(windowBits, 32 - Math.clz32(bytes)));
}

const brotliParams = (level: number, bytes: number): Record<number, number> => ({
  [c.BROTLI_PARAM_QUALITY]: level,
  [c.BROTLI_PARAM_LGWIN]: windowFor(bytes, c.BROTLI_MIN_WINDOW_BITS),
  ...(bytes < 0 ? {} : { [c.BROTLI_PARAM_SIZE_HINT]: bytes }),
});

/** RFC 9659: a window is at most 8 MiB. */
const zstdParams = (level: number, bytes: number): Record<number, number> => ({
  [c.ZSTD_c_compressionLevel]: level,
  [c.ZSTD_c_windowLog]: windowFor(bytes, 10),
});

const codings = {
  gzip: {
    syncLevelMax: 9,
    whole: gzipAtOnce,
    create: (level) => zlib.createGzip({ level, chunkSize, flush: c.Z_SYNC_FLUSH }),
  },
  br: {
    syncLevelMax: 6,
    whole: (bytes, level) => zlib.brotliCompressSync(bytes, { params: brotliParams(level, bytes.length) }),
    create: (level, bytes) =>
      zlib.createBrotliCompress({ params: brotliParams(level, bytes), chunkSize, flush: c.BROTLI_OPERATION_FLUSH }),
  },
  zstd: {
    syncLevelMax: 9,
    whole: (bytes, level) => zlib.zstdCompressSync(bytes, { params: zstdParams(level, bytes.length) }),
    create: (level, bytes) =>
      zlib.createZstdCompress({ params: zstdParams(level, bytes), chunkSize, flush: c.ZSTD_e_flush }),
  },
} as const satisfies Readonly<Record<string, Coding>>;

/** Larger bodies by gzip at these levels take less time than passing them to another thread: 64 KiB half a millisecond. */
const quickGzipLevelMax = 4;
const quickGzipBytes = 65_536;

/** Bodies up to this size are compressed by the thread that serves, if all of one is there. */
function wholeMaxOf(name: keyof typeof codings, level: number): number {
  if (level > codings[name].syncLevelMax) return 0;
  return name === 'gzip' && level <= quickGzipLevelMax ? quickGzipBytes : syncMax;
}

/** What zlib.Gzip has below its streams. */
interface GzipParts {
  readonly _handle?: {
    writeSync?(
      flush: number,
      from: Uint8Array,
      at: number,
      bytes: number,
      to: Uint8Array,
      toAt: number,
      room: number,
    ): void;
    reset?(): void;
  };
  /** Room that is left, and bytes that are. */
  readonly _writeState?: Uint32Array;
}

/** By level: making one takes as long as compressing 50 KB. */
const gzips = new Map<number, GzipParts>();

/** As gzipSync, with a compressor that is used again. */
function gzipAtOnce(bytes: Uint8Array, level: number): Uint8Array {
  const gzip = gzips.get(level) ?? (zlib.createGzip({ level }) as unknown as GzipParts);
  gzips.set(level, gzip);
  const { _handle: handle, _writeState: state } = gzip;
  if (handle?.writeSync === undefined || handle.reset === undefined || state === undefined)
    return zlib.gzipSync(bytes, { level });
  const room = bytes.length + (bytes.length >> 8) + 64;
  const output = Buffer.allocUnsafe(room);
  handle.writeSync(c.Z_FINISH, bytes, 0, bytes.length, output, 0, room);
  const [left = 0, unread = 0] = state;
  handle.reset();
  return unread > 0 || left === 0 ? zlib.gzipSync(bytes, { level }) : output.subarray(0, room - left);
}

/** Compressed responses of one worker that are not whole within one read. Each has up to two megabytes of zlib's memory. */
const streamsMax = 128;

/** Bodies of one worker that wait for a thread, each with up to 64 KiB: others are sent as they are. At a third of a millisecond each, that is a short wait. */
const waitingMax = 256;

/** What the compressed bodies of a worker share. */
export class Compressors {
  readonly pool: PoolQueue;
  streams = 0;

  constructor(pool: PoolQueue) {
    this.pool = pool;
  }

  /** Whether one more body can be compressed. `bytes`: its length; −1: not known. */
  hasRoomFor(bytes: number, name: keyof typeof codings, level: number): boolean {
    return (
      (bytes >= 0 && bytes <= wholeMaxOf(name, level)) || (this.streams < streamsMax && this.pool.waiting < waitingMax)
    );
  }
}

export class CompressBody extends ZlibBody {
  readonly #coding: Coding;
  readonly #level: number;
  readonly #bytes: number;
  readonly #compressors: Compressors;
  #isStreaming = false;

  constructor(name: keyof typeof codings, level: number, bytes: number, compressors: Compressors, sink: BodySink) {
    super({ sink, pool: compressors.pool, jobBytes, wholeMax: wholeMaxOf(name, level) });
    this.#coding = codings[name];
    this.#level = level;
    this.#bytes = bytes;
    this.#compressors = compressors;
  }

  protected override create(): Transform {
    this.#isStreaming = true;
    this.#compressors.streams++;
    return this.#coding.create(this.#level, this.#bytes);
  }

  protected override whole(bytes: Uint8Array): Uint8Array | null {
    return this.#coding.whole(bytes, this.#level);
  }

  protected override failed(error: Error): void {
    this.sink.fail(fail('gateway_fault', 'filter', { invariant: `compression: ${invariantOf(error)}` }));
  }

  protected override release(): void {
    if (this.#isStreaming) this.#compressors.streams--;
    this.#isStreaming = false;
  }
}
