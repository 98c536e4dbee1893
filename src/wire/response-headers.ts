import { headerId, knownHeaderNames } from '../core/header-names.ts';
import { isDigit, isSame, isText } from './characters.ts';
import type { HeaderSectionParser } from './header-section.ts';
import { FramingFacts, mayBeFollowed, responseFraming } from './framing.ts';
import { type HeadBlock, spanSize } from './head-storage.ts';
import { connectionOptions, eachMember, optionsBeyondLimit } from './hop-by-hop.ts';
import { ParsedHeaders } from './parsed-headers.ts';
import { reasonPhrase } from './reason-phrases.ts';
import { persists } from './request-headers.ts';
import type { ParsedResponseHead } from './parsed-response-head.ts';
import type { ResponseRefusal } from './parsed-response-head.ts';
import type { StatusLineParser } from './status-line.ts';

const connectionId = headerId('connection');
const keepAliveId = headerId('keep-alive');
const bodyLengthId = headerId('content-length');
const transferEncodingId = headerId('transfer-encoding');

/** Not 0 for the names that say something to the parser itself. */
const concernsUs = new Uint8Array(knownHeaderNames.length);
for (const id of [connectionId, keepAliveId, bodyLengthId, transferEncodingId]) concernsUs[id] = 1;

/** What a response's headers say of the message itself: its end, and whether its connection lives on. */
export class ResponseHeadersReader {
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
