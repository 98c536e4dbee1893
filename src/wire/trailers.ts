import { clientClaimNames, headerFilter, gatewayHeaderNames } from '../core/header-names.ts';
import { HeaderSectionParser } from './header-section.ts';
import { type HeadBlock, newBlock, spanSize } from './head-storage.ts';
import { nominated } from './hop-by-hop.ts';
import { ParsedHeaders } from './parsed-headers.ts';
import { isDisguised } from './known-names.ts';
import type { ChunkLimits } from './limits.ts';

/**
 * Fields that must be known before the body and are therefore no trailers (RFC 9110 §6.5.1): framing, routing,
 * request modifiers, authentication, body format, response control. Such lines are struck out rather than refused:
 * a recipient may ignore them, we never merge trailers into the head, and so they do no harm once they are gone.
 */
const excluded = [
  // Framing, routing, and headers for one connection only.
  'transfer-encoding',
  'content-length',
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
  ...gatewayHeaderNames,
  ...clientClaimNames,
  // Request modifiers.
  'expect',
  'proxy',
  'cache-control',
  'max-forwards',
  'destination',
  'if',
  'pragma',
  'range',
  'if-match',
  'if-none-match',
  'if-modified-since',
  'if-unmodified-since',
  'if-range',
  // Authentication and state.
  'authorization',
  'proxy-authorization',
  'proxy-authenticate',
  'www-authenticate',
  'cookie',
  'set-cookie',
  // Body format.
  'content-type',
  'content-encoding',
  'content-range',
  // Response control.
  'age',
  'date',
  'expires',
  'location',
  'retry-after',
  'vary',
  'warning',
  // RFC 9209 §2 allows it here, but behind the body it could not be told from the gateway's own member.
  'proxy-status',
  // As trailers only an application would write it; of the gateway it is in heads.
  'x-candor-release',
];

const notInTrailers = headerFilter(excluded, null, true);

/** The headers without the lines that are no trailers; null where none are left. */
export function permittedTrailers(headers: ParsedHeaders): ParsedHeaders | null {
  headers.removeLines(notInTrailers);
  return headers.anyGoesOn ? headers : null;
}

const firstBytes = 1024;
const firstHeaders = 8;

/** Reads a trailer section up to and with its empty line. Rare, so it brings a buffer of its own and leaves it to its headers. */
export class TrailerSection {
  state: 'partial' | 'done' | 'refused' = 'partial';
  rule: 'trailer-section' | 'trailer-section-too-large' | 'line-ending' = 'trailer-section';
  /** Once done; null when the section had no permitted header. */
  headers: ParsedHeaders | null = null;
  bytesHeld = 0;
  readonly #limits: ChunkLimits;
  readonly #section = new HeaderSectionParser();
  #block: HeadBlock = newBlock(firstBytes, firstHeaders);

  constructor(limits: ChunkLimits) {
    this.#limits = limits;
    this.#section.begin(0);
  }

  push(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end && this.state === 'partial') {
      const step = Math.min(end - at, firstBytes, this.#limits.trailerBytesMax - this.bytesHeld);
      if (step === 0) {
        this.#refuse('trailer-section-too-large');
        break;
      }
      this.#makeRoom(step);
      this.#block.bytes.set(bytes.subarray(at, at + step), this.bytesHeld);
      this.bytesHeld += step;
      at += step;
      this.#scan();
    }
    if (this.state === 'done') at -= this.bytesHeld - this.#section.at;
    return at - start;
  }

  #scan(): void {
    const section = this.#section;
    if (!section.scan(this.#block, this.bytesHeld, this.#limits.trailerHeadersMax)) return;
    if (section.rule === 'too-many-headers') return this.#refuse('trailer-section-too-large');
    if (section.rule !== null) return this.#refuse(section.rule === 'line-ending' ? 'line-ending' : 'trailer-section');
    this.state = 'done';
    if (section.count === 0) return;
    const { bytes, spans } = this.#block;
    this.#hideDisguised();
    this.headers = permittedTrailers(new ParsedHeaders(bytes, spans, section.count, section.seenLow, section.seenHigh));
  }

  /** As in a head (`request-headers.ts`): `X_Forwarded_For` is ours to say in every spelling. */
  #hideDisguised(): void {
    const { bytes, spans } = this.#block;
    const end = this.#section.count * spanSize;
    for (let offset = 0; offset < end; offset += spanSize) {
      if (spans[offset + 5] !== 0) continue;
      if (isDisguised(bytes, spans[offset] as number, spans[offset + 1] as number)) spans[offset + 5] = nominated;
    }
  }

  #makeRoom(step: number): void {
    const needed = this.bytesHeld + step;
    const { bytes, spans } = this.#block;
    if (needed <= bytes.length) return;
    const larger = newBlock(Math.max(needed, bytes.length * 2), firstHeaders);
    bytes.copy(larger.bytes, 0, 0, this.bytesHeld);
    larger.spans = spans;
    this.#block = larger;
  }

  #refuse(rule: TrailerSection['rule']): void {
    this.state = 'refused';
    this.rule = rule;
  }
}
