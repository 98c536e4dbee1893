import { hashOf } from './shared-texts.ts';

/** The value of a hexadecimal digit in lower case by its character code; others have 16. */
const digitValues = new Uint8Array(65_536).fill(16);
for (const [value, digit] of [...'0123456789abcdef'].entries()) digitValues[digit.charCodeAt(0)] = value;

const uuidCharacters = 36;
const hyphen = 45;

/** 16 bytes of a UUID in its usual spelling, else the text itself. By a loop: every stored record has two ids, and expressions took 1 µs more. */
export function packedUuid(id: string): Uint8Array | string {
  if (id.length !== uuidCharacters) return id;
  const bytes = new Uint8Array(16);
  let wrong = 0;
  let at = 0;
  for (let index = 0; index < 16; index += 1) {
    if (index === 4 || index === 6 || index === 8 || index === 10) {
      wrong |= id.charCodeAt(at) ^ hyphen;
      at += 1;
    }
    const high = digitValues[id.charCodeAt(at)] as number;
    const low = digitValues[id.charCodeAt(at + 1)] as number;
    wrong |= (high | low) & 16;
    bytes[index] = (high << 4) | low;
    at += 2;
  }
  return wrong === 0 ? bytes : id;
}

export function unpackedUuid(id: Uint8Array | string): string {
  if (typeof id === 'string') return id;
  const hex = Buffer.from(id).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** What rows of a span are looked up by. */
type KeyName = 'ids' | 'traces';

/** Ids that a search looks for, as the store has them. */
export interface IdRange {
  readonly of: KeyName;
  /** Both included. */
  readonly from: Uint8Array | string;
  readonly to: Uint8Array | string;
  /** What `keyOfId` gives for each of them, except for UUIDs of version 7 of which only the beginning is known. */
  readonly key: number;
  /** When the ids were made, if they say it: milliseconds since 1970, both included. */
  readonly times: readonly [number, number] | null;
}

/** The traces with this id: one. */
export function wholeTrace(id: string): IdRange {
  const packed = packedHex(id);
  return { of: 'traces', from: packed, to: packed, key: keyOfTrace(packed), times: null };
}

export function wholeId(id: string): IdRange {
  const packed = packedUuid(id);
  const at = typeof packed === 'string' || !isTimed(packed) ? null : millisecondsOf(packed);
  return { of: 'ids', from: packed, to: packed, key: keyOfId(packed), times: at === null ? null : [at, at] };
}

/** The UUIDs that begin with `beginning`, in any spelling; null if it is no beginning of a UUID. */
export function idsFrom(beginning: string): IdRange | null {
  const hex = beginning.toLowerCase().replaceAll('-', '');
  if (hex.length < 8 || hex.length > 32 || !/^[0-9a-f]+$/.test(hex)) return null;
  const [from, to] = [Buffer.from(hex.padEnd(32, '0'), 'hex'), Buffer.from(hex.padEnd(32, 'f'), 'hex')];
  if (hex.length === 32) return wholeId(unpackedUuid(from));
  return { of: 'ids', from, to, key: uint32At(from, 0), times: [millisecondsOf(from), millisecondsOf(to)] };
}

/** 32 bits of an id that differ between ids: the first ones of a UUID are the time in version 7 (RFC 9562 §5.7), the last ones are not. */
export function keyOfId(id: Uint8Array | string): number {
  if (typeof id === 'string') return hashOf(id);
  return uint32At(id, isTimed(id) ? 12 : 0);
}

/** The last 32 bits: those of a trace id are random (W3C Trace Context, "trace-id"). */
export function keyOfTrace(id: Uint8Array | string): number {
  return typeof id === 'string' ? hashOf(id) : uint32At(id, Math.max(0, id.length - 4));
}

function uint32At(bytes: Uint8Array, at: number): number {
  const [first = 0, second = 0, third = 0, fourth = 0] = [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]];
  return ((first << 24) | (second << 16) | (third << 8) | fourth) >>> 0;
}

/** Whether the UUID is of version 7, and begins with the time when it was made. */
function isTimed(uuid: Uint8Array): boolean {
  return (uuid[6] ?? 0) >> 4 === 7;
}

function millisecondsOf(uuid: Uint8Array): number {
  let at = 0;
  for (const byte of uuid.subarray(0, 6)) at = at * 256 + byte;
  return at;
}

/** The bytes of a text of hexadecimal digits in lower case, else the text itself. */
export function packedHex(text: string): Uint8Array | string {
  const bytes = new Uint8Array(text.length >>> 1);
  let wrong = text.length & 1;
  for (let index = 0; index < bytes.length; index += 1) {
    const high = digitValues[text.charCodeAt(2 * index)] as number;
    const low = digitValues[text.charCodeAt(2 * index + 1)] as number;
    wrong |= (high | low) & 16;
    bytes[index] = (high << 4) | low;
  }
  return wrong === 0 && text !== '' ? bytes : text;
}

export function unpackedHex(value: Uint8Array | string): string {
  return typeof value === 'string' ? value : Buffer.from(value).toString('hex');
}
