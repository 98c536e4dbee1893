/** A file that says of which country an address is, in the format of MaxMind, whose library is loaded where a configuration names one. */
import { createHash } from 'node:crypto';
import { readAddress } from './address-words.ts';

export interface CountryDatabase {
  /** The ISO code; null: the file does not have the address, or no country of it. */
  countryOf(address: string): string | null;
}

/** What is read of a record. Not every maker has the form of MaxMind. */
interface Found {
  readonly country?: { readonly iso_code?: unknown } | string;
  /** Where the network is used elsewhere than registered, such as that of a satellite, only this one may be there. */
  readonly registered_country?: { readonly iso_code?: unknown };
  readonly country_code?: unknown;
}

type Library = Pick<typeof import('maxmind'), 'Reader'>;
type Reader = InstanceType<Library['Reader']>;

let library: Library | null = null;

/** It is a CommonJS module: in a bundle all of it is its default. */
export async function loadDatabaseLibrary(): Promise<void> {
  if (library !== null) return;
  const loaded: Partial<Library> & { readonly default: unknown } = await import('maxmind');
  library = { Reader: loaded.Reader ?? (loaded.default as Library).Reader };
}

/** Records of countries are few: each is decoded once. And clients send more than one request. */
const [recordsMax, addressesMax] = [1000, 10_000];

/** Throws where the file is none of the format. After `loadDatabaseLibrary`. */
export function openCountryDatabase(content: Buffer): CountryDatabase {
  const reader = readerOf(content);
  const known = new BoundedMap<string, string | null>(addressesMax);
  return {
    countryOf(address) {
      const before = known.get(address);
      if (before !== undefined) return before;
      const country = countryIn(reader, address);
      known.set(address, country);
      return country;
    },
  };
}

function readerOf(content: Buffer): Reader {
  if (library === null) throw new Error('the library has not been loaded');
  return new library.Reader(content, { cache: new BoundedMap<string | number, unknown>(recordsMax) });
}

function countryIn(reader: Reader, address: string): string | null {
  const count = readAddress(address, words);
  if (count === 0 || (count === 4 && reader.metadata.ipVersion === 4)) return null;
  try {
    return codeIn(reader.get(count === 1 ? dotted(words[0] as number) : address));
  } catch {
    // Damaged where nobody has looked. A request must not end by it.
    return null;
  }
}

/** What tells apart two files, and a file from itself a moment later. */
export function contentHash(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex');
}

function codeIn(found: unknown): string | null {
  if (typeof found !== 'object' || found === null) return null;
  const { country, registered_country: registered, country_code: flat } = found as Found;
  const codes = [typeof country === 'object' ? country.iso_code : country, registered?.iso_code, flat];
  const code = codes.find((one) => typeof one === 'string' && /^[A-Za-z]{2}$/.test(one));
  return typeof code === 'string' ? code.toUpperCase() : null;
}

/** So many nodes of the tree are looked at, all of a small file, and so many records: those of cities are large. */
const [nodesMax, recordsReadMax] = [4096, 500];
/** Between the tree and the data. */
const separatorBytes = 16;
/** Where addresses of IPv4 lie in a tree of IPv6, and all that are given out of IPv6 (2000::/3). */
const [ipv4Bits, ipv6Bits] = ['0'.repeat(96), '001'];

/** What a file has. */
export interface DatabaseContents {
  /** As its maker calls it, such as 'GeoLite2-Country'. */
  readonly type: string;
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  /** Whether it has a country of any address. */
  readonly country: boolean;
}

/** Throws where a part of the file leads out of it: it was cut, or written over another one. After `loadDatabaseLibrary`. */
export function lookIntoDatabase(content: Buffer): DatabaseContents {
  const reader = readerOf(content);
  const { nodeCount, nodeByteSize, searchTreeSize, ipVersion, databaseType } = reader.metadata;
  const insides = insidesOf(reader);
  const { walker } = insides;
  const dataBytes = content.length - searchTreeSize - separatorBytes;
  if (nodeCount < 1 || dataBytes <= 0) throw new Error('it is shorter than it says');
  let country = false;
  let read = 0;
  const step = Math.ceil(nodeCount / nodesMax);
  for (let node = 0; node < nodeCount; node += step)
    for (const next of [walker.left(node * nodeByteSize), walker.right(node * nodeByteSize)]) {
      if (next <= nodeCount) continue;
      const offset = next - nodeCount - separatorBytes;
      if (offset < 0 || offset >= dataBytes) throw new Error('it refers to what it does not have');
      if (!country || read++ < recordsReadMax) country = codeIn(insides.resolveDataPointer(next)) !== null || country;
    }
  const isThere = (bits: string): boolean => {
    let node = 0;
    for (const bit of bits)
      if (node < nodeCount) node = bit === '1' ? walker.right(node * nodeByteSize) : walker.left(node * nodeByteSize);
    return node !== nodeCount;
  };
  return {
    ...{ type: databaseType, country },
    ipv4: ipVersion === 4 || isThere(ipv4Bits),
    ipv6: ipVersion === 6 && isThere(ipv6Bits),
  };
}

interface Insides {
  readonly walker: { left(offset: number): number; right(offset: number): number };
  resolveDataPointer(next: number): unknown;
}

/** The library finds addresses alone. What a file has can be seen only in its tree. */
function insidesOf(reader: Reader): Insides {
  return reader as unknown as Insides;
}

const words = new Uint32Array(4);

function dotted(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
}

class BoundedMap<K, V> {
  readonly #max: number;
  readonly #values = new Map<K, V>();

  constructor(max: number) {
    this.#max = max;
  }

  get(key: K): V | undefined {
    return this.#values.get(key);
  }

  set(key: K, value: V): void {
    if (this.#values.size >= this.#max) this.#values.clear();
    this.#values.set(key, value);
  }
}
