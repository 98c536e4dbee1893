import type { RequestRule } from '#failures/rules.ts';
import { CR, excerpt, isDigit, LF, pathBytes, queryBytes, SP, tokenBytes } from './characters.ts';
import type { HeadLimits } from './limits.ts';

const inMethod = 0;
const inPath = 1;
const inQuery = 2;
const inVersion = 3;

const questionMark = 0x3f;
const tlsHandshake = 0x16;

/** "HTTP/1.1" CR LF and "HTTP/1.0" CR LF have ten bytes. */
const versionBytes = 10;
const versionStart = [0x48, 0x54, 0x54, 0x50, 0x2f] as const;

/**
 * Reads a request line, byte by byte and each once: method SP request-target SP HTTP-version CR LF (RFC 9112 §3). One
 * space each, and CR LF at the end: §3 lets a recipient be lenient about both, and two recipients that are lenient in
 * different ways can be exploited against each other.
 */
export class RequestLineParser {
  /** The next byte to look at; once the line is complete, the first behind it. */
  at = 0;
  rule: RequestRule | null = null;
  /** −1 until the method's end is known; likewise the target's. */
  methodEnd = -1;
  targetEnd = -1;
  /** The target has bytes that are percent-encoded before anything reads it (`encodedTarget`). */
  hasRawBytes = false;
  #parserState = inMethod;

  begin(): void {
    this.at = 0;
    this.rule = null;
    this.methodEnd = -1;
    this.targetEnd = -1;
    this.hasRawBytes = false;
    this.#parserState = inMethod;
  }

  get targetStart(): number {
    return this.methodEnd + 1;
  }

  /**
   * Reads on to byte `end`. True when there is nothing more to read: the line is complete, or `rule` names the broken
   * rule.
   */
  scan(bytes: Uint8Array, end: number, limits: HeadLimits): boolean {
    if (this.#parserState === inMethod && !this.#scanMethod(bytes, end, limits.methodBytesMax))
      return this.rule !== null;
    if (this.#parserState !== inVersion && !this.#scanTarget(bytes, end, limits.targetBytesMax))
      return this.rule !== null;
    return this.#scanVersion(bytes, end);
  }

  #scanMethod(bytes: Uint8Array, end: number, bytesMax: number): boolean {
    const stop = Math.min(end, bytesMax + 1);
    let at = this.at;
    while (at < stop && tokenBytes[bytes[at] as number] !== 0) at++;
    this.at = at;
    if (at > bytesMax) return this.#refuse('method-too-long');
    if (at === end) return false;
    if (bytes[at] !== SP) return this.#refuse(methodRule(bytes, at));
    if (at === 0) return this.#refuse('request-line');
    this.methodEnd = at;
    this.at = at + 1;
    this.#parserState = inPath;
    return true;
  }

  #scanTarget(bytes: Uint8Array, end: number, bytesMax: number): boolean {
    const stop = Math.min(end, this.targetStart + bytesMax + 1);
    let at = this.at;
    if (this.#parserState === inPath) {
      while (at < stop && pathBytes[bytes[at] as number] === 1) at++;
      if (at < stop && pathBytes[bytes[at] as number] === 2) {
        this.hasRawBytes = true;
        while (at < stop && pathBytes[bytes[at] as number] !== 0) at++;
      }
      if (at < stop && bytes[at] === questionMark) this.#parserState = inQuery;
    }
    if (this.#parserState === inQuery) {
      while (at < stop && queryBytes[bytes[at] as number] === 1) at++;
      if (at < stop && queryBytes[bytes[at] as number] === 2) {
        this.hasRawBytes = true;
        while (at < stop && queryBytes[bytes[at] as number] !== 0) at++;
      }
    }
    this.at = at;
    if (at > this.targetStart + bytesMax) return this.#refuse('target-too-long');
    if (at === end) return false;
    if (bytes[at] !== SP) {
      // A line that ends here has no version: that was HTTP/0.9.
      return this.#refuse(bytes[at] === CR || bytes[at] === LF ? 'request-line' : 'target-bytes');
    }
    if (at === this.targetStart) return this.#refuse('request-line');
    this.targetEnd = at;
    this.at = at + 1;
    this.#parserState = inVersion;
    return true;
  }

  #scanVersion(bytes: Uint8Array, end: number): boolean {
    const start = this.targetEnd + 1;
    const stop = Math.min(end, start + versionBytes);
    while (this.at < stop) {
      const rule = versionRule(bytes[this.at] as number, this.at - start);
      if (rule !== null) return !this.#refuse(rule);
      this.at++;
    }
    return this.at === start + versionBytes;
  }

  /** The part that was being read, or a place in it; of a target never the query, whose values may be secrets. */
  evidence(bytes: Uint8Array): string {
    if (this.methodEnd < 0) return `method ${excerpt(bytes, 0, this.at + 1)}`;
    if (this.targetEnd < 0) {
      const byte = (bytes[this.at] as number).toString(16).padStart(2, '0');
      return `target byte ${this.at - this.targetStart + 1}: \\x${byte}`;
    }
    const line = excerpt(bytes, 0, this.methodEnd);
    if (this.rule === null) return `${line} … ${excerpt(bytes, this.targetEnd + 1, this.targetEnd + 9)}`;
    return `version ${excerpt(bytes, this.targetEnd + 1, this.at + 1)}`;
  }

  #refuse(rule: RequestRule): false {
    this.rule = rule;
    return false;
  }
}

function methodRule(bytes: Uint8Array, at: number): RequestRule {
  if (at === 0 && bytes[0] === tlsHandshake) return 'tls-on-plain-port';
  return bytes[at] === CR || bytes[at] === LF ? 'request-line' : 'method-token';
}

/** Which rule is broken by `byte` as number `place` of the version and its line ending; null: none. */
function versionRule(byte: number, offset: number): RequestRule | null {
  if (offset < 5) return byte === versionStart[offset] ? null : offset === 0 ? 'request-line' : 'version-syntax';
  if (offset === 5 || offset === 7) return isDigit(byte) ? null : 'version-syntax';
  if (offset === 6) return byte === 0x2e ? null : 'version-syntax';
  if (offset === 9) return byte === LF ? null : 'line-ending';
  if (byte === CR) return null;
  if (byte === LF) return 'line-ending';
  return isDigit(byte) ? 'version-syntax' : 'request-line';
}
