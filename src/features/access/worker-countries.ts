/** The country of an address, from a file in the format of MaxMind, whose library is loaded where a route asks for it. */
import { readAddress } from './address-words.ts';
import type { CountryRules } from './settings.ts';

interface Found {
  readonly country?: { readonly iso_code?: string };
  /** Where the network is used elsewhere than registered, such as that of a satellite, only this one may be there. */
  readonly registered_country?: { readonly iso_code?: string };
}

/** The ISO code; null: the file does not have the address, or no country of it. */
type CountryOf = (address: string) => string | null;

type Library = Pick<typeof import('maxmind'), 'Reader'>;

let library: Library | null = null;

/** One reader for all routes and revisions with the same content. */
const readers = new Map<string, WeakRef<{ readonly countryOf: CountryOf }>>();

export async function loadCountries({ database, file }: CountryRules): Promise<void> {
  if (database === undefined) throw new Error(`${file} could not be read`);
  library ??= await loadLibrary();
}

/** It is a CommonJS module: in a bundle all of it is its default. */
async function loadLibrary(): Promise<Library> {
  const loaded: Partial<Library> & { readonly default: unknown } = await import('maxmind');
  return { Reader: loaded.Reader ?? (loaded.default as Library).Reader };
}

export function countriesOf({ database, version }: CountryRules): { readonly countryOf: CountryOf } {
  const known = readers.get(version)?.deref();
  if (known !== undefined) return known;
  if (library === null || database === undefined) throw new Error('the countries have not been loaded');
  const cache = new BoundedCache(decodedMax);
  const reader = new library.Reader(Buffer.from(database), { cache });
  const made = {
    countryOf(address: string): string | null {
      const count = readAddress(address, words);
      if (count === 0 || (count === 4 && reader.metadata.ipVersion === 4)) return null;
      const found = reader.get(count === 1 ? dotted(words[0] as number) : address) as Found | null;
      return found?.country?.iso_code ?? found?.registered_country?.iso_code ?? null;
    },
  };
  readers.clear();
  readers.set(version, new WeakRef(made));
  return made;
}

const words = new Uint32Array(4);

function dotted(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 255}.${(word >>> 8) & 255}.${word & 255}`;
}

/** Records of countries are few: each is decoded once. */
const decodedMax = 1000;

class BoundedCache {
  readonly #max: number;
  readonly #values = new Map<string | number, unknown>();

  constructor(max: number) {
    this.#max = max;
  }

  get(key: string | number): unknown {
    return this.#values.get(key);
  }

  set(key: string | number, value: unknown): void {
    if (this.#values.size >= this.#max) this.#values.clear();
    this.#values.set(key, value);
  }
}
