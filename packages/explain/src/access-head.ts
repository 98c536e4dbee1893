import { addressBytes, classes, digits, byteClass, userBytes } from './byte-classes.ts';

const space = 0x20;
const slash = 0x2f;
const colon = 0x3a;

const isMethodByte = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x41 && byte <= 0x5a ? 1 : 0));

/** "21/Nov/2026:10:00:00 +0000" */
const timeLength = 26;
const clockAt = 12;
const dateLength = 11;
const zoneAt = 20;

/**
 * Reads from the bytes the part of an access line that nginx, Apache and many others have in common: `203.0.113.9 - -
 * [21/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 612`. Reads only the plainest lines. The bytes must have a line feed
 * somewhere after the beginning.
 */
export class AccessHead {
  /** Positions in the bytes of the last line that was read. The client's address is at its beginning. */
  clientEnd = 0;
  requestAt = 0;
  timeAt = 0;
  statusAt = 0;
  /** The position after the size. */
  end = 0;
  status = 0;

  /** False if the line is not of this form; it may have any other. */
  read(bytes: Uint8Array, start: number): boolean {
    let i = start;
    while (addressBytes[bytes[i] as number] === 1) i += 1;
    if (i === start || bytes[i] !== space || bytes[i + 1] !== 0x2d || bytes[i + 2] !== space) return false;
    this.clientEnd = i;
    i += 3;
    while (userBytes[bytes[i] as number] === 1) i += 1;
    if (bytes[i] !== space || bytes[i + 1] !== 0x5b) return false;
    this.timeAt = i + 2;
    i = this.timeAt + timeLength;
    if (bytes[i] !== 0x5d || bytes[i + 1] !== space || bytes[i + 2] !== 0x22) return false;
    this.requestAt = i + 3;
    i = endOfRequest(bytes, this.requestAt);
    if (i < 0 || bytes[i + 1] !== space) return false;
    return this.#readNumbers(bytes, i + 2);
  }

  #readNumbers(bytes: Uint8Array, at: number): boolean {
    const status = digitsValue(bytes, at, 3);
    if (status < 200 || bytes[at + 3] !== space) return false;
    let i = at + 4;
    while (digits[bytes[i] as number] === 1) i += 1;
    if (i === at + 4) return false;
    this.statusAt = at;
    this.status = status;
    this.end = i;
    return true;
  }
}

/** Midnight of one day, in milliseconds since the epoch, learnt from the slow path's verdict on a line of that day. */
export class LearntDay {
  readonly #date = new Uint8Array(dateLength);
  readonly #zone = new Uint8Array(timeLength - zoneAt);
  #midnightMs = Number.NaN;

  learn(bytes: Uint8Array, timeAt: number, atMs: number): void {
    const ofDay = msOfDay(bytes, timeAt);
    if (ofDay < 0) return;
    this.#date.set(bytes.subarray(timeAt, timeAt + dateLength));
    this.#zone.set(bytes.subarray(timeAt + zoneAt, timeAt + timeLength));
    this.#midnightMs = atMs - ofDay;
  }

  /** NaN for a time of another day or zone, and for bytes that are no time. */
  atMs(bytes: Uint8Array, timeAt: number): number {
    for (let i = 0; i < dateLength; i++) if (bytes[timeAt + i] !== this.#date[i]) return Number.NaN;
    for (let i = 0; i < this.#zone.length; i++) if (bytes[timeAt + zoneAt + i] !== this.#zone[i]) return Number.NaN;
    const ofDay = msOfDay(bytes, timeAt);
    return ofDay < 0 ? Number.NaN : this.#midnightMs + ofDay;
  }
}

/** -1 if the bytes are no time of day. */
function msOfDay(bytes: Uint8Array, timeAt: number): number {
  const hours = digitsValue(bytes, timeAt + clockAt, 2);
  const minutes = digitsValue(bytes, timeAt + clockAt + 3, 2);
  const seconds = digitsValue(bytes, timeAt + clockAt + 6, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59) return -1;
  const at = timeAt + clockAt;
  if (bytes[at - 1] !== colon || bytes[at + 2] !== colon || bytes[at + 5] !== colon) return -1;
  return ((hours * 60 + minutes) * 60 + seconds) * 1000;
}

/** -1 if one of the bytes is no digit. */
function digitsValue(bytes: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const byte = bytes[i] as number;
    if (digits[byte] !== 1) return -1;
    value = value * 10 + byte - 0x30;
  }
  return value;
}

/** `GET /path HTTP/1.1"`: the position of the quote; -1 if it is no such request. */
function endOfRequest(bytes: Uint8Array, at: number): number {
  let i = at;
  while (isMethodByte[bytes[i] as number] === 1) i += 1;
  if (i === at || bytes[i] !== space || bytes[i + 1] !== slash) return -1;
  i = endOfWord(bytes, i + 1);
  const isVersion =
    bytes[i] === space &&
    bytes[i + 1] === 0x48 &&
    bytes[i + 2] === 0x54 &&
    bytes[i + 3] === 0x54 &&
    bytes[i + 4] === 0x50 &&
    bytes[i + 5] === slash &&
    digits[bytes[i + 6] as number] === 1 &&
    bytes[i + 7] === 0x2e &&
    digits[bytes[i + 8] as number] === 1;
  return isVersion && bytes[i + 9] === 0x22 ? i + 9 : -1;
}

function endOfWord(bytes: Uint8Array, at: number): number {
  let i = at;
  while (classes[bytes[i] as number] === byteClass.ordinary) i += 1;
  return i;
}
