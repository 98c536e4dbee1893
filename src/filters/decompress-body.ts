import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import type { BodySink } from '../core/filter.ts';
import type { PoolQueue } from '../core/pool-classes.ts';
import { fail, type Failure } from '#failures/failure.ts';
import { type RequestRule, requestRules } from '#failures/rules.ts';
import { ZlibBody } from './zlib-body.ts';

const c = zlib.constants;

/** One job may make this many bytes a thousand times as large before the limits are compared again. */
const jobBytes = 8192;

/** A body that is decoded at once becomes no larger: that takes less than a millisecond. */
const syncOutputMax = 65_536;

/** The ratio says something from this size on: smaller ones are decoded at once, and not compared. */
const ratioFromBytes = 65_536;

/** Decoders with windows of several megabytes that one worker has at a time. */
const largeMax = 64;

interface Decoding {
  /** Its window may take several megabytes. */
  readonly isLarge: boolean;
  whole(bytes: Uint8Array, limits: { readonly maxOutputLength: number }): Uint8Array;
  create(): Transform;
}

const strict = { rejectGarbageAfterEnd: true };
/** RFC 9659: a window is at most 8 MiB. */
const zstdOptions = { params: { [c.ZSTD_d_windowLogMax]: 23 } };

const decodings = {
  gzip: {
    isLarge: false,
    whole: (bytes, limits) => zlib.gunzipSync(bytes, { ...strict, ...limits }),
    create: () => zlib.createGunzip(strict),
  },
  deflate: {
    isLarge: false,
    whole: (bytes, limits) => zlib.inflateSync(bytes, { ...strict, ...limits }),
    create: () => zlib.createInflate(strict),
  },
  br: {
    isLarge: true,
    whole: (bytes, limits) => zlib.brotliDecompressSync(bytes, limits),
    create: () => zlib.createBrotliDecompress(),
  },
  zstd: {
    isLarge: true,
    whole: (bytes, limits) => zlib.zstdDecompressSync(bytes, { ...zstdOptions, ...limits }),
    create: () => zlib.createZstdDecompress(zstdOptions),
  },
} as const satisfies Readonly<Record<string, Decoding>>;

export type RequestCoding = keyof typeof decodings;

export function isRequestCoding(name: string): name is RequestCoding {
  return Object.hasOwn(decodings, name);
}

/** What the decoded bodies of a worker share. */
export class Decompressors {
  readonly pool: PoolQueue;
  large = 0;

  constructor(pool: PoolQueue) {
    this.pool = pool;
  }
}

export interface DecompressionLimits {
  readonly bytesMax: number;
  readonly ratioMax: number;
}

/** A request's body, of which one coding is removed. */
export class DecompressBody extends ZlibBody {
  readonly #name: RequestCoding;
  readonly #limits: DecompressionLimits;
  readonly #decompressors: Decompressors;
  #isLarge = false;
  #bytesIn = 0;
  #bytesOut = 0;

  constructor(name: RequestCoding, limits: DecompressionLimits, decompressors: Decompressors, sink: BodySink) {
    super({ sink, pool: decompressors.pool, jobBytes });
    this.#name = name;
    this.#limits = limits;
    this.#decompressors = decompressors;
  }

  override push(bytes: Uint8Array, start: number, end: number): boolean {
    this.#bytesIn += end - start;
    return super.push(bytes, start, end);
  }

  protected override create(): Transform | null {
    if (decodings[this.#name].isLarge) {
      if (this.#decompressors.large >= largeMax) {
        this.#refuse('decoders-busy', `${largeMax} bodies at a time`);
        return null;
      }
      this.#isLarge = true;
      this.#decompressors.large++;
    }
    return decodings[this.#name].create();
  }

  protected override whole(bytes: Uint8Array): Uint8Array | null {
    try {
      return decodings[this.#name].whole(bytes, { maxOutputLength: Math.min(syncOutputMax, this.#limits.bytesMax) });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return null;
      this.close();
      this.failed(error as Error);
      return null;
    }
  }

  protected override write(bytes: Uint8Array): void {
    const { bytesMax, ratioMax } = this.#limits;
    this.#bytesOut += bytes.length;
    if (this.#bytesOut > bytesMax) return this.#refuse('decoded-too-large', `${bytesMax} bytes at most`);
    if (this.#bytesOut > ratioFromBytes && this.#bytesOut > ratioMax * this.#bytesIn)
      return this.#refuse('decoded-ratio', `${ratioMax} times at most`);
    super.write(bytes);
  }

  protected override failed(error: Error): void {
    const { code = error.message } = error as NodeJS.ErrnoException;
    this.sink.fail(refusal('content-coding', `${this.#name}: ${code}`));
  }

  #refuse(rule: RequestRule, at: string): void {
    this.close();
    this.sink.fail(refusal(rule, at));
  }

  protected override release(): void {
    if (this.#isLarge) this.#decompressors.large--;
    this.#isLarge = false;
  }
}

function refusal(rule: RequestRule, at: string): Failure {
  return fail('request_refused', 'request', { rule, status: requestRules[rule].status, at });
}
