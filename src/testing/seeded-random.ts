import { assert } from '../core/assert.ts';
import type { Random } from '../core/random.ts';

/**
 * Reproducible random numbers: the same seed gives the same numbers, on every machine.
 *
 * The generator is sfc32 (Chris Doty-Humphrey's "small fast counting", 128 bits of state, passes PractRand). A 32-bit mixer
 * spreads the seed text over its state. For tests, never for secrets.
 */
export class SeededRandom implements Random {
  /** Print this when a test fails. */
  readonly seed: string;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number | string) {
    this.seed = String(seed);
    this.#a = mix(this.seed, 0x9e3779b9);
    this.#b = mix(this.seed, 0x243f6a88);
    this.#c = mix(this.seed, 0xb7e15162);
    // The first numbers of similar seeds are similar, so they are skipped.
    for (let turn = 0; turn < 12; turn++) this.#next32();
  }

  next(): number {
    const high = this.#next32() >>> 5;
    const low = this.#next32() >>> 6;
    return (high * 0x4000000 + low) / 0x20000000000000; // 53 bits
  }

  fill(target: Uint8Array): void {
    // As `#next32` does it, in local variables: tests fill many megabytes.
    let [a, b, c, counter] = [this.#a, this.#b, this.#c, this.#counter];
    for (let i = 0; i < target.length; i++) {
      const sum = (a + b + counter) | 0;
      counter = (counter + 1) | 0;
      a = b ^ (b >>> 9);
      b = (c + (c << 3)) | 0;
      c = (((c << 21) | (c >>> 11)) + sum) | 0;
      target[i] = sum >>> 24;
    }
    [this.#a, this.#b, this.#c, this.#counter] = [a, b, c, counter];
  }

  /** An integer from 0 up to, but not including, `below`. */
  integer(below: number): number {
    assert(Number.isSafeInteger(below) && below > 0, 'there is at least one number to choose from');
    return Math.floor(this.next() * below);
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.integer(choices.length)] as T;
  }

  /**
   * Another source with its own numbers. They depend only on the seed and the label, not on how many numbers or forks were
   * drawn here.
   */
  fork(label: string): SeededRandom {
    return new SeededRandom(`${this.seed}/${label}`);
  }

  #next32(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
}

/** FNV-1a over the text, then the final steps of MurmurHash3. */
function mix(text: string, salt: number): number {
  let hash = (0x811c9dc5 ^ salt) | 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}
