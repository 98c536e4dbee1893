import { copyBytes, writeText } from '../../core/copy-bytes.ts';
import type { HeaderSink } from '../../core/message.ts';
import { COLON, CR, isBlank, LF } from '../../wire/characters.ts';
import { GrowingBytes } from '../../wire/growing-bytes.ts';
import type { FastCgiParams } from '../../wire/fastcgi-writer.ts';

/** Numbers that are kept of a line: where its name and value begin and end, a hash of the name, the next line of the same name and the last one. */
const spanSize = 7;
const none = -1;

/** What a byte of a name is in the name of a variable; 0: names that have it are left out. "_" is one of them: it would make one variable of two headers. */
const variableBytes = new Uint8Array(256);
for (const from of '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz')
  variableBytes[from.charCodeAt(0)] = from.toUpperCase().charCodeAt(0);
variableBytes['-'.charCodeAt(0)] = '_'.charCodeAt(0);

const prefix = 'HTTP_';
const contentType = 'CONTENT_TYPE';

/** `CVE-2016-5385`: programs take HTTP_PROXY for the variable that names their own proxy. The others are told by variables of their own. */
const givenOtherwise = ['PROXY', 'HOST', 'CONTENT_LENGTH'];

/**
 * The headers of a request as variables. Values of the same name are one, as in RFC 9110 §5.3 and, for Cookie, RFC 6265 §4.2.1. Lives as long as its
 * thread: `clear` starts anew.
 *
 * Measured with 16 headers of a browser and 6 of the gateway: MEASURED
 */
export class HeaderVariables extends GrowingBytes implements HeaderSink {
  #spans = new Int32Array(spanSize * 64);
  #count = 0;

  header(name: string, value: string): void {
    this.makeRoom(name.length + value.length + 3);
    let at = writeText(this.bytes, this.length, name);
    this.bytes[at++] = COLON;
    at = writeText(this.bytes, at, value);
    this.bytes[at++] = CR;
    this.bytes[at++] = LF;
    this.length = at;
  }

  headerLines(bytes: Uint8Array, start: number, end: number): void {
    this.makeRoom(end - start);
    copyBytes(bytes, start, end, this.bytes, this.length);
    this.length += end - start;
  }

  /** Adds the variables to `params`. */
  writeTo(params: FastCgiParams): void {
    this.#findLines();
    for (let span = 0; span < this.#count * spanSize; span += spanSize)
      if (this.#spans[span + 6] !== none) this.#writeVariable(params, span);
  }

  #findLines(): void {
    const { bytes, length } = this;
    this.#count = 0;
    let at = 0;
    while (at < length) {
      const start = at;
      let hash = 0;
      let isPlain = true;
      for (; at < length && bytes[at] !== COLON; at++) {
        const byte = variableBytes[bytes[at] as number] as number;
        if (byte === 0) isPlain = false;
        hash = (hash * 31 + byte) | 0;
      }
      const nameEnd = at;
      while (at < length && bytes[at] !== LF) at++;
      let end = at++;
      if (!isPlain || nameEnd === start) continue;
      let valueStart = nameEnd + 1;
      while (valueStart < end && isBlank(bytes[valueStart])) valueStart++;
      while (end > valueStart && (bytes[end - 1] === CR || isBlank(bytes[end - 1]))) end--;
      this.#addLine(start, nameEnd, valueStart, end, hash);
    }
  }

  #addLine(start: number, nameEnd: number, valueStart: number, end: number, hash: number): void {
    for (const name of givenOtherwise) if (this.#isNamed(start, nameEnd, name)) return;
    const span = this.#count++ * spanSize;
    if (span === this.#spans.length) this.#growSpans();
    const spans = this.#spans;
    spans[span] = start;
    spans[span + 1] = nameEnd;
    spans[span + 2] = valueStart;
    spans[span + 3] = end;
    spans[span + 4] = hash;
    spans[span + 5] = none;
    spans[span + 6] = span;
    const first = this.#firstOfName(span);
    if (first === span) return;
    spans[(spans[first + 6] as number) + 5] = span;
    spans[first + 6] = span;
    spans[span + 6] = none;
  }

  /** Heads have at most some hundred lines (`wire/limits.ts`). */
  #firstOfName(span: number): number {
    const spans = this.#spans;
    const hash = spans[span + 4];
    for (let one = 0; one < span; one += spanSize)
      if (spans[one + 4] === hash && spans[one + 6] !== none && this.#haveSameName(one, span)) return one;
    return span;
  }

  #haveSameName(one: number, other: number): boolean {
    const { bytes } = this;
    const spans = this.#spans;
    const start = spans[one] as number;
    const end = spans[one + 1] as number;
    const from = spans[other] as number;
    if (end - start !== (spans[other + 1] as number) - from) return false;
    for (let at = start; at < end; at++)
      if (variableBytes[bytes[at] as number] !== variableBytes[bytes[from + at - start] as number]) return false;
    return true;
  }

  #isNamed(start: number, end: number, variable: string): boolean {
    if (end - start !== variable.length) return false;
    for (let at = start; at < end; at++)
      if (variableBytes[this.bytes[at] as number] !== variable.charCodeAt(at - start)) return false;
    return true;
  }

  #growSpans(): void {
    const larger = new Int32Array(this.#spans.length * 2);
    larger.set(this.#spans);
    this.#spans = larger;
  }

  #writeVariable(params: FastCgiParams, span: number): void {
    const { bytes } = this;
    const spans = this.#spans;
    const start = spans[span] as number;
    const nameEnd = spans[span + 1] as number;
    if (this.#isNamed(start, nameEnd, contentType))
      return params.addPart(contentType, bytes, spans[span + 2] as number, spans[span + 3] as number);
    const separator = this.#isNamed(start, nameEnd, 'COOKIE') ? '; ' : ', ';
    let valueLength = -separator.length;
    for (let one = span; one !== none; one = spans[one + 5] as number)
      valueLength += separator.length + (spans[one + 3] as number) - (spans[one + 2] as number);
    let at = params.open(prefix.length + nameEnd - start, valueLength);
    const to = params.bytes;
    at = writeText(to, at, prefix);
    for (let from = start; from < nameEnd; from++) to[at++] = variableBytes[bytes[from] as number] as number;
    for (let one = span; one !== none; one = spans[one + 5] as number) {
      if (one !== span) at = writeText(to, at, separator);
      copyBytes(bytes, spans[one + 2] as number, spans[one + 3] as number, to, at);
      at += (spans[one + 3] as number) - (spans[one + 2] as number);
    }
  }
}
