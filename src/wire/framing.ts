import { chunkedBody, bodyUntilClose, type Framing, noBody } from '../core/message.ts';
import { excerpt, isDigit, isText } from './characters.ts';
import { eachMember } from './hop-by-hop.ts';

/** What a message's headers say of its framing, gathered line by line; then decided at once, in the RFC's order. */
export class FramingFacts {
  /** −1: no Content-Length. */
  contentLength = -1;
  lengthLines = 0;
  /** The last value, for evidence. */
  lengthText = '';
  lengthRule: 'content-length-invalid' | 'content-length-differs' | null = null;
  codings = 0;
  /** Whether the last coding named is chunked. */
  chunkedLast = false;
  /** Whether chunked is named before the last one too. */
  chunkedEarlier = false;
  /** The first coding that is not chunked: we know no other. */
  unknownCoding: string | null = null;

  forget(): void {
    this.contentLength = -1;
    this.lengthLines = 0;
    this.lengthText = '';
    this.lengthRule = null;
    this.codings = 0;
    this.chunkedLast = false;
    this.chunkedEarlier = false;
    this.unknownCoding = null;
  }

  /**
   * RFC 9110 §8.6: Content-Length = 1*DIGIT. Of the same value repeated, in a list ("5, 5") or in further lines, a recipient may make one
   * (RFC 9112 §6.3, 5): all readers find the same end, and no line goes on as it came. Values that differ are an attack, or a mistake that
   * two readers understand differently.
   */
  noteContentLength(bytes: Uint8Array, start: number, end: number): void {
    this.lengthLines++;
    if (this.lengthRule !== null) return;
    let length = decimal(bytes, start, end);
    if (length < 0) length = repeatedNumber(bytes, start, end);
    if (length < 0) this.lengthRule = length === numbersDiffer ? 'content-length-differs' : 'content-length-invalid';
    else if (this.contentLength >= 0 && length !== this.contentLength) this.lengthRule = 'content-length-differs';
    if (this.lengthRule === null) this.contentLength = length;
    else this.lengthText = excerpt(bytes, start, end);
  }

  /** RFC 9112 §6.1; every line adds to one list. An empty member counts as an unknown coding. */
  noteTransferEncoding(bytes: Buffer, start: number, end: number): void {
    if (this.codings === 0 && isText(bytes, start, end, 'chunked')) {
      this.codings = 1;
      this.chunkedLast = true;
      return;
    }
    eachMember(bytes, start, end, (_, from, to) => {
      this.codings++;
      if (this.chunkedLast) this.chunkedEarlier = true;
      this.chunkedLast = isText(bytes, from, to, 'chunked');
      if (!this.chunkedLast) this.unknownCoding ??= bytes.toString('latin1', from, to).toLowerCase();
    });
  }
}

/** 1*DIGIT of at most 2^53 − 1; −1 when it is something else. */
function decimal(bytes: Uint8Array, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (!isDigit(byte)) return -1;
    value = value * 10 + (byte - 0x30);
    if (value > Number.MAX_SAFE_INTEGER) return -1;
  }
  return start === end ? -1 : value;
}

const notNumbers = -1;
const numbersDiffer = -2;

/** The number that a list repeats; a negative one where its members are no numbers, or not all the same. */
function repeatedNumber(bytes: Uint8Array, start: number, end: number): number {
  let number: number | null = null;
  eachMember(bytes, start, end, (_, from, to) => {
    const value = decimal(bytes, from, to);
    if (value < 0 || number === notNumbers) number = notNumbers;
    else if (number === null) number = value;
    else if (value !== number) number = numbersDiffer;
  });
  return number ?? notNumbers;
}

export type RequestFramingRule =
  | 'content-length-invalid'
  | 'content-length-differs'
  | 'length-and-transfer-encoding'
  | 'transfer-encoding-version'
  | 'transfer-encoding-unknown'
  | 'transfer-encoding-final';

/** Lengths that are met all the time, so that they need no object of their own. */
const lengthZero: Framing = { kind: 'length', bytes: 0 };

