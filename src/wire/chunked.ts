import { type FieldFilter, fieldFilter } from '../core/field-names.ts';
import type { Fields } from '../core/message.ts';
import { CR, hexDigits, LF } from './characters.ts';
import { ChunkExtensionReader } from './chunk-extension.ts';
import { type ChunkLimits, chunkLimits, chunkSizeDigitsMax } from './limits.ts';
import type { OctetWriter } from './octet-writer.ts';
import { TrailerSection } from './trailers.ts';

/** What a message in the chunked coding may break. */
export type ChunkRule =
  | 'chunk-size'
  | 'chunk-extension'
  | 'chunk-ending'
  | 'line-ending'
  | 'trailer-section'
  | 'trailer-section-too-large';

/** Who takes the content. The octets are the caller's own: borrowed for the call. */
export interface ContentSink {
  onContent(octets: Uint8Array, start: number, end: number): void;
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
 * Strict, since this is where requests are smuggled: CR LF and nothing else, no white space around the size, extensions
 * by their grammar and bounded. Content is handed on in runs of what came, without a copy.
 */
export class ChunkedDecoder {
  state: 'partial' | 'done' | 'refused' = 'partial';
  rule: ChunkRule | null = null;
  /** Once done: what the trailer section held and may hold; null when it was empty. */
  trailers: Fields | null = null;
  /** Octets of trailer section held, for evidence. */
  trailerOctets = 0;

  readonly #limits: ChunkLimits;
  readonly #extension = new ChunkExtensionReader();
  #trailers: TrailerSection | null = null;
  #place = inSize;
  #remaining = 0;
  #digits = 0;
  #lineOctets = 0;
  #extensionOctets = 0;

  constructor(limits: ChunkLimits = chunkLimits) {
    this.#limits = limits;
  }

  /** Ready for the next message. Trailers that were handed out stay valid. */
  reset(): void {
    this.state = 'partial';
    this.rule = null;
    this.trailers = null;
    this.trailerOctets = 0;
    this.#trailers = null;
    this.#extensionOctets = 0;
    this.#beginChunk();
  }

  /** Takes octets [start, end) and returns how many it has used up: all of them while the message is partial. */
  push(octets: Uint8Array, start: number, end: number, sink: ContentSink): number {
    let at = start;
    while (at < end && this.state === 'partial') {
      if (this.#place === inData) {
        const length = Math.min(end - at, this.#remaining);
        this.#remaining -= length;
        if (this.#remaining === 0) this.#place = afterData;
        sink.onContent(octets, at, at + length);
        at += length;
      } else if (this.#place === inTrailers || (this.#place === afterLastChunk && octets[at] !== CR)) {
        at += this.#pushTrailers(octets, at, end);
      } else this.#take(octets[at++] as number);
    }
    return at - start;
  }

  #take(octet: number): void {
    switch (this.#place) {
      case inSize:
        return this.#takeSize(octet);
      case inExtension:
        return this.#takeExtension(octet);
      case afterSizeCr:
        if (octet !== LF) return this.#refuse('line-ending');
        this.#place = this.#remaining === 0 ? afterLastChunk : inData;
        return;
      case afterLastChunk:
        // CR: nearly every message ends here, without trailers.
        this.#place = afterLastCr;
        return;
      case afterLastCr:
        if (octet !== LF) return this.#refuse('line-ending');
        this.state = 'done';
        return;
      case afterData:
        if (octet !== CR) return this.#refuse('chunk-ending');
        this.#place = afterDataCr;
        return;
      default:
        if (octet !== LF) return this.#refuse('chunk-ending');
        this.#beginChunk();
    }
  }

  #takeSize(octet: number): void {
    const digit = hexDigits[octet] as number;
    if (digit !== 0) {
      if (++this.#digits > chunkSizeDigitsMax) return this.#refuse('chunk-size');
      // In this order: near 2^53 a sum with the table's "plus one" would be rounded.
      this.#remaining = this.#remaining * 16 + (digit - 1);
      if (this.#remaining > sizeMax) this.#refuse('chunk-size');
      return;
    }
    if (this.#digits === 0) return this.#refuse('chunk-size');
    if (octet === CR) this.#place = afterSizeCr;
    else if (octet === LF) this.#refuse('line-ending');
    else {
      this.#lineOctets = this.#digits;
      this.#extension.begin();
      this.#place = inExtension;
      // White space or ";" begins an extension; anything else is no part of a size.
      if (!this.#extension.mayBegin(octet)) return this.#refuse('chunk-size');
      this.#takeExtension(octet);
    }
  }

  #takeExtension(octet: number): void {
    if (octet === CR) {
      if (!this.#extension.mayEnd) return this.#refuse('chunk-extension');
      this.#place = afterSizeCr;
      return;
    }
    if (octet === LF) return this.#refuse('line-ending');
    this.#lineOctets++;
    this.#extensionOctets++;
    if (
      this.#lineOctets > this.#limits.chunkSizeLineMax ||
      this.#extensionOctets > this.#limits.chunkExtensionOctetsMax
    ) {
      return this.#refuse('chunk-extension');
    }
    if (!this.#extension.take(octet)) this.#refuse('chunk-extension');
  }

  #pushTrailers(octets: Uint8Array, start: number, end: number): number {
    this.#place = inTrailers;
    this.#trailers ??= new TrailerSection(this.#limits);
    const trailers = this.#trailers;
    const consumed = trailers.push(octets, start, end);
    this.trailerOctets = trailers.octetsHeld;
    if (trailers.state === 'refused') this.#refuse(trailers.rule);
    else if (trailers.state === 'done') {
      this.trailers = trailers.fields;
      this.state = 'done';
    }
    return consumed;
  }

  #beginChunk(): void {
    this.#place = inSize;
    this.#remaining = 0;
    this.#digits = 0;
  }

  #refuse(rule: ChunkRule): void {
    this.state = 'refused';
    this.rule = rule;
  }
}

/** The line before a chunk of `octets` octets, with its CR LF. 0 would end the message. */
export function chunkHead(octets: number): string {
  return `${octets.toString(16)}\r\n`;
}

/** Writes the line before a chunk; its data and a CR LF are to follow. */
export function writeChunkStart(writer: OctetWriter, octets: number): void {
  writer.text(chunkHead(octets));
}

const dropNothing: FieldFilter = fieldFilter([]);

/** Ends a message in the chunked coding: the last chunk, the trailers where there are any, the empty line. */
export function writeLastChunk(writer: OctetWriter, trailers: Fields | null): void {
  if (trailers === null) return writer.text('0\r\n\r\n');
  writer.text('0\r\n');
  trailers.writeTo(writer, dropNothing);
  writer.text('\r\n');
}
