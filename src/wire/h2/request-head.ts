import { headerId } from '../../core/header-names.ts';
import { chunkedBody, type Framing, noBody } from '../../core/message.ts';
import type { RequestRule } from '#failures/rules.ts';
import { excerpt, pathBytes, queryBytes, tokenBytes } from '../characters.ts';
import { FramingFacts } from '../framing.ts';
import { spanSize } from '../head-storage.ts';
import { authorityText, isAuthority, sameAuthority } from '../host.ts';
import type { ParsedRequestHead, RequestRefusal } from '../parsed-request-head.ts';
import { type HeadLimits, methodBytesMax } from '../limits.ts';
import { encodedTarget } from '../request-target.ts';
import { protocolsAsked } from '../upgrade.ts';
import type { DecodedSection } from './decoded-section.ts';

const hostId = headerId('host');
const bodyLengthId = headerId('content-length');
const expectId = headerId('expect');
const teId = headerId('te');

/** The bits of the known names that say something of the message itself. */
const concernsUs = (1 << hostId) | (1 << bodyLengthId) | (1 << expectId) | (1 << teId);

const questionMark = 0x3f;

/**
 * The rules that make a request malformed (RFC 9113 §8.1.1), which is an error of its stream. A request that breaks another rule is well
 * formed: it asks for what is not offered here, or is larger than a limit.
 */
const malformedBy: ReadonlySet<RequestRule> = new Set<RequestRule>([
  'method-token',
  'target-bytes',
  'target-form',
  'header-name',
  'header-name-case',
  'header-value',
  'header-value-blank',
  'connection-header',
  'pseudo-header-unknown',
  'pseudo-header-repeated',
  'pseudo-header-late',
  'pseudo-header-kind',
  'pseudo-header-missing',
  'host-missing',
  'host-repeated',
  'host-invalid',
  'host-disagrees',
  'content-length-invalid',
  'content-length-differs',
  'content-length-mismatch',
]);

export function isMalformed(rule: RequestRule): boolean {
  return malformedBy.has(rule);
}

/** Whether no body follows: the HEADERS frame has END_STREAM. */
type EndsStream = boolean;

/**
 * What a request's header section says (RFC 9113 §8.3.1): everything that HTTP/1.1 could not carry, or that two recipients could read
 * in two ways, is refused here (§10.3). The headers use the section's block.
 */
export class Http2RequestReader {
  readonly #limits: HeadLimits;
  readonly #framing = new FramingFacts();
  #host: string | null = null;
  #hostLines = 0;
  #expects = '';
  #target = '';
  /** The last valid authority, as it was sent and as it is read. */
  #lastSent = '';
  #lastAuthority = '';

  constructor(limits: HeadLimits) {
    this.#limits = limits;
  }

  read(section: DecodedSection, endsStream: EndsStream, scheme: 'http' | 'https'): ParsedRequestHead | RequestRefusal {
    if (section.rule !== null) return refuse(section.rule, section.brokenName);
    const { method, protocol } = section;
    const rule = this.#pseudoRule(section);
    if (rule !== null) return rule;
    // RFC 9220 §3. That of other protocols over HTTP/2 need not be what HTTP/1.1 has behind a 101.
    if (protocol !== null && protocol.toLowerCase() !== 'websocket')
      return refuse('connect-protocol', excerptOf(protocol));
    if (protocol !== null && endsStream) return refuse('connect-ended', '');
    this.#forget();
    if ((section.seenLow & concernsUs) !== 0) this.#note(section);
    const authority = this.#authority(section.authority);
    if (typeof authority !== 'string') return authority;
    const framing = this.#framingOf(endsStream);
    if ('rule' in framing) return framing;
    if (this.#expects !== '' && this.#expects.toLowerCase() !== '100-continue')
      return refuse('expectation-unknown', this.#expects);
    return {
      // RFC 8441 §5: what HTTP/1.1 asks for by GET and Upgrade.
      method: protocol === null ? (method as string) : 'GET',
      scheme,
      authority,
      target: this.#target,
      version: 'HTTP/2',
      headers: section.headers(),
      framing: protocol === null ? framing : noBody,
      keepAlive: true,
      expectContinue: this.#expects !== '' && !endsStream,
      upgrade: protocol === null ? null : protocolsAsked(protocol),
      takesTrailers: (section.seenLow & (1 << teId)) !== 0,
    };
  }

  #pseudoRule({ method, path, scheme, protocol }: DecodedSection): RequestRefusal | null {
    if (method === null) return refuse('pseudo-header-missing', ':method');
    if (method.length > methodBytesMax) return refuse('method-too-long', '');
    if (method === '' || !isToken(method)) return refuse('method-token', '');
    if (method === 'CONNECT' && protocol === null) {
      // §8.5: a CONNECT of HTTP itself names neither.
      const named = scheme !== null ? ':scheme' : path !== null ? ':path' : null;
      return named === null ? refuse('connect-not-offered', '') : refuse('pseudo-header-kind', named);
    }
    if (method !== 'CONNECT' && protocol !== null) return refuse('pseudo-header-kind', ':protocol');
    if (protocol === '') return refuse('pseudo-header-missing', ':protocol');
    if (scheme === null || scheme === '') return refuse('pseudo-header-missing', ':scheme');
    if (scheme !== 'https' && scheme !== 'http') return refuse('scheme-unknown', excerptOf(scheme));
    if (path === null || path === '') return refuse('pseudo-header-missing', ':path');
    if (path.length > this.#limits.targetBytesMax)
      return refuse('target-too-long', `${this.#limits.targetBytesMax} bytes at most`);
    this.#target = path;
    if (path === '*') return method === 'OPTIONS' ? null : refuse('target-form', '*');
    if (!path.startsWith('/')) return refuse('target-form', '');
    return this.#readTarget(path);
  }

  #readTarget(path: string): RequestRefusal | null {
    const bytes = bytesOf(path);
    if (bytes === 0) return refuse('target-bytes', '');
    this.#target = bytes === 1 ? path : encodedTarget(path);
    return this.#target.length > this.#limits.targetBytesMax ? refuse('target-too-long', 'percent-encoded') : null;
  }

  #forget(): void {
    this.#framing.forget();
    this.#host = null;
    this.#hostLines = 0;
    this.#expects = '';
  }

