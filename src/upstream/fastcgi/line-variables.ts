import { copyBytes, writeText } from '../../core/copy-bytes.ts';
import { COLON, CR, isBlank, LF } from '../../wire/characters.ts';
import type { FastCgiParams } from '../../wire/fastcgi-writer.ts';

/** What a byte of a name is in the name of a variable; 0: names that have it are left out. "_" is one of them: it would make one variable of two headers. */
const variableBytes = new Uint8Array(256);
for (const from of '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz')
  variableBytes[from.charCodeAt(0)] = from.toUpperCase().charCodeAt(0);
variableBytes['-'.charCodeAt(0)] = '_'.charCodeAt(0);

const prefix = 'HTTP_';
const contentType = 'CONTENT_TYPE';
const cookie = 'COOKIE';

/** `CVE-2016-5385`: programs take HTTP_PROXY for the variable that names their own proxy. The others are told by variables of their own. */
const givenOtherwise = ['PROXY', 'HOST', 'CONTENT_LENGTH'];

/** Of a line: where its name and its value begin and end, a hash of the name as a variable, and the next and the last line of the same name. */
const nameAt = 0;
const nameEndAt = 1;
const valueAt = 2;
const valueEndAt = 3;
const hashAt = 4;
const nextAt = 5;
const lastAt = 6;
const spanSize = 7;
/** No line follows; or, as the last one: the line is not the first of its name. */
const none = -1;

/**
 * Header lines as variables. Values of the same name are one, as in RFC 9110 §5.3 and, for Cookie, RFC 6265 §4.2.1; of Content-Type the first one holds.
 * Lives as long as its thread: `find` starts anew.
 */
export class LineVariables {
  #bytes: Uint8Array = new Uint8Array(0);
  #spans = new Int32Array(spanSize * 64);
  #spansEnd = 0;

  /** Looks for the lines in [start, end), each with its CR LF. Heads have at most some hundred of them (`wire/limits.ts`). */
  find(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = bytes;
    this.#spansEnd = 0;
    for (let at = start; at < end; ) {
      const name = at;
      let hash = 0;
      let isPlain = true;
      for (; at < end && bytes[at] !== COLON; at++) {
        const byte = variableBytes[bytes[at] as number] as number;
        if (byte === 0) isPlain = false;
        hash = (Math.imul(hash, 31) + byte) | 0;
      }
      const nameEnd = at++;
      while (at < end && isBlank(bytes[at])) at++;
      const value = at;
      while (at < end && bytes[at] !== LF) at++;
      let valueEnd = at++;
      while (valueEnd > value && (bytes[valueEnd - 1] === CR || isBlank(bytes[valueEnd - 1]))) valueEnd--;
      if (isPlain && nameEnd > name && nameEnd < end) this.#addLine(name, nameEnd, value, valueEnd, hash);
    }
  }

  /** Calls `visit` with a hash of the name of each variable. */
  eachHash(visit: (hash: number) => void): void {
    for (let span = 0; span < this.#spansEnd; span += spanSize)
      if (this.#spans[span + lastAt] !== none) visit(this.#spans[span + hashAt] as number);
  }

  writeTo(params: FastCgiParams): void {
    for (let span = 0; span < this.#spansEnd; span += spanSize)
      if (this.#spans[span + lastAt] !== none) this.#writeVariable(params, span);
  }

  #addLine(name: number, nameEnd: number, value: number, valueEnd: number, hash: number): void {
    for (const other of givenOtherwise) if (this.#isNamed(name, nameEnd, other)) return;
    const span = this.#spansEnd;
    this.#spansEnd += spanSize;
    if (span === this.#spans.length) this.#growSpans();
    const spans = this.#spans;
    spans[span + nameAt] = name;
    spans[span + nameEndAt] = nameEnd;
    spans[span + valueAt] = value;
    spans[span + valueEndAt] = valueEnd;
    spans[span + hashAt] = hash;
    spans[span + nextAt] = none;
    spans[span + lastAt] = span;
    const first = this.#firstOfName(span);
    if (first === span) return;
    spans[(spans[first + lastAt] as number) + nextAt] = span;
    spans[first + lastAt] = span;
    spans[span + lastAt] = none;
  }

  #growSpans(): void {
    const larger = new Int32Array(this.#spans.length * 2);
    larger.set(this.#spans);
    this.#spans = larger;
  }

  #firstOfName(span: number): number {
    const spans = this.#spans;
    const hash = spans[span + hashAt];
    for (let one = 0; one < span; one += spanSize)
      if (spans[one + hashAt] === hash && spans[one + lastAt] !== none && this.#haveSameName(one, span)) return one;
    return span;
  }

  #haveSameName(one: number, other: number): boolean {
    const bytes = this.#bytes;
    const start = this.#spans[one + nameAt] as number;
    const end = this.#spans[one + nameEndAt] as number;
    const from = this.#spans[other + nameAt] as number;
    if (end - start !== (this.#spans[other + nameEndAt] as number) - from) return false;
    for (let at = start; at < end; at++)
      if (variableBytes[bytes[at] as number] !== variableBytes[bytes[from + at - start] as number]) return false;
    return true;
  }

  #isNamed(start: number, end: number, variable: string): boolean {
    if (end - start !== variable.length) return false;
    for (let at = start; at < end; at++)
      if (variableBytes[this.#bytes[at] as number] !== variable.charCodeAt(at - start)) return false;
    return true;
  }

  #writeVariable(params: FastCgiParams, span: number): void {
    const bytes = this.#bytes;
    const spans = this.#spans;
    const start = spans[span + nameAt] as number;
    const nameEnd = spans[span + nameEndAt] as number;
    if (this.#isNamed(start, nameEnd, contentType))
      return params.addBytes(contentType, bytes, spans[span + valueAt] as number, spans[span + valueEndAt] as number);
    const separator = this.#isNamed(start, nameEnd, cookie) ? '; ' : ', ';
    let at = params.open(prefix.length + nameEnd - start, this.#valueLength(span, separator.length));
    const to = params.bytes;
    at = writeText(to, at, prefix);
    for (let from = start; from < nameEnd; from++) to[at++] = variableBytes[bytes[from] as number] as number;
    for (let one = span; one !== none; one = spans[one + nextAt] as number) {
      if (one !== span) at = writeText(to, at, separator);
      const value = spans[one + valueAt] as number;
      const valueEnd = spans[one + valueEndAt] as number;
      copyBytes(bytes, value, valueEnd, to, at);
      at += valueEnd - value;
    }
  }

  /** Of all lines of the name. */
  #valueLength(span: number, separatorLength: number): number {
    const spans = this.#spans;
    let length = -separatorLength;
    for (let one = span; one !== none; one = spans[one + nextAt] as number)
      length += separatorLength + (spans[one + valueEndAt] as number) - (spans[one + valueAt] as number);
    return length;
  }
}
