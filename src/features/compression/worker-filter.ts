import type { BodySink, BodyTransform, Filter, FilterContext, FilterResponseHead } from '../../core/filter.ts';
import { hasNoBody } from '../../core/message.ts';
import { CompressBody, type Compressors } from '../../filters/compress-body.ts';
import { addVary } from '../../filters/vary.ts';
import { preferredCoding } from '../../wire/accept-encoding.ts';
import { type CompressionCoding, type CompressionSpec, neverCompressed } from './settings.ts';

/** A response with one of these headers is not compressed: it is a part of a body, or has a digest of its bytes. */
const otherwiseCoded = ['content-range', 'content-digest', 'repr-digest', 'digest', 'content-md5'];

/** Its parts have the type of the body: they vary as the whole body may (RFC 9110 §15.3.7). */
const partsType = /^multipart\/byteranges\b/i;

const noTransform = /(?:^|,)\s*no-transform\s*(?:,|$)/i;

/** Compresses responses of a route for clients that accept it (RFC 9110 §8.4.1, §12.5.3). */
export class CompressionFilter implements Filter {
  readonly name = 'compress';
  readonly stage = 'coding';
  readonly #spec: CompressionSpec;
  readonly #compressors: Compressors;
  readonly #types: RegExp;

  constructor(spec: CompressionSpec, compressors: Compressors) {
    this.#spec = spec;
    this.#compressors = compressors;
    this.#types = patternOf(spec.types);
  }

  onResponseHead(exchange: FilterContext, head: FilterResponseHead): void {
    const { request } = exchange;
    if (head.status === 304) return nameInNotModified(request.headers.get('if-none-match'), head);
    if (head.status === 206 && partsType.test(head.get('content-type') ?? '')) return addVary(head, 'Accept-Encoding');
    if (head.status === 204 || head.status === 205 || !this.#isCompressible(head)) return;
    // Also where this client gets the body as it is: a cache must know that others do not.
    addVary(head, 'Accept-Encoding');
    const coding = this.#codingFor(exchange, head);
    if (coding === null) return;
    exchange.setState(this, coding);
    head.set('Content-Encoding', coding);
    head.remove('Accept-Ranges');
    weaken(head);
  }

  changesResponseBody(exchange: FilterContext, { status }: FilterResponseHead): boolean {
    return status === 304 || exchange.getState(this) !== undefined;
  }

  responseBody(exchange: FilterContext, head: FilterResponseHead, sink: BodySink): BodyTransform | null {
    const coding = exchange.getState(this) as CompressionCoding | undefined;
    if (coding === undefined) return null;
    return new CompressBody(coding, this.#spec.levels[coding], head.contentLength, this.#compressors, sink);
  }

  #isCompressible(head: FilterResponseHead): boolean {
    const type = mediaType(head.get('content-type'));
    return this.#types.test(type) && !neverCompressed.test(type);
  }

  #codingFor({ request }: FilterContext, head: FilterResponseHead): CompressionCoding | null {
    const { headers, version, method } = request;
    if (hasNoBody(head.framing) && method !== 'HEAD') return null;
    if (version === 'HTTP/1.0' || head.status === 206) return null;
    const length = head.contentLength;
    if (length >= 0 && length < Math.max(1, this.#spec.minBytes)) return null;
    const before = head.get('content-encoding');
    if (before !== null && before.trim().toLowerCase() !== 'identity') return null;
    if (otherwiseCoded.some((name) => head.get(name) !== null)) return null;
    if (isNoTransform(head.get('cache-control')) || isNoTransform(headers.get('cache-control'))) return null;
    const coding = preferredCoding(headers.get('accept-encoding'), this.#spec.codings);
    return coding !== null && this.#compressors.hasRoomFor(length, coding, this.#spec.levels[coding]) ? coding : null;
  }
}

function isNoTransform(cacheControl: string | null): boolean {
  return cacheControl !== null && noTransform.test(cacheControl);
}

function mediaType(value: string | null): string {
  return (value ?? '').split(';', 1)[0]!.trim().toLowerCase();
}

/** Any of these; `*` stands for any text. */
function patternOf(types: readonly string[]): RegExp {
  const one = (type: string): string => type.replace(/[.+^$]/g, String.raw`\$&`).replaceAll('*', '.*');
  return new RegExp(`^(?:${types.map(one).join('|')})$`);
}

/** The bytes are others than those that the application's tag stands for, and mean the same (RFC 9110 §8.8.3.3). */
function weaken(head: FilterResponseHead): void {
  const tag = head.get('etag');
  if (tag?.startsWith('"') === true) head.set('ETag', `W/${tag}`);
}

/** A cache finds what it has by the tag that it got with it. Which type that has, a 304 does not say. */
function nameInNotModified(ifNoneMatch: string | null, head: FilterResponseHead): void {
  addVary(head, 'Accept-Encoding');
  const tag = head.get('etag');
  if (tag?.startsWith('"') === true && ifNoneMatch?.includes(`W/${tag}`) === true) head.set('ETag', `W/${tag}`);
}