  #note({ block, count }: DecodedSection): void {
    if (block === null) return;
    const { bytes, spans } = block;
    for (let offset = 0; offset < count * spanSize; offset += spanSize) {
      const id = spans[offset + 5] as number;
      const start = spans[offset + 2] as number;
      const end = spans[offset + 3] as number;
      if (id === hostId) {
        this.#hostLines++;
        this.#host = bytes.toString('latin1', start, end);
      } else if (id === bodyLengthId) this.#framing.noteContentLength(bytes, start, end);
      else if (id === expectId) this.#expects = start === end ? '(empty)' : excerpt(bytes, start, end);
    }
  }

  /** §8.3.1: the authority is that of :authority, and a Host beside it must say the same. */
  #authority(sent: string | null): string | RequestRefusal {
    if (this.#hostLines > 1) return refuse('host-repeated', `${this.#hostLines} Host fields`);
    const first = sent === null || sent === '' ? this.#host : sent;
    if (first === null || first === '') return refuse('host-missing', 'neither :authority nor Host');
    const authority = this.#read(first);
    if (authority === '') return refuse('host-invalid', '');
    if (this.#host === null || this.#host === first) return authority;
    const host = this.#read(this.#host);
    return host !== '' && sameAuthority(authority, host, 'https') ? authority : refuse('host-disagrees', '');
  }

  /** '' where it is not valid. */
  #read(sent: string): string {
    if (sent === this.#lastSent) return this.#lastAuthority;
    const bytes = Buffer.from(sent, 'latin1');
    if (!isAuthority(bytes, 0, bytes.length)) return '';
    this.#lastSent = sent;
    this.#lastAuthority = authorityText(bytes, 0, bytes.length);
    return this.#lastAuthority;
  }

  #framingOf(endsStream: EndsStream): Framing | RequestRefusal {
    const { lengthRule, contentLength, lengthText } = this.#framing;
    if (lengthRule !== null) return refuse(lengthRule, `Content-Length: ${lengthText}`);
    if (endsStream) {
      if (contentLength > 0) return refuse('content-length-mismatch', `${contentLength} bytes announced, none sent`);
      return contentLength === 0 ? noBytes : noBody;
    }
    return contentLength >= 0 ? { kind: 'length', bytes: contentLength } : chunkedBody;
  }
}

const noBytes: Framing = { kind: 'length', bytes: 0 };

function refuse(rule: RequestRule, at: string): RequestRefusal {
  return { rule, at };
}

function isToken(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (tokenBytes[text.charCodeAt(at)] !== 1) return false;
  return true;
}

/** As `queryBytes` marks them: 0: a byte of the target may not stand there; 2: one must be percent-encoded; else 1. */
function bytesOf(target: string): number {
  let table = pathBytes;
  let bytes = 1;
  for (let at = 0; at < target.length; at++) {
    const byte = target.charCodeAt(at);
    if (table === pathBytes && byte === questionMark) table = queryBytes;
    if (table[byte] !== 1) {
      if (table[byte] !== 2) return 0;
      bytes = 2;
    }
  }
  return bytes;
}

function excerptOf(text: string): string {
  return excerpt(Buffer.from(text, 'latin1'), 0, text.length);
}
