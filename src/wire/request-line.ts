import type { RequestRule } from '../core/rules.ts';
import { CR, excerpt, isDigit, LF, pathOctets, queryOctets, SP, tokenOctets } from './characters.ts';
import type { HeadLimits } from './limits.ts';

const inMethod = 0;
const inPath = 1;
const inQuery = 2;
const inVersion = 3;

const questionMark = 0x3f;
const tlsHandshake = 0x16;

/** "HTTP/1.1" CR LF and "HTTP/1.0" CR LF have ten octets. */
const versionOctets = 10;
const versionStart = [0x48, 0x54, 0x54, 0x50, 0x2f] as const;

/**
 * Reads a request line, octet by octet and each once: method SP request-target SP HTTP-version CR LF
 * (RFC 9112 §3). One space each, and CR LF at the end: §3 lets a recipient be lenient about both, and two recipients
 * who are lenient in different ways can be played against each other.
 */
export class RequestLineParser {
  /** The next octet to look at; once the line is complete, the first behind it. */
  at = 0;
  rule: RequestRule | null = null;
  /** −1 until the method's end is known; likewise the target's. */
  methodEnd = -1;
  targetEnd = -1;
  #place = inMethod;

  begin(): void {
    this.at = 0;
    this.rule = null;
    this.methodEnd = -1;
    this.targetEnd = -1;
    this.#place = inMethod;
  }

  get targetStart(): number {
    return this.methodEnd + 1;
  }

  /** Reads on to octet `end`. True when there is nothing more to read: complete, or `rule` says what is broken. */
  scan(octets: Uint8Array, end: number, limits: HeadLimits): boolean {
    if (this.#place === inMethod && !this.#scanMethod(octets, end, limits.methodOctetsMax)) return this.rule !== null;
    if (this.#place !== inVersion && !this.#scanTarget(octets, end, limits.targetOctetsMax)) return this.rule !== null;
    return this.#scanVersion(octets, end);
  }

  #scanMethod(octets: Uint8Array, end: number, octetsMax: number): boolean {
    const stop = Math.min(end, octetsMax + 1);
    let at = this.at;
    while (at < stop && tokenOctets[octets[at] as number] !== 0) at++;
    this.at = at;
    if (at > octetsMax) return this.#refuse('method-too-long');
    if (at === end) return false;
    if (octets[at] !== SP) return this.#refuse(methodRule(octets, at));
    if (at === 0) return this.#refuse('request-line');
    this.methodEnd = at;
    this.at = at + 1;
    this.#place = inPath;
    return true;
  }

  #scanTarget(octets: Uint8Array, end: number, octetsMax: number): boolean {
    const stop = Math.min(end, this.targetStart + octetsMax + 1);
    let at = this.at;
    if (this.#place === inPath) {
      while (at < stop && pathOctets[octets[at] as number] !== 0) at++;
      if (at < stop && octets[at] === questionMark) this.#place = inQuery;
    }
    if (this.#place === inQuery) while (at < stop && queryOctets[octets[at] as number] !== 0) at++;
    this.at = at;
    if (at > this.targetStart + octetsMax) return this.#refuse('target-too-long');
    if (at === end) return false;
    if (octets[at] !== SP) {
      // A line that ends here has no version: that was HTTP/0.9.
      return this.#refuse(octets[at] === CR || octets[at] === LF ? 'request-line' : 'target-octets');
    }
    if (at === this.targetStart) return this.#refuse('request-line');
    this.targetEnd = at;
    this.at = at + 1;
    this.#place = inVersion;
    return true;
  }

  #scanVersion(octets: Uint8Array, end: number): boolean {
    const start = this.targetEnd + 1;
    const stop = Math.min(end, start + versionOctets);
    while (this.at < stop) {
      const rule = versionRule(octets[this.at] as number, this.at - start);
      if (rule !== null) return !this.#refuse(rule);
      this.at++;
    }
    return this.at === start + versionOctets;
  }

  /** The part that was being read, or a place in it; of a target never the query, whose values may be secrets. */
  evidence(octets: Uint8Array): string {
    if (this.methodEnd < 0) return `method ${excerpt(octets, 0, this.at + 1)}`;
    if (this.targetEnd < 0) {
      const octet = (octets[this.at] as number).toString(16).padStart(2, '0');
      return `target octet ${this.at - this.targetStart + 1}: \\x${octet}`;
    }
    const line = excerpt(octets, 0, this.methodEnd);
    if (this.rule === null) return `${line} … ${excerpt(octets, this.targetEnd + 1, this.targetEnd + 9)}`;
    return `version ${excerpt(octets, this.targetEnd + 1, this.at + 1)}`;
  }

  #refuse(rule: RequestRule): false {
    this.rule = rule;
    return false;
  }
}

function methodRule(octets: Uint8Array, at: number): RequestRule {
  if (at === 0 && octets[0] === tlsHandshake) return 'tls-on-plain-port';
  return octets[at] === CR || octets[at] === LF ? 'request-line' : 'method-token';
}

/** Which rule is broken by `octet` as number `place` of the version and its line ending; null: none. */
function versionRule(octet: number, place: number): RequestRule | null {
  if (place < 5) return octet === versionStart[place] ? null : place === 0 ? 'request-line' : 'version-syntax';
  if (place === 5 || place === 7) return isDigit(octet) ? null : 'version-syntax';
  if (place === 6) return octet === 0x2e ? null : 'version-syntax';
  if (place === 9) return octet === LF ? null : 'line-ending';
  if (octet === CR) return null;
  if (octet === LF) return 'line-ending';
  return isDigit(octet) ? 'version-syntax' : 'request-line';
}
