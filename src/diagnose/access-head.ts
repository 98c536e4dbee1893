import { addressOctets, classes, digits, octetClass, userOctets } from './octet-classes.ts';

const space = 0x20;
const slash = 0x2f;
const colon = 0x3a;

const isMethodOctet = Uint8Array.from({ length: 256 }, (_, octet) => (octet >= 0x41 && octet <= 0x5a ? 1 : 0));

/** "21/Nov/2026:10:00:00 +0000" */
const timeLength = 26;
const clockAt = 12;
const dateLength = 11;
const zoneAt = 20;

/**
 * The part of an access line that nginx, Apache and many others have in common, read off octets:
 * `203.0.113.9 - - [21/Nov/2026:10:00:00 +0000] "GET / HTTP/1.1" 200 612`. Only the plainest lines; the octets have a
 * line feed somewhere behind the beginning.
 */
export class AccessHead {
  /** Places in the octets of the line that was read last. */
  timeAt = 0;
  statusAt = 0;
  /** Behind the size. */
  end = 0;
  status = 0;

  /** False where the line is not of this form: it may be anything. */
  read(octets: Uint8Array, start: number): boolean {
    let i = start;
    while (addressOctets[octets[i] as number] === 1) i += 1;
    if (i === start || octets[i] !== space || octets[i + 1] !== 0x2d || octets[i + 2] !== space) return false;
    i += 3;
    while (userOctets[octets[i] as number] === 1) i += 1;
    if (octets[i] !== space || octets[i + 1] !== 0x5b) return false;
    this.timeAt = i + 2;
    i = this.timeAt + timeLength;
    if (octets[i] !== 0x5d || octets[i + 1] !== space || octets[i + 2] !== 0x22) return false;
    i = endOfRequest(octets, i + 3);
    if (i < 0 || octets[i + 1] !== space) return false;
    return this.#readNumbers(octets, i + 2);
  }

  #readNumbers(octets: Uint8Array, at: number): boolean {
    const status = digitsValue(octets, at, 3);
    if (status < 200 || octets[at + 3] !== space) return false;
    let i = at + 4;
    while (digits[octets[i] as number] === 1) i += 1;
    if (i === at + 4) return false;
    this.statusAt = at;
    this.status = status;
    this.end = i;
    return true;
  }
}

/** What a day's midnight is, in milliseconds since the epoch, as the slow path has said it of a line of that day. */
export class LearntDay {
  readonly #date = new Uint8Array(dateLength);
  readonly #zone = new Uint8Array(timeLength - zoneAt);
  #midnightMs = Number.NaN;

  learn(octets: Uint8Array, timeAt: number, atMs: number): void {
    const ofDay = msOfDay(octets, timeAt);
    if (ofDay < 0) return;
    this.#date.set(octets.subarray(timeAt, timeAt + dateLength));
    this.#zone.set(octets.subarray(timeAt + zoneAt, timeAt + timeLength));
    this.#midnightMs = atMs - ofDay;
  }

  /** NaN for a time of another day or zone, and for what is no time. */
  atMs(octets: Uint8Array, timeAt: number): number {
    for (let i = 0; i < dateLength; i++) if (octets[timeAt + i] !== this.#date[i]) return Number.NaN;
    for (let i = 0; i < this.#zone.length; i++) if (octets[timeAt + zoneAt + i] !== this.#zone[i]) return Number.NaN;
    const ofDay = msOfDay(octets, timeAt);
    return ofDay < 0 ? Number.NaN : this.#midnightMs + ofDay;
  }
}

/** -1 where the clock shows no time of a day. */
function msOfDay(octets: Uint8Array, timeAt: number): number {
  const hours = digitsValue(octets, timeAt + clockAt, 2);
  const minutes = digitsValue(octets, timeAt + clockAt + 3, 2);
  const seconds = digitsValue(octets, timeAt + clockAt + 6, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || seconds < 0 || seconds > 59) return -1;
  const at = timeAt + clockAt;
  if (octets[at - 1] !== colon || octets[at + 2] !== colon || octets[at + 5] !== colon) return -1;
  return ((hours * 60 + minutes) * 60 + seconds) * 1000;
}

/** -1 where there are other octets than digits. */
function digitsValue(octets: Uint8Array, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const octet = octets[i] as number;
    if (digits[octet] !== 1) return -1;
    value = value * 10 + octet - 0x30;
  }
  return value;
}

/** `GET /path HTTP/1.1"`: the place of the quote; -1 where it is no such request. */
function endOfRequest(octets: Uint8Array, at: number): number {
  let i = at;
  while (isMethodOctet[octets[i] as number] === 1) i += 1;
  if (i === at || octets[i] !== space || octets[i + 1] !== slash) return -1;
  i = endOfWord(octets, i + 1);
  const isVersion =
    octets[i] === space &&
    octets[i + 1] === 0x48 &&
    octets[i + 2] === 0x54 &&
    octets[i + 3] === 0x54 &&
    octets[i + 4] === 0x50 &&
    octets[i + 5] === slash &&
    digits[octets[i + 6] as number] === 1 &&
    octets[i + 7] === 0x2e &&
    digits[octets[i + 8] as number] === 1;
  return isVersion && octets[i + 9] === 0x22 ? i + 9 : -1;
}

function endOfWord(octets: Uint8Array, at: number): number {
  let i = at;
  while (classes[octets[i] as number] === octetClass.ordinary) i += 1;
  return i;
}
