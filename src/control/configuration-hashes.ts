import { createHmac } from 'node:crypto';
import type { Configuration } from '../core/configuration.ts';
import type { Random } from '../core/random.ts';
import { keptKey } from '../deploy/kept-key.ts';

/** Hexadecimal digits of a hash: 64 bits of a configuration, which are shown, and 128 of a value. */
const contentDigits = 16;
const valueDigits = 32;

/**
 * Hashes of configurations and of their values, with a key of the state folder. A configuration has secrets, and some are short: without the key nobody can find one by trying
 * which gives the hash that the admin API shows.
 */
export class ConfigurationHashes {
  readonly #key: string;
  /** A configuration is hashed once: with 5,000 routes it takes some 30 ms of the main thread. */
  readonly #known = new WeakMap<Configuration, string>();

  constructor(stateFolder: string | null, random: Random) {
    this.#key = keptKey(stateFolder, 'configuration-key', random);
  }

  ofConfiguration(configuration: Configuration): string {
    const known = this.#known.get(configuration);
    if (known !== undefined) return known;
    const hash = this.#hash('configuration', JSON.stringify(configuration), contentDigits);
    this.#known.set(configuration, hash);
    return hash;
  }

  /** Of the value of a key; equal values of two keys have different hashes. */
  ofValue(key: string, value: string): string {
    return this.#hash(`value ${key}`, value, valueDigits);
  }

  #hash(what: string, text: string, digits: number): string {
    return createHmac('sha256', this.#key).update(`${what}\0`).update(text).digest('hex').slice(0, digits);
  }
}
