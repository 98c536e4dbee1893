import { unparsedBytesMax } from '../core/unparsed-bytes.ts';
import { HeaderSectionParser, withLineEnds } from './header-section.ts';
import { guessBytes } from './guess-bytes.ts';
import { HeadBuffer } from './head-buffer.ts';
import { type HeadBlock, type HeadStorage, spanSize } from './head-storage.ts';
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
import { type StatusLineFault, StatusLineParser } from './status-line.ts';
import type { ParsedResponseHead, ResponseRefusal } from './parsed-response-head.ts';
import { excerpt, isDigit, isSame, isText } from './characters.ts';
import { headerId, knownHeaderNames } from '../core/header-names.ts';
import { FramingFacts, mayBeFollowed, responseFraming } from './framing.ts';
import { connectionOptions, eachMember, optionsBeyondLimit } from './hop-by-hop.ts';
import { ParsedHeaders } from './parsed-headers.ts';
import { reasonPhrase } from './reason-phrases.ts';
import { persists } from './request-headers.ts';

const connectionId = headerId('connection');
const keepAliveId = headerId('keep-alive');
const bodyLengthId = headerId('content-length');
const transferEncodingId = headerId('transfer-encoding');

/** Not 0 for the names that say something to the parser itself. */
const concernsUs = new Uint8Array(knownHeaderNames.length);
for (const id of [connectionId, keepAliveId, bodyLengthId, transferEncodingId]) concernsUs[id] = 1;

/** What a response's headers say of the message itself: its end, and whether its connection lives on. */
class ResponseHeadersReader {
  readonly #framing = new FramingFacts();
  #options = 0;
  #nominated: Set<string> | null = null;
  /** Stays empty for `Connection: keep-alive` and `close`, which nearly all are: then no set is made. */
  #spare = new Set<string>();
  #timeoutS: number | null = null;

  read(
    block: HeadBlock,
    section: HeaderSectionParser,
    line: StatusLineParser,
    method: string,
  ): ParsedResponseHead | ResponseRefusal {
    this.#framing.forget();
    this.#options = 0;
    this.#nominated = null;
    this.#timeoutS = null;
    this.#gather(block, section.count);

    if ((this.#options & optionsBeyondLimit) !== 0) {
      return { cause: 'response_header', rule: 'connection-options', name: 'Connection' };
    }
    const { status, isHttp10 } = line;
    const framing = responseFraming(this.#framing, method, status, isHttp10);
    if ('rule' in framing) return { cause: 'response_framing', rule: framing.rule };
    if ('coding' in framing) return { cause: 'response_transfer_coding', coding: framing.coding };

    const headers = new ParsedHeaders(block.bytes, block.spans, section.count, section.seenLow, section.seenHigh);
    if (this.#nominated !== null) headers.nominate(this.#nominated);
    return {
      status,
      reason: reasonText(block.bytes, line),
      version: isHttp10 ? 'HTTP/1.0' : 'HTTP/1.1',
      headers,
      framing,
      contentLength: this.#framing.contentLength,
      keepAlive:
        framing.kind !== 'until-close' &&
        persists(this.#options, isHttp10) &&
        !mayBeFollowed(this.#framing, method, status),
      keepAliveTimeoutS: this.#timeoutS,
    };
  }

  #gather(block: HeadBlock, count: number): void {
    const { bytes, spans } = block;
    const end = count * spanSize;
    for (let offset = 0; offset < end; offset += spanSize) {
      const id = spans[offset + 5] as number;
      if (concernsUs[id] !== 0) this.#note(id, bytes, spans[offset + 2] as number, spans[offset + 3] as number);
    }
  }

  #note(id: number, bytes: Buffer, start: number, end: number): void {
    if (id === bodyLengthId) this.#framing.noteContentLength(bytes, start, end);
    else if (id === transferEncodingId) this.#framing.noteTransferEncoding(bytes, start, end);
    else if (id === keepAliveId) this.#timeoutS ??= keepAliveTimeout(bytes, start, end);
    else {
      const names = this.#nominated ?? this.#spare;
      this.#options |= connectionOptions(bytes, start, end, names);
      if (names.size > 0 && this.#nominated === null) {
        this.#nominated = names;
        this.#spare = new Set();
      }
    }
  }
}

/** The phrase of the registry is a string that exists already. */
function reasonText(bytes: Buffer, line: StatusLineParser): string {
  const { reasonStart, reasonEnd, status } = line;
  if (reasonEnd <= reasonStart) return '';
  const usual = reasonPhrase(status);
  if (isSame(bytes, reasonStart, reasonEnd, usual)) return usual;
  return bytes.toString('latin1', reasonStart, reasonEnd);
}

/** RFC 2068 §19.7.1, still in use: Keep-Alive: timeout=5, max=100. A day is as good as for ever. */
function keepAliveTimeout(bytes: Uint8Array, start: number, end: number): number | null {
  let seconds: number | null = null;
  eachMember(bytes, start, end, (_, from, to) => {
    if (!isText(bytes, from, Math.min(from + 8, to), 'timeout=') || to === from + 8) return;
    let value = 0;
    for (let at = from + 8; at < to; at++) {
      if (!isDigit(bytes[at])) return;
      value = Math.min(value * 10 + (bytes[at] as number) - 0x30, 86_400);
    }
    seconds ??= value;
  });
  return seconds;
}

const LF = 10;
const COLON = 58;

/**
 * The name of the longest header line in a head that may not have come to its end; '' where there is none yet. It is
 * what a person looks for when a head is too large. Never a value, which may be a secret.
 */
export function longestHeaderName(head: Uint8Array): string {
  let longest = 0;
  let name = '';
  for (let start = head.indexOf(LF) + 1; start > 0 && start < head.length; ) {
    const lineEnd = head.indexOf(LF, start);
    const end = lineEnd === -1 ? head.length : lineEnd;
    const colon = head.indexOf(COLON, start);
    if (end - start > longest && colon > start && colon < end) {
      longest = end - start;
      name = excerpt(head, start, colon);
    }
    start = end + 1;
  }
  return name;
}

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

  readonly limits: HeadLimits;
  readonly storage: HeadStorage;
  readonly #buffer: HeadBuffer;
  readonly #line = new StatusLineParser();
  readonly #section = new HeaderSectionParser();
  #inHeaders = false;
  #method = 'GET';
  /** The head that comes again and again here. */
  #memoized: ParsedHeadEntry<MemoizedHead> | null = null;
  readonly #repeatDetector = new RepeatDetector();

  constructor(limits: HeadLimits, storage: HeadStorage) {
    this.limits = limits;
    this.storage = storage;
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
    if (!this.#section.scan(block, this.bytesHeld, this.limits.headersMax)) return;
    const { rule } = this.#section;
    if (rule === 'too-many-headers') {
      return this.#refuse({ cause: 'response_too_many_headers', limit: this.limits.headersMax });
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
    const { headBytesMax } = this.limits;
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
