import { headerId } from '../../core/header-names.ts';
import { chunkedBody, type Framing, noBody } from '../../core/message.ts';
import type { ResponseRule } from '#failures/rules.ts';
import { FramingFacts } from '../framing.ts';
import { spanSize } from '../head-storage.ts';
import type { ParsedResponseHead, ResponseRefusal } from '../parsed-response-head.ts';
import { reasonPhrase } from '../reason-phrases.ts';
import type { DecodedSection, HeaderSectionLimits } from './decoded-section.ts';

const bodyLengthId = headerId('content-length');

const zeroBytes: Framing = { kind: 'length', bytes: 0 };

/**
 * What a response's header section says (RFC 9113 §8.3.2). What HTTP/1.1 could not carry, or what two recipients could read in two
 * ways, is refused, as in HTTP/1.1 (`wire/response-head.ts`). The headers use the section's block.
 */
export class Http2ResponseReader {
  readonly #framing = new FramingFacts();

  /** Of a response to `method`. `endsStream`: no body follows. */
  read(
    section: DecodedSection,
    endsStream: boolean,
    method: string,
    limits: HeaderSectionLimits,
  ): ParsedResponseHead | ResponseRefusal {
    const refusal = sectionRefusal(section, limits);
    if (refusal !== null) return refusal;
    const status = statusOf(section.status);
    if (status === 0) return refuse(section.status === null ? 'pseudo-header-missing' : 'status-code', ':status');
    if (status === 101) return refuse('switch-in-http2', ':status');
    if (status < 200 && endsStream) return refuse('interim-end', ':status');
    this.#framing.forget();
    if (((section.seenLow >>> bodyLengthId) & 1) === 1) this.#noteLength(section);
    const { lengthRule, contentLength } = this.#framing;
    if (lengthRule !== null && status >= 200) return { cause: 'response_framing', rule: lengthRule };
    return {
      status,
      reason: reasonPhrase(status),
      version: 'HTTP/2',
      headers: section.headers(),
      framing: framingOf(status, method, contentLength, endsStream),
      contentLength,
      keepAlive: true,
      keepAliveTimeoutS: null,
    };
  }

  #noteLength({ block, count }: DecodedSection): void {
    if (block === null) return;
    const { bytes, spans } = block;
    for (let offset = 0; offset < count * spanSize; offset += spanSize) {
      if (spans[offset + 5] !== bodyLengthId) continue;
      this.#framing.noteContentLength(bytes, spans[offset + 2] as number, spans[offset + 3] as number);
    }
  }
}

/** The rule or the limit that a section breaks, of a response or of its trailers; null: none. */
export function sectionRefusal(
  { rule, brokenName, listBytes }: DecodedSection,
  { headersMax, listBytesMax }: HeaderSectionLimits,
): ResponseRefusal | null {
  if (rule === null) return null;
  if (rule === 'too-many-headers') return { cause: 'response_too_many_headers', limit: headersMax };
  if (rule === 'header-section-too-large')
    return { cause: 'response_head_too_large', bytes: listBytes, limit: listBytesMax, longest: brokenName };
  return refuse(rule, brokenName);
}

function refuse(rule: ResponseRule, name: string): ResponseRefusal {
  return { cause: 'response_header', rule, name };
}

/** 0 where it is not a number from 100 to 999. */
export function statusOf(text: string | null): number {
  if (text === null || text.length !== 3) return 0;
  const status = Number(text);
  return /^[1-9]\d\d$/.test(text) ? status : 0;
}

function framingOf(status: number, method: string, contentLength: number, endsStream: boolean): Framing {
  if (status < 200 || method === 'HEAD' || status === 204 || status === 304) return noBody;
  if (contentLength >= 0) return contentLength === 0 ? zeroBytes : { kind: 'length', bytes: contentLength };
  return endsStream ? zeroBytes : chunkedBody;
}
