import type { ResponseRule } from '#failures/rules.ts';
import { CR, excerpt, headerValueBytes, isDigit, isSame, LF, SP } from './characters.ts';

/** "HTTP/" */
const versionStart = [0x48, 0x54, 0x54, 0x50, 0x2f] as const;

const inVersion = 0;
const inStatus = 1;
const afterStatus = 2;
const inReason = 3;
const afterCr = 4;

/** "HTTP/1.1": where the version ends. The status follows behind one space. */
const versionEnd = 8;
const statusStart = 9;
const statusEnd = 12;

export type StatusLineFault =
  | { readonly kind: 'not-http' }
  | { readonly kind: 'version'; readonly version: string }
  | { readonly kind: 'rule'; readonly rule: ResponseRule };

/**
 * Reads a status line, each byte once: HTTP-version SP status-code SP [ reason-phrase ] CR LF (RFC 9112 §4).
 *
 * One departure from the grammar: the space behind the status may be missing when there is no reason phrase. Widespread
 * servers leave it out, no two readers can differ about it, and we write our own status line anyway.
 *
 * A line that ends with LF alone (RFC 9112 §2.2: a recipient may take it for an end) begins a head whose lines all may: scripts and
 * devices write such heads. One that begins with CR LF has an LF alone nowhere, so that what an application took into a header from a
 * request ends no line.
 */
export class StatusLineParser {
  /** The next byte to look at; once the line is complete, the first behind it. */
  at = 0;
  fault: StatusLineFault | null = null;
  status = 0;
  isHttp10 = false;
  endsWithLf = false;
  reasonEnd = statusEnd;
  #parserState = inVersion;

  begin(): void {
    this.at = 0;
    this.fault = null;
    this.status = 0;
    this.endsWithLf = false;
    this.reasonEnd = statusEnd;
    this.#parserState = inVersion;
  }

  /** Where the reason phrase begins; not before `reasonEnd` when there is none. */
  get reasonStart(): number {
    return statusEnd + 1;
  }

  /** Reads on to byte `end`. True when there is nothing more to read: complete, or `fault` says what is wrong. */
  scan(bytes: Uint8Array, end: number): boolean {
    if (this.at === 0 && end > statusEnd) this.#takeUsualStart(bytes);
    while (this.at < end) {
      if (this.#parserState === inReason) {
        this.#scanReason(bytes, end);
        if (this.at === end) return false;
      }
      if (!this.#take(bytes, bytes[this.at] as number)) return this.fault !== null;
      this.at++;
      if (this.#parserState === inVersion && this.at > versionEnd) return true;
    }
    return false;
  }

  /** Nearly every response begins "HTTP/1.1 200 " in one read; others are read byte by byte, with the same result. */
  #takeUsualStart(bytes: Uint8Array): void {
    if (!isSame(bytes, 0, versionEnd - 1, 'HTTP/1.') || bytes[versionEnd] !== SP || bytes[statusEnd] !== SP) return;
    const minor = bytes[versionEnd - 1] as number;
    const hundreds = (bytes[statusStart] as number) - 0x30;
    const tens = bytes[statusStart + 1] as number;
    const ones = bytes[statusStart + 2] as number;
    if (!isDigit(minor) || hundreds < 1 || hundreds > 9 || !isDigit(tens) || !isDigit(ones)) return;
    this.isHttp10 = minor === 0x30;
    this.status = hundreds * 100 + (tens - 0x30) * 10 + (ones - 0x30);
    this.at = statusEnd + 1;
    this.#parserState = inReason;
  }

  /** Takes one byte. False when it may not stand there. */
  #take(bytes: Uint8Array, byte: number): boolean {
    switch (this.#parserState) {
      case inVersion:
        return this.#takeVersion(bytes, byte);
      case inStatus:
        return this.#takeStatus(byte);
      case afterStatus:
        if (byte === SP) this.#parserState = inReason;
        else if (byte === CR) this.#parserState = afterCr;
        else if (byte === LF) this.#endWithLf();
        else return this.#refuse(isDigit(byte) ? 'status-code' : 'status-line');
        return true;
      case inReason:
        this.reasonEnd = this.at;
        if (byte === CR) this.#parserState = afterCr;
        else if (byte === LF) this.#endWithLf();
        else return this.#refuse('reason-phrase');
        return true;
      default:
        if (byte !== LF) return this.#refuse('line-ending');
        this.#parserState = inVersion; // Complete: `scan` sees that the version lies behind.
        return true;
    }
  }

  #endWithLf(): void {
    this.endsWithLf = true;
    this.#parserState = inVersion;
  }

  #takeVersion(bytes: Uint8Array, byte: number): boolean {
    const { at } = this;
    if (at < versionStart.length) return byte === versionStart[at] || this.#fail({ kind: 'not-http' });
    if (at < versionEnd - 1) return true; // Looked at as a whole, at its last byte.
    this.#parserState = inStatus;
    this.isHttp10 = byte === 0x30;
    const major = bytes[5];
    const whole = isDigit(major) && bytes[6] === 0x2e && isDigit(byte);
    if (whole && major === 0x31) return true;
    if (whole) return this.#fail({ kind: 'version', version: excerpt(bytes, 0, versionEnd) });
    const bare = isDigit(major) && major !== 0x31 && bytes[6] === SP;
    return bare ? this.#fail({ kind: 'version', version: excerpt(bytes, 0, 6) }) : this.#refuse('status-line');
  }

  /** RFC 9110 §15: three digits. A client takes one beyond 599 for a 5xx, and some programs have a meaning of their own for it: it goes on. */
  #takeStatus(byte: number): boolean {
    if (this.at < statusStart) return byte === SP || this.#refuse('status-line');
    if (!isDigit(byte)) return this.#refuse(byte === LF ? 'line-ending' : 'status-code');
    this.status = this.status * 10 + byte - 0x30;
    if (this.at < statusEnd - 1) return true;
    this.#parserState = afterStatus;
    return this.status >= 100 || this.#refuse('status-code');
  }

  #scanReason(bytes: Uint8Array, end: number): void {
    let { at } = this;
    while (at < end && headerValueBytes[bytes[at] as number] !== 0) at++;
    this.at = at;
  }

  #refuse(rule: ResponseRule): false {
    return this.#fail({ kind: 'rule', rule });
  }

  #fail(fault: StatusLineFault): false {
    this.fault = fault;
    return false;
  }
}
