import { assert } from '../core/assert.ts';
import { fieldId, knownFieldNames } from '../core/field-names.ts';

/**
 * From the octets of a field name to its number (`core/field-names.ts`), without building a string: about 10 ns.
 *
 * A perfect hash over length and three octets, found when the module loads: there are few names and many factors, so
 * the search takes microseconds, and a name added in `core/` needs no change here. What the hash finds is compared
 * octet by octet, since any name may fall on its place.
 */
const slots = 256;
const underscore = 0x5f;
const factor = findFactor();
const byHash = fillTable();
const octetsOf: readonly Uint8Array[] = knownFieldNames.map((name) => Uint8Array.from(name, (c) => c.charCodeAt(0)));

/** The number of the name in octets [start, end), in either case; 0 when it is not a known one. */
export function knownNameId(octets: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const id = byHash[hash(octets, start, length, factor)] as number;
  const name = octetsOf[id] as Uint8Array;
  if (name.length !== length) return 0;
  // Names hold letters and "-" only, and the octets are of a token: setting bit 5 folds the case and nothing else.
  for (let index = 0; index < length; index++) {
    if (((octets[start + index] as number) | 0x20) !== name[index]) return 0;
  }
  return id;
}

/**
 * Whether the name is a known one as soon as "_" is read for "-": `X_Forwarded_For`, `Transfer_Encoding`. What speaks
 * CGI, WSGI or Rack makes one variable of both spellings, so whoever writes the other one speaks in our name.
 */
export function isDisguised(octets: Buffer, start: number, end: number): boolean {
  let at = start;
  while (at < end && octets[at] !== underscore) at++;
  if (at === end) return false;
  return fieldId(octets.toString('latin1', start, end).toLowerCase().replaceAll('_', '-')) !== 0;
}

function hash(octets: Uint8Array, start: number, length: number, by: number): number {
  const first = (octets[start] as number) | 0x20;
  const middle = (octets[start + (length >> 1)] as number) | 0x20;
  const late = (octets[start + (length > 4 ? length - 4 : 0)] as number) | 0x20;
  return (Math.imul((first << 21) ^ (middle << 14) ^ (late << 7) ^ length, by) >>> 24) & (slots - 1);
}

function findFactor(): number {
  for (let candidate = 0x9e3779b1, tries = 0; tries < 100_000; tries++, candidate = (candidate + 0x3c6ef372) | 1) {
    const seen = new Set<number>();
    for (const name of knownFieldNames) if (name !== '') seen.add(hash(Buffer.from(name), 0, name.length, candidate));
    if (seen.size === knownFieldNames.length - 1) return candidate;
  }
  assert(false, 'no perfect hash over the known field names');
}

function fillTable(): Uint8Array {
  assert(knownFieldNames.length <= 64, 'known field names fit into two 32-bit masks');
  const table = new Uint8Array(slots);
  knownFieldNames.forEach((name, id) => {
    if (id !== 0) table[hash(Buffer.from(name), 0, name.length, factor)] = id;
  });
  return table;
}
