import { unparsedBytesMax } from '../core/unparsed-bytes.ts';
import { HeaderSectionParser, withLineEnds } from './header-section.ts';
import { guessBytes } from './guess-bytes.ts';
import { HeadBuffer } from './head-buffer.ts';
import type { HeadBlock, HeadStorage } from './head-storage.ts';
import { longestHeaderName } from './longest-header.ts';
import { evidenceBytesMax, type HeadLimits } from './limits.ts';
import {
  RepeatDetector,
  matchesEntry,
  hashOf,
  type ParsedHeadEntry,
  ParsedHeadMemo,
  memoBytesMax,
  memoBytesMin,
} from './parsed-head-memo.ts';
import { ResponseHeadersReader } from './response-headers.ts';
import { type StatusLineFault, StatusLineParser } from './status-line.ts';
import type { ParsedResponseHead, ResponseRefusal } from './parsed-response-head.ts';

/**
 * Reads response heads from bytes, one after the other (RFC 9112 §2, §4–§6). Works as `RequestHeadParser` does.
 *
 * `expect` must name the request's method before each response, since the framing depends on it. That the bytes are
 * no HTTP is said at the first byte that cannot belong to "HTTP/", not at a line's end that may never come.
 */
export class ResponseHeadParser {
  state: 'partial' | 'complete' | 'refused' = 'partial';
  /** Whether a byte of a head is held. */
  began = false;
  refusal: ResponseRefusal | null = null;
  head: ParsedResponseHead | null = null;

  readonly #limits: HeadLimits;
  readonly #buffer: HeadBuffer;
  readonly #line = new StatusLineParser();
  readonly #section = new HeaderSectionParser();
  #inHeaders = false;
  #method = 'GET';
  /** The head that comes again and again here. */
  #memoized: ParsedHeadEntry<MemoizedHead> | null = null;
  readonly #repeatDetector = new RepeatDetector();

  constructor(limits: HeadLimits, storage: HeadStorage) {
    this.#limits = limits;
    this.#buffer = new HeadBuffer(storage, limits.headBytesMax);
  }

  get bytesHeld(): number {
    return this.#buffer.bytesHeld;
  }

