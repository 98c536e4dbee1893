import { headerId, knownHeaderNames } from '../core/header-names.ts';
import type { HttpVersion } from '../core/message.ts';
import type { RequestRule } from '#failures/rules.ts';
import { excerpt, isSame, isText } from './characters.ts';
import type { HeaderSectionParser } from './header-section.ts';
import { FramingFacts, requestFraming, type RequestFramingRule } from './framing.ts';
import { type HeadBlock, spanSize } from './head-storage.ts';
import {
  connectionOptions,
  eachMember,
  nominated,
  optionClose,
  optionKeepAlive,
  optionsBeyondLimit,
  optionUpgrade,
} from './hop-by-hop.ts';
import { nominationsMax } from './limits.ts';
import { isDisguised } from './known-names.ts';
import { authorityText, isAuthority, sameAuthority } from './host.ts';
import { ParsedHeaders } from './parsed-headers.ts';
import type { ParsedRequestHead } from './parsed-request-head.ts';
import type { RequestRefusal } from './parsed-request-head.ts';
import type { RequestTarget } from './request-target.ts';
import { protocolsAsked } from './upgrade.ts';

/** The parsed request line. */
interface RequestLine {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly version: HttpVersion;
  readonly target: RequestTarget;
}

const hostId = headerId('host');
const connectionId = headerId('connection');
const bodyLengthId = headerId('content-length');
const transferEncodingId = headerId('transfer-encoding');
const expectId = headerId('expect');
const upgradeId = headerId('upgrade');
const teId = headerId('te');

/** Not 0 for the names that say something to the parser itself; nearly all lines are passed over by one look here. */
const concernsUs = new Uint8Array(knownHeaderNames.length);
for (const id of [hostId, connectionId, bodyLengthId, transferEncodingId, expectId, upgradeId, teId])
  concernsUs[id] = 1;

/**
 * What a request's headers say of the message itself: its host, its end, whether its connection lives on. Everything
 * that two recipients could read in two ways is refused here.
 */
export class RequestHeadersReader {
  readonly #framing = new FramingFacts();
  #hostLines = 0;
  #hostStart = 0;
  #hostEnd = 0;
  #options = 0;
  #nominated: Set<string> | null = null;
  /** Stays empty for `Connection: keep-alive` and `close`, which nearly all are: then no set is made. */
  #spare = new Set<string>();
  #continue = false;
  #expectation = '';
  #upgrade: string | null = null;
  #takesTrailers = false;
  /** The last valid Host header, as it was sent and as it is read: spares most requests a check and two strings. */
  #lastHost = '';
  #lastAuthority = '';

