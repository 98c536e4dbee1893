import { classes, digits, hexDigits, numerals, octetClass, textOctets, tokens } from './octet-classes.ts';

/**
 * The part of an access line behind its size, with what varies from line to line taken out. Two lines with the same
 * template and the same status differ in addresses, times, sizes, identifiers, referrer and user agent, and in nothing
 * that a verdict rests on. Every octet below 0x80 stands for itself.
 */
export type LineTemplate = Uint8Array;

const slots = {
  /**
   * Digits, `.` and `:`. Three digits alone could be a status, and are nothing else in the line that a template is made of;
   * once a place has held another number, it is no status's, and three digits are a number there as well.
   */
  number: 0x80,
  /** Three digits that begin with 2 or 3. */
  wellStatus: 0x81,
  /** The same three digits as the line's status. */
  sameStatus: 0x82,
  /** At least 16 hexadecimal digits: an identifier. */
  identifier: 0x83,
  /** The inside of a quoted text that begins with no numeral, or is `-`, or empty: a referrer, a user agent. */
  text: 0x84,
  /** A word that stands for itself. */
  itself: 0,
} as const;

const dash = 0x2d;
const quote = 0x22;
const backslash = 0x5c;
const lf = 10;
const identifierLengthMin = 16;

/** Templates longer than this are not worth having. */
const templateLengthMax = 1024;

/** The template of the octets from `at` to `end`; null where it has something that is for the slow path. */
export function templateOf(octets: Uint8Array, at: number, end: number, statusAt: number): LineTemplate | null {
  const template: number[] = [];
  let texts = 0;
  for (let i = at; i < end; ) {
    const octet = octets[i] as number;
    if (classes[octet] === octetClass.special || template.length >= templateLengthMax) return null;
    const length = tokenLength(octets, i, end);
    if (length > 0) {
      const slot = slotOf(octets, i, length, statusAt);
      if (slot === null) return null;
      if (slot === slots.itself) template.push(...octets.subarray(i, i + length));
      else template.push(slot);
      i += length;
      continue;
    }
    template.push(octet);
    i += 1;
    if (octet !== quote || texts >= 2) continue;
    const textEnd = endOfText(octets, i);
    if (textEnd < 0) texts = 2;
    else {
      template.push(slots.text, quote);
      texts += 1;
      i = textEnd + 1;
    }
  }
  return Uint8Array.from(template);
}

function tokenLength(octets: Uint8Array, at: number, end: number): number {
  let i = at;
  while (i < end && tokens[octets[i] as number] === 1) i += 1;
  return i - at;
}

/** Null for what could be a status of something that went wrong. */
function slotOf(octets: Uint8Array, at: number, length: number, statusAt: number): number | null {
  const token = octets.subarray(at, at + length);
  if (token.every((octet) => numerals[octet] === 1)) {
    if (length !== 3 || !token.every((octet) => digits[octet] === 1)) return slots.number;
    if (isSameStatus(octets, at, statusAt)) return slots.sameStatus;
    return token[0] === 0x32 || token[0] === 0x33 ? slots.wellStatus : null;
  }
  return length >= identifierLengthMin && token.every((octet) => hexDigits[octet] === 1)
    ? slots.identifier
    : slots.itself;
}

/**
 * Where the octets from `at` to the line's end match the template: the place of the line feed; -1 where they do not.
 * The octets have a line feed somewhere behind `at`.
 */
export function matchTemplate(template: LineTemplate, octets: Uint8Array, at: number, statusAt: number): number {
  let i = at;
  for (let place = 0; place < template.length; place++) {
    const wanted = template[place] as number;
    if (wanted < 0x80) {
      if (octets[i] !== wanted) return -1;
      i += 1;
      continue;
    }
    i = wanted === slots.text ? endOfText(octets, i) : endOfSlot(wanted, octets, i, statusAt);
    if (i < 0) return -1;
  }
  return octets[i] === lf ? i : -1;
}

function endOfSlot(slot: number, octets: Uint8Array, at: number, statusAt: number): number {
  let i = at;
  if (slot === slots.number) {
    while (numerals[octets[i] as number] === 1) i += 1;
    return i === at ? -1 : i;
  }
  if (slot === slots.identifier) {
    while (hexDigits[octets[i] as number] === 1) i += 1;
    return i - at >= identifierLengthMin ? i : -1;
  }
  if (slot === slots.sameStatus) return isSameStatus(octets, at, statusAt) ? at + 3 : -1;
  return (octets[at] === 0x32 || octets[at] === 0x33) && isThreeDigits(octets, at) ? at + 3 : -1;
}

/** The place of the quote that ends the text; -1 where the text is not one that a template leaves open. */
function endOfText(octets: Uint8Array, at: number): number {
  let i = at;
  if (octets[i] === dash) return octets[i + 1] === quote ? i + 1 : -1;
  if (numerals[octets[i] as number] === 1) return -1;
  for (;;) {
    while (textOctets[octets[i] as number] === 1) i += 1;
    // nginx writes \x22 for a quote: there is none in it that could be taken for the end.
    if (octets[i] !== backslash || octets[i + 1] !== 0x78) break;
    i += 2;
  }
  return octets[i] === quote ? i : -1;
}

function isThreeDigits(octets: Uint8Array, at: number): boolean {
  return (
    digits[octets[at] as number] === 1 &&
    digits[octets[at + 1] as number] === 1 &&
    digits[octets[at + 2] as number] === 1
  );
}

function isSameStatus(octets: Uint8Array, at: number, statusAt: number): boolean {
  return (
    octets[at] === octets[statusAt] &&
    octets[at + 1] === octets[statusAt + 1] &&
    octets[at + 2] === octets[statusAt + 2]
  );
}