  /** The final status of a head that may be refused or not complete; 0: the status line has not come, or is that of an interim response. */
  get finalStatus(): number {
    const status = this.head?.status ?? (this.#inHeaders ? this.#line.status : 0);
    return isFinalStatus(status) ? status : 0;
  }

  /** What was refused: from the beginning of the head, or of the line that breaks a rule where that is far behind. */
  get refusedBytes(): { readonly offset: number; readonly bytes: Uint8Array } {
    const { block } = this.#buffer;
    if (block === null) return { offset: 0, bytes: noBytes };
    const isFar = this.#inHeaders && this.#section.rule !== null && this.bytesHeld > unparsedBytesMax;
    const offset = isFar ? this.#section.lineStart : 0;
    return { offset, bytes: block.bytes.subarray(offset, this.bytesHeld) };
  }

  /** The next final response, and the interim ones before it, answer a request with this method. */
  expect(method: string): void {
    this.#method = method;
  }

  /** Takes bytes [start, end) and returns how many of them it has used up: all of them while the head is partial. */
  push(bytes: Uint8Array, start: number, end: number): number {
    if (this.state !== 'partial') return 0;
    if (!this.began && this.#memoized !== null && this.#takeMemoized(this.#memoized, bytes, start, end)) {
      return this.#memoized.bytes.length;
    }
    let at = start;
    while (at < end && this.state === 'partial') {
      const held = this.#buffer.bytesHeld;
      const block = this.#buffer.append(bytes, at, end);
      if (block === null) return this.#refuse(this.#tooLarge()), at - start;
      this.began = true;
      at += this.#buffer.bytesHeld - held;
      this.#scan(block);
    }
    // Bytes copied beyond the head's end were not consumed.
    if (this.head !== null) at -= this.#buffer.bytesHeld - this.#section.at;
    return at - start;
  }

  /** Takes a head that equals a kept one to the byte, its status line included. False, without reading: it differs. */
  #takeMemoized(known: ParsedHeadEntry<MemoizedHead>, bytes: Uint8Array, start: number, end: number): boolean {
    if (known.bytes.length > end - start || known.head.method !== this.#method) return false;
    if (!matchesEntry(known, bytes, start)) return false;
    this.head = known.head.head;
    this.began = true;
    this.state = 'complete';
    return true;
  }

  /** Bytes that have come twice in a row are kept, since they are likely to come again. */
  #learn({ bytes }: HeadBlock, head: ParsedResponseHead): void {
    const { at: end } = this.#section;
    if (end < memoBytesMin || end > memoBytesMax) return;
    if (!this.#repeatDetector.shouldCheckNext()) return;
    const hash = hashOf(bytes, 0, end) ^ this.#method.length;
    if (!this.#repeatDetector.isRepeat(hash) || hash === this.#memoized?.hash) return;
    this.#memoized = headMemo.find(hash, bytes, 0, end);
    if (this.#memoized !== null) return;
    const copy = Buffer.allocUnsafeSlow(end);
    bytes.copy(copy, 0, 0, end);
    const read = { method: this.#method, head: { ...head, headers: head.headers.copyWith(copy, 0) } };
    this.#memoized = headMemo.keep(hash, copy, read);
  }

  /** Ready for the next head. The block goes back, so the headers of the last head are empty from now on. */
  reset(): void {
    this.head?.headers.detach();
    this.#buffer.clear();
    this.state = 'partial';
    this.began = false;
    this.refusal = null;
    this.head = null;
    this.#inHeaders = false;
    this.#line.begin();
  }

  #scan(block: HeadBlock): void {
    if (!this.#inHeaders) {
      if (!this.#line.scan(block.bytes, this.bytesHeld)) return;
      if (this.#line.fault !== null) return this.#refuse(lineRefusal(this.#line.fault, this.#first(block)));
      this.#inHeaders = true;
      this.#section.begin(this.#line.at, this.#line.endsWithLf);
    }
    if (!this.#section.scan(block, this.bytesHeld, this.#limits.headersMax)) return;
    const { rule } = this.#section;
    if (rule === 'too-many-headers') {
      return this.#refuse({ cause: 'response_too_many_headers', limit: this.#limits.headersMax });
    }
    if (rule !== null) {
      return this.#refuse({ cause: 'response_header', rule, name: this.#section.brokenName(block.bytes) });
    }
    const head = responseHeaders.read(
      this.#line.endsWithLf ? this.#withLineEnds() : block,
      this.#section,
      this.#line,
      this.#method,
    );
    if ('cause' in head) return this.#refuse(head);
    this.head = head;
    this.state = 'complete';
    if (!this.#line.endsWithLf) this.#learn(block, head);
  }

  #withLineEnds(): HeadBlock {
    const { count } = this.#section;
    return this.#buffer.replace(count, (from, into) => withLineEnds(from, count, this.#line.at, into));
  }

  #tooLarge(): ResponseRefusal {
    const { headBytesMax } = this.#limits;
    const { block } = this.#buffer;
    const longest = block === null ? '' : longestHeaderName(this.#first(block));
    return { cause: 'response_head_too_large', bytes: this.bytesHeld, limit: headBytesMax, longest };
  }

  #first(block: HeadBlock): Uint8Array {
    return block.bytes.subarray(0, this.bytesHeld);
  }

  #refuse(refusal: ResponseRefusal): void {
    this.state = 'refused';
    this.refusal = refusal;
  }
}

/** RFC 9110 §15.2: 1xx are interim, but no other response follows 101 (§15.2.2). */
export function isFinalStatus(status: number): boolean {
  return status >= 200 || status === 101;
}

/** A peer's first bytes as evidence: at most 64, in hexadecimal. */
export function firstBytesOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, evidenceBytesMax)).toString('hex');
}

function lineRefusal(fault: StatusLineFault, bytes: Uint8Array): ResponseRefusal {
  switch (fault.kind) {
    case 'not-http':
      return { cause: 'response_not_http', firstBytes: firstBytesOf(bytes), guess: guessBytes(bytes) };
    case 'version':
      return { cause: 'response_version', version: fault.version };
    case 'rule':
      return { cause: 'response_status_line', firstBytes: firstBytesOf(bytes), rule: fault.rule };
  }
}

const noBytes = new Uint8Array(0);

/** How a head ends depends on the method that it answers. */
interface MemoizedHead {
  readonly method: string;
  readonly head: ParsedResponseHead;
}

/** The same for all of a thread. */
const headMemo = new ParsedHeadMemo<MemoizedHead>();

/** One for all parsers of a thread: it reads a head's headers in one call and keeps nothing afterwards. */
const responseHeaders = new ResponseHeadersReader();
