import { clientClaimNames, fieldFilter, gatewayFieldNames } from '../core/field-names.ts';
import { FieldSectionParser } from './field-section.ts';
import { type HeadBlock, newBlock, spanSize } from './head-storage.ts';
import { nominated } from './hop-by-hop.ts';
import { Http1Fields } from './http1-fields.ts';
import { isDisguised } from './known-names.ts';
import type { ChunkLimits } from './limits.ts';

/**
 * Fields that must be known before the content and are therefore no trailers (RFC 9110 §6.5.1): framing, routing,
 * request modifiers, authentication, content format, response control. Such lines are struck out rather than refused:
 * a recipient may ignore them, we never merge trailers into the head, and so they do no harm once they are gone.
 */
const excluded = [
  // Framing, routing, and fields for one connection only.
  'transfer-encoding',
  'content-length',
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
  ...gatewayFieldNames,
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
  // Content format.
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
  // RFC 9209 §2 allows it here, but behind the content it could not be told from the gateway's own member.
  'proxy-status',
];

const notInTrailers = fieldFilter(excluded, null, true);

/** The fields without the lines that are no trailers; null where none are left. */
export function permittedTrailers(fields: Http1Fields): Http1Fields | null {
  fields.removeLines(notInTrailers);
  return fields.anyGoesOn ? fields : null;
}

const firstBytes = 1024;
const firstFields = 8;

/** Reads a trailer section up to and with its empty line. Rare, so it brings a buffer of its own and leaves it to its fields. */
export class TrailerSection {
  state: 'partial' | 'done' | 'refused' = 'partial';
  rule: 'trailer-section' | 'trailer-section-too-large' | 'line-ending' = 'trailer-section';
  /** Once done; null when the section had no permitted field. */
  fields: Http1Fields | null = null;
  bytesHeld = 0;
  readonly #limits: ChunkLimits;
  readonly #section = new FieldSectionParser();
  #block: HeadBlock = newBlock(firstBytes, firstFields);

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
    if (!section.scan(this.#block, this.bytesHeld, this.#limits.trailerFieldsMax)) return;
    if (section.rule === 'too-many-headers') return this.#refuse('trailer-section-too-large');
    if (section.rule !== null) return this.#refuse(section.rule === 'line-ending' ? 'line-ending' : 'trailer-section');
    this.state = 'done';
    if (section.count === 0) return;
    const { bytes, spans } = this.#block;
    this.#hideDisguised();
    this.fields = permittedTrailers(new Http1Fields(bytes, spans, section.count, section.seenLow, section.seenHigh));
  }

  /** As in a head (`request-fields.ts`): `X_Forwarded_For` is ours to say in every spelling. */
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
    const larger = newBlock(Math.max(needed, bytes.length * 2), firstFields);
    bytes.copy(larger.bytes, 0, 0, this.bytesHeld);
    larger.spans = spans;
    this.#block = larger;
  }

  #refuse(rule: TrailerSection['rule']): void {
    this.state = 'refused';
    this.rule = rule;
  }
}