  read(block: HeadBlock, section: HeaderSectionParser, line: RequestLine): ParsedRequestHead | RequestRefusal {
    this.#forget();
    this.#gather(block, section.count);
    const isHttp10 = line.version === 'HTTP/1.0';

    if ((this.#options & optionsBeyondLimit) !== 0) return refuse('connection-options', tooManyOptions);
    const authority = this.#authority(block.bytes, line);
    if (typeof authority !== 'string') return authority;
    const framing = requestFraming(this.#framing, isHttp10);
    if (typeof framing === 'string') return refuse(framing, framingEvidence(framing, this.#framing));
    // RFC 9110 §10.1.1 has an expectation in an HTTP/1.0 request ignored.
    if (this.#expectation !== '' && !isHttp10) return refuse('expectation-unknown', this.#expectation);
    const hasBody = framing.kind === 'chunked' || (framing.kind === 'length' && framing.bytes > 0);
    // RFC 9110 §7.8: only with the connection option, and not from HTTP/1.0. The body comes first, in the old protocol.
    const upgrade = (this.#options & optionUpgrade) !== 0 && !isHttp10 ? this.#upgrade : null;

    const headers = new ParsedHeaders(block.bytes, block.spans, section.count, section.seenLow, section.seenHigh);
    if (this.#nominated !== null) headers.nominate(this.#nominated);
    return {
      method: line.method,
      scheme: line.scheme,
      authority,
      target: line.target.target,
      version: line.version,
      headers,
      framing,
      keepAlive: persists(this.#options, isHttp10),
      expectContinue: this.#continue && hasBody && !isHttp10,
      upgrade,
      takesTrailers: this.#takesTrailers && !isHttp10,
    };
  }

  #forget(): void {
    this.#framing.forget();
    this.#hostLines = 0;
    this.#options = 0;
    this.#nominated = null;
    this.#continue = false;
    this.#expectation = '';
    this.#upgrade = null;
    this.#takesTrailers = false;
  }

  #gather(block: HeadBlock, count: number): void {
    const { bytes, spans } = block;
    const end = count * spanSize;
    for (let offset = 0; offset < end; offset += spanSize) {
      const id = spans[offset + 5] as number;
      if (id === 0) {
        // It stays here, as if Connection had nominated it.
        if (isDisguised(bytes, spans[offset] as number, spans[offset + 1] as number)) spans[offset + 5] = nominated;
      } else if (concernsUs[id] !== 0) this.#note(id, bytes, spans[offset + 2] as number, spans[offset + 3] as number);
    }
  }

  #note(id: number, bytes: Buffer, start: number, end: number): void {
    switch (id) {
      case hostId:
        this.#hostLines++;
        this.#hostStart = start;
        this.#hostEnd = end;
        return;
      case bodyLengthId:
        return this.#framing.noteContentLength(bytes, start, end);
      case transferEncodingId:
        return this.#framing.noteTransferEncoding(bytes, start, end);
      case connectionId: {
        const names = this.#nominated ?? this.#spare;
        this.#options |= connectionOptions(bytes, start, end, names);
        if (names.size > 0 && this.#nominated === null) {
          this.#nominated = names;
          this.#spare = new Set();
        }
        return;
      }
      case expectId:
        if (isText(bytes, start, end, '100-continue')) this.#continue = true;
        else this.#expectation = start === end ? '(empty)' : excerpt(bytes, start, end);
        return;
      case upgradeId:
        return this.#noteUpgrade(protocolsAsked(bytes.toString('latin1', start, end)));
      case teId:
        eachMember(bytes, start, end, (_, from, to) => {
          if (isText(bytes, from, to, 'trailers')) this.#takesTrailers = true;
        });
    }
  }

  #noteUpgrade(asked: string | null): void {
    if (asked !== null) this.#upgrade = this.#upgrade === null ? asked : `${this.#upgrade}, ${asked}`;
  }

  /** RFC 9112 §3.2: exactly one Host in HTTP/1.1, at most one in HTTP/1.0. */
  #authority(bytes: Buffer, line: RequestLine): string | RequestRefusal {
    const { authority } = line.target;
    if (this.#hostLines > 1) return refuse('host-repeated', `${this.#hostLines} Host fields`);
    if (this.#hostLines === 0) return line.version === 'HTTP/1.0' ? authority : refuse('host-missing', 'no Host field');
    const host = this.#host(bytes);
    if (host === '') return refuse('host-invalid', `Host: ${this.#hostExcerpt(bytes)}`);
    // §3.2.2 lets an absolute-form overrule Host; a program that looks at one of them only would see another request.
    if (authority !== '' && !sameAuthority(authority, host, line.scheme)) {
      return refuse('host-disagrees', `Host: ${excerpt(bytes, this.#hostStart, this.#hostEnd)}`);
    }
    return authority === '' ? host : authority;
  }

  /** Without user information, which has no place in Host and holds passwords; the cut of an excerpt might part it from its "@". */
  #hostExcerpt(bytes: Buffer): string {
    const at = bytes.subarray(this.#hostStart, this.#hostEnd).lastIndexOf(0x40);
    return at === -1
      ? excerpt(bytes, this.#hostStart, this.#hostEnd)
      : `…${excerpt(bytes, this.#hostStart + at, this.#hostEnd)}`;
  }

  /** The Host header's authority; '' when it is invalid. Most requests repeat the authority of the one before. */
  #host(bytes: Buffer): string {
    if (isSame(bytes, this.#hostStart, this.#hostEnd, this.#lastHost)) return this.#lastAuthority;
    if (!isAuthority(bytes, this.#hostStart, this.#hostEnd)) return '';
    this.#lastHost = bytes.toString('latin1', this.#hostStart, this.#hostEnd);
    this.#lastAuthority = authorityText(bytes, this.#hostStart, this.#hostEnd);
    return this.#lastAuthority;
  }
}

/** RFC 9112 §9.3: whether the connection lives on after this message, as far as its options say. */
export function persists(options: number, isHttp10: boolean): boolean {
  if ((options & optionClose) !== 0) return false;
  return !isHttp10 || (options & optionKeepAlive) !== 0;
}

const tooManyOptions = `Connection names more than ${nominationsMax} headers`;

function framingEvidence(rule: RequestFramingRule, facts: FramingFacts): string {
  switch (rule) {
    case 'content-length-invalid':
      return `Content-Length: ${facts.lengthText}`;
    case 'content-length-differs':
      return facts.lengthLines > 1
        ? `${facts.lengthLines} Content-Length fields`
        : `Content-Length: ${facts.lengthText}`;
    case 'length-and-transfer-encoding':
      return 'Content-Length and Transfer-Encoding';
    default:
      return `Transfer-Encoding: ${facts.unknownCoding ?? 'chunked'}`.slice(0, 64);
  }
}

function refuse(rule: RequestRule, at: string): RequestRefusal {
  return { rule, at };
}
