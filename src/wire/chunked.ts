import { type HeaderFilter, headerFilter } from '../core/header-names.ts';
import type { MessageHeaders } from '../core/message.ts';
import { CR, hexDigits, LF, HTAB, isBlank, SP, tokenBytes } from './characters.ts';
import { type ChunkLimits, chunkLimits, chunkSizeDigitsMax } from './limits.ts';
import type { ByteWriter } from './byte-writer.ts';
import { TrailerSection } from './trailers.ts';

const beforeSemicolon = 0;
const beforeName = 1;
const inName = 2;
const afterName = 3;
const beforeValue = 4;
const inToken = 5;
const inQuoted = 6;
const inPair = 7;
const afterValue = 8;

/** By state. Not where a name or a value is missing, nor within quotes. */
const mayEndIn = Uint8Array.of(1, 0, 1, 1, 0, 1, 0, 0, 1);

const semicolon = 0x3b;
const equals = 0x3d;
const quote = 0x22;
const backslash = 0x5c;

/**
 * Checks chunk extensions byte by byte (RFC 9112 §7.1.1):
 *
 *     chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )        chunk-ext-val = token / quoted-string
 *
 * They are passed over: we know none, and a recipient must ignore what it does not know.
 */
class ChunkExtensionReader {
  #state = beforeSemicolon;

  begin(): void {
    this.#state = beforeSemicolon;
  }

  mayBegin(byte: number): boolean {
    return byte === semicolon || byte === SP || byte === HTAB;
  }

  /**
   * Whether the line may end here. The grammar has no white space before its end, but senders that pad their sizes do (`5  ` CR LF), and every
   * reader counts the same bytes: it is passed over as the BWS before an extension is.
   */
  get mayEnd(): boolean {
    return mayEndIn[this.#state] === 1;
  }

  /** Takes one byte. False when it may not stand there. */
  take(byte: number): boolean {
    switch (this.#state) {
      case beforeSemicolon:
        return isBlank(byte) || this.#goIf(byte === semicolon, beforeName);
      case beforeName:
        return isBlank(byte) || this.#goIf(tokenBytes[byte] !== 0, inName);
      case inName:
        return tokenBytes[byte] !== 0 || this.#afterName(byte);
      case afterName:
        return this.#afterName(byte);
      case beforeValue:
        return isBlank(byte) || this.#goIf(byte === quote, inQuoted) || this.#goIf(tokenBytes[byte] !== 0, inToken);
      case inToken:
        return tokenBytes[byte] !== 0 || this.#afterValue(byte);
      case inQuoted:
        return this.#quoted(byte);
      case inPair:
        return this.#goIf(isQuotable(byte), inQuoted);
      default:
        return this.#afterValue(byte);
    }
  }

  #afterName(byte: number): boolean {
    if (isBlank(byte)) return this.#goIf(true, afterName);
    return this.#goIf(byte === semicolon, beforeName) || this.#goIf(byte === equals, beforeValue);
  }

  #afterValue(byte: number): boolean {
    if (isBlank(byte)) return this.#goIf(true, beforeSemicolon);
    return this.#goIf(byte === semicolon, beforeName);
  }

  #quoted(byte: number): boolean {
    if (byte === quote) return this.#goIf(true, afterValue);
    if (byte === backslash) return this.#goIf(true, inPair);
    return isQuotable(byte);
  }

  #goIf(condition: boolean, state: number): boolean {
    if (condition) this.#state = state;
    return condition;
  }
}

/** RFC 9110 §5.6.4: HTAB / SP / VCHAR / obs-text. */
function isQuotable(byte: number): boolean {
  return byte === HTAB || (byte >= SP && byte !== 0x7f);
}

/** The rules that a message in the chunked coding can break. */
export type ChunkRule =
  | 'chunk-size'
  | 'chunk-extension'
  | 'chunk-ending'
  | 'line-ending'
  | 'trailer-section'
  | 'trailer-section-too-large';

/** Receives the body. The bytes are borrowed for the call. */
export interface ChunkedBodySink {
  onBody(bytes: Uint8Array, start: number, end: number): void;
}

const inSize = 0;
const inExtension = 1;
const afterSizeCr = 2;
const inData = 3;
const afterData = 4;
const afterDataCr = 5;
const afterLastChunk = 6;
const afterLastCr = 7;
const inTrailers = 8;

/** Sizes beyond this cannot be counted exactly, and no message is that long. */
const sizeMax = Number.MAX_SAFE_INTEGER;

/**
 * Takes the chunked coding off (RFC 9112 §7.1):
 *
 *     chunk = chunk-size [ chunk-ext ] CRLF chunk-data CRLF        chunked-body = *chunk last-chunk trailer-section CRLF
 *
 * Strict, since this is where requests are smuggled: CR LF and nothing else, no white space before the size, extensions
 * by their grammar and bounded, white space behind them. A body is passed on in runs of the received bytes, without a copy.
 */
export class ChunkedDecoder {
  state: 'partial' | 'done' | 'refused' = 'partial';
  rule: ChunkRule | null = null;
  /** Once done: the permitted headers of the trailer section; null when it had none. */
  trailers: MessageHeaders | null = null;
  /** Bytes of trailer section held, for evidence. */
  trailerBytes = 0;

