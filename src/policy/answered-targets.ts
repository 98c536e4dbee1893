import { bitCount } from '../core/bit-count.ts';

/** Bits of a generation; with `targetsMax` targets one in some 6,000 others is taken for one of them. */
const bits = 2 ** 19;
const hashes = 3;
const targetsMax = 10_000;

/** A page that is gone for good has visitors as well; that several are, tells something. */
const lostMin = 3;
const lostWithinMs = 60_000;

/**
 * Targets that have been answered well, in two generations of at most 10,000 (a Bloom filter; Bloom 1970): a 404 for one of them says that
 * something is gone, one for another target says only that somebody asks for what never was. An answer costs one look at each character of its target.
 */
export class AnsweredTargets {
  #newest = new Uint32Array(bits / 32);
  #older = new Uint32Array(bits / 32);
  #size = 0;
  /** Of 32 groups of targets, those that were lost since `#lostSince`. */
  #lost = 0;
  #lostSince = -Infinity;

  /** `isCall`: of a request with POST, whose targets are told apart. */
  add(target: string, isCall = false): void {
    const hash = hashOf(target, isCall);
    if (has(this.#newest, hash)) return;
    if (this.#size >= targetsMax) {
      [this.#newest, this.#older] = [this.#older.fill(0), this.#newest];
      this.#size = 0;
    }
    this.#size += 1;
    for (let one = 0; one < hashes; one++) {
      const at = bitOf(hash, one);
      (this.#newest[at >>> 5] as number) |= 1 << (at & 31);
    }
  }

  /** Whether a request with POST was answered well there. */
  hasCall(target: string): boolean {
    return this.#hasHash(hashOf(target, true));
  }

  #hasHash(hash: number): boolean {
    return has(this.#newest, hash) || has(this.#older, hash);
  }

  /** Whether a request with GET was answered well there. */
  has(target: string): boolean {
    return this.#hasHash(hashOf(target));
  }

  /** Whether it is one of three targets at least that were answered well and are missing now. `ms`: of a clock that does not go back. */
  isLost(target: string, ms: number): boolean {
    const hash = hashOf(target);
    if (!this.#hasHash(hash)) return false;
    if (ms - this.#lostSince > lostWithinMs) {
      this.#lost = 0;
      this.#lostSince = ms;
    }
    this.#lost |= 1 << (hash & 31);
    return bitCount(this.#lost) >= lostMin;
  }
}

/** FNV-1a. */
function hashOf(target: string, isCall = false): number {
  let hash = isCall ? 0x050c5d1f : 0x811c9dc5;
  for (let index = 0; index < target.length; index++) hash = Math.imul(hash ^ target.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

/** Kirsch and Mitzenmacher 2006: two numbers, here the lower and the upper bits of one, serve as many hashes as are needed. */
const bitOf = (hash: number, one: number): number => (hash + one * ((hash >>> 13) | 1)) % bits;

function has(generation: Uint32Array, hash: number): boolean {
  for (let one = 0; one < hashes; one++) {
    const at = bitOf(hash, one);
    if (((generation[at >>> 5] as number) & (1 << (at & 31))) === 0) return false;
  }
  return true;
}
