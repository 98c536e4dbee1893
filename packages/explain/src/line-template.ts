import { classes, digits, hexDigits, numerals, byteClass, textBytes, tokens } from './byte-classes.ts';

/**
 * The part of an access line after its size, with the parts that vary from line to line replaced by wildcards. Two lines
 * with the same template and status differ only in addresses, times, sizes, identifiers, referrer and user agent, none
 * of which affects the verdict. Every byte below 0x80 stands for itself.
 */
export type LineTemplate = Uint8Array;

const wildcards = {
  /**
   * Digits, `.` and `:`. In the line that a template is made from, three digits alone may be a status and are no number.
   * A position that held any other number is no status field, so three digits match there.
   */
  number: 0x80,
  /** Three digits that begin with 2 or 3. */
  wellStatus: 0x81,
  /** The same three digits as the line's status. */
  sameStatus: 0x82,
  /** At least 16 hexadecimal digits: an identifier. */
  identifier: 0x83,
  /** Quoted text that begins with no numeral, or is `-` or empty: a referrer, a user agent. */
  text: 0x84,
  /** A word that stands for itself. */
  itself: 0,
} as const;

const dash = 0x2d;
const quote = 0x22;
const backslash = 0x5c;
const lf = 10;
const identifierLengthMin = 16;

/** Longer lines get no template. */
const templateLengthMax = 1024;

/** The template of the bytes from `at` to `end`; null if the slow path has to read such lines. */
export function templateOf(bytes: Uint8Array, at: number, end: number, statusAt: number): LineTemplate | null {
  const template: number[] = [];
  let texts = 0;
  for (let i = at; i < end; ) {
    const byte = bytes[i] as number;
    if (classes[byte] === byteClass.special || template.length >= templateLengthMax) return null;
    const length = tokenLength(bytes, i, end);
    if (length > 0) {
      const wildcard = wildcardOf(bytes, i, length, statusAt);
      if (wildcard === null) return null;
      if (wildcard === wildcards.itself) template.push(...bytes.subarray(i, i + length));
      else template.push(wildcard);
      i += length;
      continue;
    }
    template.push(byte);
    i += 1;
    if (byte !== quote || texts >= 2) continue;
    const textEnd = endOfText(bytes, i);
    if (textEnd < 0) texts = 2;
    else {
      template.push(wildcards.text, quote);
      texts += 1;
      i = textEnd + 1;
    }
  }
  return Uint8Array.from(template);
}

function tokenLength(bytes: Uint8Array, at: number, end: number): number {
  let i = at;
  while (i < end && tokens[bytes[i] as number] === 1) i += 1;
  return i - at;
}

/** Null if the digits may be the status of a failure. */
function wildcardOf(bytes: Uint8Array, at: number, length: number, statusAt: number): number | null {
  const token = bytes.subarray(at, at + length);
  if (token.every((byte) => numerals[byte] === 1)) {
    if (length !== 3 || !token.every((byte) => digits[byte] === 1)) return wildcards.number;
    if (isSameStatus(bytes, at, statusAt)) return wildcards.sameStatus;
    return token[0] === 0x32 || token[0] === 0x33 ? wildcards.wellStatus : null;
  }
  return length >= identifierLengthMin && token.every((byte) => hexDigits[byte] === 1)
    ? wildcards.identifier
    : wildcards.itself;
}

/**
 * The position of the line feed if the bytes from `at` to the end of the line match the template; otherwise -1. The
 * bytes must have a line feed somewhere after `at`.
 */
export function matchTemplate(template: LineTemplate, bytes: Uint8Array, at: number, statusAt: number): number {
  let i = at;
  for (let index = 0; index < template.length; index++) {
    const wanted = template[index] as number;
    if (wanted < 0x80) {
      if (bytes[i] !== wanted) return -1;
      i += 1;
      continue;
    }
    i = wanted === wildcards.text ? endOfText(bytes, i) : endOfWildcard(wanted, bytes, i, statusAt);
    if (i < 0) return -1;
  }
  return bytes[i] === lf ? i : -1;
}

function endOfWildcard(wildcard: number, bytes: Uint8Array, at: number, statusAt: number): number {
  let i = at;
  if (wildcard === wildcards.number) {
    while (numerals[bytes[i] as number] === 1) i += 1;
    return i === at ? -1 : i;
  }
  if (wildcard === wildcards.identifier) {
    while (hexDigits[bytes[i] as number] === 1) i += 1;
    return i - at >= identifierLengthMin ? i : -1;
  }
  if (wildcard === wildcards.sameStatus) return isSameStatus(bytes, at, statusAt) ? at + 3 : -1;
  return (bytes[at] === 0x32 || bytes[at] === 0x33) && isThreeDigits(bytes, at) ? at + 3 : -1;
}

/** The position of the quote that ends the text; -1 if the text does not match the wildcard. */
function endOfText(bytes: Uint8Array, at: number): number {
  let i = at;
  if (bytes[i] === dash) return bytes[i + 1] === quote ? i + 1 : -1;
  if (numerals[bytes[i] as number] === 1) return -1;
  for (;;) {
    while (textBytes[bytes[i] as number] === 1) i += 1;
    // nginx writes \x22 for a quote, so no quote inside the text can be mistaken for its end.
    if (bytes[i] !== backslash || bytes[i + 1] !== 0x78) break;
    i += 2;
  }
  return bytes[i] === quote ? i : -1;
}

function isThreeDigits(bytes: Uint8Array, at: number): boolean {
  return (
    digits[bytes[at] as number] === 1 && digits[bytes[at + 1] as number] === 1 && digits[bytes[at + 2] as number] === 1
  );
}

function isSameStatus(bytes: Uint8Array, at: number, statusAt: number): boolean {
  return (
    bytes[at] === bytes[statusAt] && bytes[at + 1] === bytes[statusAt + 1] && bytes[at + 2] === bytes[statusAt + 2]
  );
}
