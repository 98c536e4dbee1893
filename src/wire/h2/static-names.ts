import { assert } from '../../core/assert.ts';
import { perfectFactor } from '../known-names.ts';
import { staticEntries } from './hpack-table.ts';

/**
 * From a lowercase header name to its first index in HPACK's static table (RFC 7541 appendix A), from bytes or from text: about
 * 10 ns. A perfect hash over length and three characters, found when the module loads; see `known-names.ts`.
 */
const hashBits = 9;
const indexByName = new Map<string, number>();
staticEntries.forEach(([name], index) => {
  if (!indexByName.has(name)) indexByName.set(name, index + 1);
});
const nameBytes: readonly Uint8Array[] = [
  new Uint8Array(0),
  ...staticEntries.map(([name]) => Uint8Array.from(name, (c) => c.charCodeAt(0))),
];
/** That of the names which there are: `perfect-factor.test.ts` says so when they change. */
export const firstFactor = 0xd31e900f | 0;
export const factor = perfectFactor(
  firstFactor,
  [...indexByName.values()].map((index) => nameBytes[index] as Uint8Array),
  1 << hashBits,
  hash,
);
const byHash = fillTable();

/** The index of the name in bytes [start, end), which are lowercase; 0 when the static table does not have it. */
export function staticNameIndex(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const index = byHash[hash(bytes, start, length, factor)] as number;
  const name = nameBytes[index] as Uint8Array;
  if (name.length !== length) return 0;
  for (let at = 0; at < length; at++) if (bytes[start + at] !== name[at]) return 0;
  return index;
}

/** The first index of a name; the static table has it. */
export function staticIndexOf(name: string): number {
  const index = indexByName.get(name);
  assert(index !== undefined, 'the static table has the name');
  return index;
}

function hash(bytes: Uint8Array, start: number, length: number, by: number): number {
  const first = bytes[start] as number;
  const middle = bytes[start + (length >> 1)] as number;
  const late = bytes[start + (length > 3 ? length - 3 : 0)] as number;
  return Math.imul((first << 21) ^ (middle << 14) ^ (late << 7) ^ length, by) >>> (32 - hashBits);
}

function fillTable(): Uint8Array {
  const table = new Uint8Array(1 << hashBits);
  for (const index of indexByName.values()) {
    const name = nameBytes[index] as Uint8Array;
    table[hash(name, 0, name.length, factor)] = index;
  }
  return table;
}