function lengthOf(bytes: number): Framing {
  return bytes === 0 ? lengthZero : { kind: 'length', bytes };
}

/** RFC 9112 §6.3 for a request, rule by rule and in its order. A string is the rule that it breaks. */
export function requestFraming(facts: FramingFacts, isHttp10: boolean): Framing | RequestFramingRule {
  // 1, 2, 8 are for responses.
  if (facts.codings > 0) {
    // 3. Both together ought to be handled as an error: it may be an attempt at smuggling.
    if (facts.lengthLines > 0) return 'length-and-transfer-encoding';
    // §6.1: HTTP/1.0 has no Transfer-Encoding; its sender may frame the message in another way.
    if (isHttp10) return 'transfer-encoding-version';
    // 4. Without chunked as the last coding, and once only, the end cannot be found.
    if (!facts.chunkedLast || facts.chunkedEarlier) return 'transfer-encoding-final';
    if (facts.unknownCoding !== null) return 'transfer-encoding-unknown';
    return chunkedBody;
  }
  // 5. An invalid Content-Length cannot be recovered from.
  if (facts.lengthRule !== null) return facts.lengthRule;
  // 6.
  if (facts.contentLength >= 0) return lengthOf(facts.contentLength);
  // 7. No body.
  return noBody;
}

type ResponseFramingRule =
  | 'content-length-invalid'
  | 'content-length-differs'
  | 'length-and-transfer-encoding'
  | 'transfer-encoding-version'
  | 'transfer-encoding-final';

/** Why a response's end cannot be found: a rule that it breaks, or a coding that we do not know. */
type ResponseFramingFault = { readonly rule: ResponseFramingRule } | { readonly coding: string };

/**
 * RFC 9112 §6.3 for a response to `method`, rule by rule and in its order. Contradictions are looked for first, also
 * where no body can follow: an endpoint that frames a HEAD response in two ways will do so for GET. A 1xx ends at its empty
 * line whatever it says of framing: that is no reason to refuse the final response, or the change of protocol.
 */
export function responseFraming(
  facts: FramingFacts,
  method: string,
  status: number,
  isHttp10: boolean,
): Framing | ResponseFramingFault {
  if (status < 200) return noBody;
  if (facts.lengthRule !== null) return { rule: facts.lengthRule };
  if (facts.codings > 0) {
    if (facts.lengthLines > 0) return { rule: 'length-and-transfer-encoding' };
    if (isHttp10) return { rule: 'transfer-encoding-version' };
    if (facts.chunkedEarlier || facts.unknownCoding === '') return { rule: 'transfer-encoding-final' };
    if (facts.unknownCoding !== null) return { coding: facts.unknownCoding };
  }
  // 1. No body is possible.
  if (method === 'HEAD' || status === 204 || status === 304) return noBody;
  // 2. A successful CONNECT turns the connection into a tunnel.
  if (method === 'CONNECT' && status < 300) return noBody;
  // 3, 4. Only chunked is left here. (5 was refused above.)
  if (facts.codings > 0) return chunkedBody;
  // 6.
  if (facts.contentLength >= 0) return lengthOf(facts.contentLength);
  // 8. (7 is for requests.)
  return bodyUntilClose;
}

/**
 * Whether an endpoint may send bytes behind a response that the framing does not count. The next request on the connection
 * would be answered with them. So it is where the head announces a body although its method or status forbids any: 1xx and
 * 204 (RFC 9110 §8.6, RFC 9112 §6.1), 205 (RFC 9110 §15.3.6); and where the announcement is allowed, but many endpoints send
 * the body too: 304, and HEAD even without an announcement. A length of 0 announces nothing.
 */
export function mayBeFollowed(facts: FramingFacts, method: string, status: number): boolean {
  const announced = facts.codings > 0 || facts.contentLength > 0;
  if (status < 200) return announced || facts.lengthLines > 0;
  if (method === 'HEAD') return facts.contentLength !== 0;
  if (method === 'CONNECT' && status < 300) return true;
  return announced && (status === 204 || status === 205 || status === 304);
}
