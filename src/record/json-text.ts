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

/** A JSON string of at most `charactersMax` characters of `text`; "…" marks omitted characters. */
export function quotedBounded(text: string, charactersMax: number): string {
  return quoted(bounded(text, charactersMax));
}

export function quotedOrNull(text: string | null): string {
  return text === null ? 'null' : quoted(text);
}

/** The first `charactersMax` characters and "…", or the text itself when it is no longer than that. */
export function bounded(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text;
  // A pair of surrogates is one character: it is left out rather than halved.
  const last = text.charCodeAt(charactersMax - 1);
  const kept = last >= 0xd800 && last <= 0xdbff ? charactersMax - 1 : charactersMax;
  return `${text.slice(0, kept)}…`;
}

/** Any value that structured clone allows, as ASCII JSON; values that JSON does not have become null. */
export function jsonOf(value: unknown): string {
  return toAscii(JSON.stringify(value, wellFormed) ?? 'null');
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

/** ".001" to ".999", without zeros at the end; "" for none. */
const thousandths = Array.from({ length: 1000 }, (_, n) =>
  n === 0 ? '' : `.${String(n).padStart(3, '0').replace(/0+$/, '')}`,
);

/**
 * Milliseconds with at most three decimals; negative numbers and NaN become 0.
 * A table instead of the platform's shortest decimal of a double, which takes ten times as long.
 */
export function milliseconds(ms: number): string {
  if (!(ms > 0)) return '0';
  // Beyond this (24 days) decimals say nothing, and thousandths would leave the range of small integers.
  if (ms >= 2_147_483) return String(Math.min(Math.round(ms), Number.MAX_SAFE_INTEGER));
  const whole = Math.floor(ms);
  const part = Math.round((ms - whole) * 1000);
  return part === 1000 ? `${whole + 1}` : whole + (thousandths[part] as string);
}

/** Milliseconds, or null for −1: the stage was not reached. */
export function millisecondsOrNull(ms: number): string {
  return ms >= 0 ? milliseconds(ms) : 'null';
}

/** Milliseconds that may lie on either side of zero. */
export function signedMilliseconds(ms: number): string {
  const text = milliseconds(Math.abs(ms));
  return ms < 0 && text !== '0' ? `-${text}` : text;
}

/** A whole number from 0; other values become 0. */
export function count(value: number): string {
  if (!(value > 0)) return '0';
  return String(value <= Number.MAX_SAFE_INTEGER ? Math.floor(value) : Number.MAX_SAFE_INTEGER);
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
