/** Lists of networks as sorted ranges of addresses that do not overlap, in which an address is found by halving. */
import { readAddress } from './address-words.ts';

/** A network of a list, in CIDR notation as `parseNetwork` has it. */
export interface NetworkRange {
  /** One word of IPv4, four of IPv6. */
  readonly from: Uint32Array;
  readonly to: Uint32Array;
}

const address = new Uint32Array(4);

/** Null: it is no network. Bits beyond the prefix length do not count. */
export function rangeOf(network: string): NetworkRange | null {
  const slash = network.indexOf('/');
  const written = slash === -1 ? network : network.slice(0, slash);
  const count = readAddress(written, address);
  if (count === 0) return null;
  // A prefix of an IPv4 address that is written as IPv6 counts the 96 bits before it too.
  const before = count === 1 && written.includes(':') ? 96 : 0;
  const bits = slash === -1 ? count * 32 : Number(network.slice(slash + 1)) - before;
  if (!(bits >= 0 && bits <= count * 32)) return null;
  const [from, to] = [new Uint32Array(count), new Uint32Array(count)];
  for (let at = 0; at < count; at++) {
    const kept = Math.min(32, Math.max(0, bits - at * 32));
    const mask = kept === 0 ? 0 : (0xffffffff << (32 - kept)) >>> 0;
    from[at] = ((address[at] as number) & mask) >>> 0;
    to[at] = (from[at] as number) + (0xffffffff - mask);
  }
  return { from, to };
}

function compare(one: Uint32Array, other: Uint32Array): number {
  for (let at = 0; at < one.length; at++)
    if (one[at] !== other[at]) return (one[at] as number) < (other[at] as number) ? -1 : 1;
  return 0;
}

/** By their beginning, the larger before those in it. */
export function compareRanges(one: NetworkRange, other: NetworkRange): number {
  return one.from.length - other.from.length || compare(one.from, other.from) || compare(other.to, one.to);
}

export function isInside(one: NetworkRange, { from, to }: NetworkRange): boolean {
  return one.from.length === from.length && compare(one.from, from) >= 0 && compare(one.to, to) <= 0;
}

/** The ranges in memory that all threads share: two counts, then IPv4, then IPv6, each with its beginnings and ends. */
export function packRanges(ranges: readonly NetworkRange[]): SharedArrayBuffer {
  const merged: NetworkRange[] = [];
  for (const range of ranges.toSorted(compareRanges)) {
    const last = merged.at(-1);
    const touches = last !== undefined && last.from.length === range.from.length && compare(range.from, last.to) <= 0;
    if (!touches) merged.push(range);
    else if (compare(range.to, last.to) > 0) merged[merged.length - 1] = { from: last.from, to: range.to };
  }
  const [four, six] = [1, 4].map((words) => merged.filter(({ from }) => from.length === words));
  const parts = [four, six].flatMap((of = []) => [...of.map(({ from }) => from), ...of.map(({ to }) => to)]);
  const length = 2 + parts.reduce((sum, part) => sum + part.length, 0);
  const words = new Uint32Array(new SharedArrayBuffer(length * 4));
  words.set([four?.length ?? 0, six?.length ?? 0]);
  let at = 2;
  for (const part of parts) {
    words.set(part, at);
    at += part.length;
  }
  return words.buffer;
}

const asked = new Uint32Array(4);

/** Ranges that were packed. */
export class NetworkRanges {
  readonly #words: Uint32Array;
  readonly #four: number;
  readonly #six: number;

  constructor(packed: SharedArrayBuffer) {
    this.#words = new Uint32Array(packed);
    [this.#four = 0, this.#six = 0] = this.#words;
  }

  get count(): number {
    return this.#four + this.#six;
  }

  /** False of what is no address. */
  has(text: string): boolean {
    const count = readAddress(text, asked);
    if (count === 0) return false;
    const [length, start] = count === 1 ? [this.#four, 2] : [this.#six, 2 + this.#four * 2];
    let [low, high] = [0, length];
    // The first range that begins after the address.
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#compare(start + middle * count, count) > 0) high = middle;
      else low = middle + 1;
    }
    return low > 0 && this.#compare(start + (length + low - 1) * count, count) >= 0;
  }

  /** The bound at this place with the address. */
  #compare(at: number, count: number): number {
    for (let word = 0; word < count; word++) {
      const difference = (this.#words[at + word] as number) - (asked[word] as number);
      if (difference !== 0) return difference;
    }
    return 0;
  }
}