  readonly #limits: ChunkLimits;
  readonly #extension = new ChunkExtensionReader();
  #trailers: TrailerSection | null = null;
  #parserState = inSize;
  #remaining = 0;
  #digits = 0;
  #lineBytes = 0;
  #extensionBytes = 0;

  constructor(limits: ChunkLimits = chunkLimits) {
    this.#limits = limits;
  }

  /** Ready for the next message. Trailers that were handed out stay valid. */
  reset(): void {
    this.state = 'partial';
    this.rule = null;
    this.trailers = null;
    this.trailerBytes = 0;
    this.#trailers = null;
    this.#extensionBytes = 0;
    this.#beginChunk();
  }

  /** Takes bytes [start, end) and returns how many it has used up: all of them while the message is partial. */
  push(bytes: Uint8Array, start: number, end: number, sink: ChunkedBodySink): number {
    let at = start;
    while (at < end && this.state === 'partial') {
      if (this.#parserState === inData) {
        const length = Math.min(end - at, this.#remaining);
        this.#remaining -= length;
        if (this.#remaining === 0) this.#parserState = afterData;
        sink.onBody(bytes, at, at + length);
        at += length;
      } else if (this.#parserState === inTrailers || (this.#parserState === afterLastChunk && bytes[at] !== CR)) {
        at += this.#pushTrailers(bytes, at, end);
      } else this.#take(bytes[at++] as number);
    }
    return at - start;
  }

  #take(byte: number): void {
    switch (this.#parserState) {
      case inSize:
        return this.#takeSize(byte);
      case inExtension:
        return this.#takeExtension(byte);
      case afterSizeCr:
        if (byte !== LF) return this.#refuse('line-ending');
        this.#parserState = this.#remaining === 0 ? afterLastChunk : inData;
        return;
      case afterLastChunk:
        // CR: nearly every message ends here, without trailers.
        this.#parserState = afterLastCr;
        return;
      case afterLastCr:
        if (byte !== LF) return this.#refuse('line-ending');
        this.state = 'done';
        return;
      case afterData:
        if (byte !== CR) return this.#refuse('chunk-ending');
        this.#parserState = afterDataCr;
        return;
      default:
        if (byte !== LF) return this.#refuse('chunk-ending');
        this.#beginChunk();
    }
  }

  #takeSize(byte: number): void {
    const digit = hexDigits[byte] as number;
    if (digit !== 0) {
      if (++this.#digits > chunkSizeDigitsMax) return this.#refuse('chunk-size');
      // In this order: near 2^53 a sum with the table's "plus one" would be rounded.
      this.#remaining = this.#remaining * 16 + (digit - 1);
      if (this.#remaining > sizeMax) this.#refuse('chunk-size');
      return;
    }
    if (this.#digits === 0) return this.#refuse('chunk-size');
    if (byte === CR) this.#parserState = afterSizeCr;
    else if (byte === LF) this.#refuse('line-ending');
    else {
      this.#lineBytes = this.#digits;
      this.#extension.begin();
      this.#parserState = inExtension;
      // White space or ";" begins an extension; anything else is no part of a size.
      if (!this.#extension.mayBegin(byte)) return this.#refuse('chunk-size');
      this.#takeExtension(byte);
    }
  }

  #takeExtension(byte: number): void {
    if (byte === CR) {
      if (!this.#extension.mayEnd) return this.#refuse('chunk-extension');
      this.#parserState = afterSizeCr;
      return;
    }
    if (byte === LF) return this.#refuse('line-ending');
    this.#lineBytes++;
    this.#extensionBytes++;
    if (this.#lineBytes > this.#limits.chunkSizeLineMax || this.#extensionBytes > this.#limits.chunkExtensionBytesMax) {
      return this.#refuse('chunk-extension');
    }
    if (!this.#extension.take(byte)) this.#refuse('chunk-extension');
  }

  #pushTrailers(bytes: Uint8Array, start: number, end: number): number {
    this.#parserState = inTrailers;
    this.#trailers ??= new TrailerSection(this.#limits);
    const trailers = this.#trailers;
    const consumed = trailers.push(bytes, start, end);
    this.trailerBytes = trailers.bytesHeld;
    if (trailers.state === 'refused') this.#refuse(trailers.rule);
    else if (trailers.state === 'done') {
      this.trailers = trailers.headers;
      this.state = 'done';
    }
    return consumed;
  }

  #beginChunk(): void {
    this.#parserState = inSize;
    this.#remaining = 0;
    this.#digits = 0;
  }

  #refuse(rule: ChunkRule): void {
    this.state = 'refused';
    this.rule = rule;
  }
}

/** The line before a chunk of `bytes` bytes, with its CR LF. 0 would end the message. */
export function chunkHead(bytes: number): string {
  return `${bytes.toString(16)}\r\n`;
}

/** Writes the line before a chunk; its data and a CR LF are to follow. */
export function writeChunkStart(writer: ByteWriter, bytes: number): void {
  writer.text(chunkHead(bytes));
}

const dropNothing: HeaderFilter = headerFilter([]);

/** Ends a message in the chunked coding: the last chunk, the trailers where there are any, the empty line. */
export function writeLastChunk(writer: ByteWriter, trailers: MessageHeaders | null): void {
  if (trailers === null) return writer.text('0\r\n\r\n');
  writer.text('0\r\n');
  trailers.writeTo(writer, dropNothing);
  writer.text('\r\n');
}
