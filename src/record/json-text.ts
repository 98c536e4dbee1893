/**
 * Parts of JSON in plain ASCII, cheap enough to create for every exchange. ASCII, so that a line can be
 * written byte by byte and no log shipper can break it.
 */

/** Anything but printable ASCII without quote and backslash. */
const unsafe = /[^ !#-[\]-~]/;
const notAscii = /[\u007f-\uffff]/g;

/** Whether `text` needs no escaping in a JSON string. */
export function isPlain(text: string): boolean {
  return !unsafe.test(text);
}

/** A JSON string. Half a surrogate pair becomes U+FFFD: JSON parsers disagree about it otherwise. */
export function quoted(text: string): string {
  return unsafe.test(text) ? escaped(text) : `"${text}"`;
}

/** The first `charactersMax` characters and "…", or the text itself when it is no longer than that. */
export function bounded(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text;
  // A pair of surrogates is one character: it is left out rather than halved.
  const last = text.charCodeAt(charactersMax - 1);
  const kept = last >= 0xd800 && last <= 0xdbff ? charactersMax - 1 : charactersMax;
  return `${text.slice(0, kept)}…`;
}

/**
 * Any value that structured clone allows, as ASCII JSON; values that JSON does not have become null.
 *
 * Measured: with the replacer, which very few values need, the record of a failure took twice as long.
 */
export function jsonOf(value: unknown): string {
  const json = plainJson(value);
  // `JSON.stringify` writes half a surrogate pair in this form. A text that contains it only costs time.
  return toAscii(json === null || json.includes('\\ud') ? (JSON.stringify(value, wellFormed) ?? 'null') : json);
}

/** Null if the value needs the replacer. */
function plainJson(value: unknown): string | null {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch {
    return null; // A bigint.
  }
}

function wellFormed(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'string' ? value.toWellFormed() : value;
}

function escaped(text: string): string {
  return toAscii(JSON.stringify(text.toWellFormed()));
}

function toAscii(json: string): string {
  return json.replace(notAscii, escapeUnit);
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** Beyond this (24 days) decimals say nothing, and thousandths would leave the range of small integers. */
export const decimalsMsMax = 2_147_483;

/** Milliseconds with at most three decimals; negative numbers and NaN become 0. */
export function exactMs(ms: number): number {
  if (!(ms > 0)) return 0;
  return ms >= decimalsMsMax ? wholeMs(ms) : Math.round(ms * 1000) / 1000;
}

/** Milliseconds with three significant digits, but at most three decimals and at least whole milliseconds: 0.314, 31.4, 51234. */
export function roundedMs(ms: number): number {
  if (!(ms > 0)) return 0;
  const scale = scaleOf(ms);
  return ms >= decimalsMsMax ? wholeMs(ms) : Math.round(ms * scale) / scale;
}

/** 1000, 100, 10 or 1: as many decimals as `roundedMs` keeps. */
export function scaleOf(ms: number): number {
  return ms >= 100 ? 1 : ms >= 10 ? 10 : ms >= 1 ? 100 : 1000;
}

function wholeMs(ms: number): number {
  return Math.min(Math.round(ms), Number.MAX_SAFE_INTEGER);
}

/** A whole number from 0; other values become 0. */
export function wholeNumber(value: number): number {
  if (!(value > 0)) return 0;
  return value <= Number.MAX_SAFE_INTEGER ? Math.floor(value) : Number.MAX_SAFE_INTEGER;
}

/** The last instant that RFC 3339 can express: 9999-12-31T23:59:59.999Z. */
const lastWallTime = 253_402_300_799_999;

/** RFC 3339 with milliseconds, UTC. Keeps the last second, which most lines share. */
export class Timestamps {
  #second = -1;
  #prefix = '';
  readonly #bytes = Buffer.from('1970-01-01T00:00:00.000Z', 'latin1');

  text(wallTime: number): string {
    const milliseconds = this.#begin(wallTime);
    return `${this.#prefix}${String(milliseconds).padStart(3, '0')}Z`;
  }

  /** The same as 24 bytes, valid until the next call. */
  bytes(wallTime: number): Uint8Array {
    const milliseconds = this.#begin(wallTime);
    const bytes = this.#bytes;
    const hundreds = Math.floor(milliseconds / 100);
    const tens = Math.floor(milliseconds / 10);
    bytes[20] = 0x30 + hundreds;
    bytes[21] = 0x30 + tens - hundreds * 10;
    bytes[22] = 0x30 + milliseconds - tens * 10;
    return bytes;
  }

  /** Returns the milliseconds within the second, and prepares the text of the second. */
  #begin(wallTime: number): number {
    const known = wallTime >= 0 && wallTime <= lastWallTime ? Math.floor(wallTime) : 0;
    const second = Math.floor(known / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#prefix = new Date(second * 1000).toISOString().slice(0, 20);
      this.#bytes.write(this.#prefix, 0, 'latin1');
    }
    return known - second * 1000;
  }
}
