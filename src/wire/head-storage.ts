/** Where one head's bytes and the places of its header lines are kept. */
export interface HeadBlock {
  readonly bytes: Buffer;
  /** The same memory, four bytes at a time. */
  readonly words: Int32Array;
  /** `spanSlots` numbers per header line; grows with the lines. */
  spans: Int32Array;
}

/** Numbers per header line: name start, name end, value start, value end, line end, known name's number. */
export const spanSize = 6;

const smallBytes = 4 * 1024; // Nearly every head.
const middleBytes = 16 * 1024; // Heads with large cookies.
const smallHeaders = 48;

/** Together at most 256 × (4 KiB + 1.1 KiB) + 16 × 18 KiB ≈ 1.6 MiB per thread, however many connections there are. */
const smallKept = 256;
const middleKept = 16;

/**
 * Blocks for heads, taken when a head begins and given back when its exchange has ended; so a connection without an
 * exchange holds none. Small ones are kept for the next head, up to a bound; larger ones go to the garbage collector.
 */
export class HeadStorage {
  readonly #small: HeadBlock[] = [];
  readonly #middle: HeadBlock[] = [];

  /** A block of at least `bytesMin`. It still has the bytes of its last use; readers stay within what they have written. */
  acquire(bytesMin: number): HeadBlock {
    if (bytesMin <= smallBytes) return this.#small.pop() ?? newBlock(smallBytes, smallHeaders);
    if (bytesMin <= middleBytes) return this.#middle.pop() ?? newBlock(middleBytes, smallHeaders);
    return newBlock(bytesMin, smallHeaders);
  }

  /** The caller must not use the block any more. */
  release(block: HeadBlock): void {
    const size = block.bytes.length;
    if (size === smallBytes && this.#small.length < smallKept) this.#small.push(block);
    else if (size === middleBytes && this.#middle.length < middleKept) this.#middle.push(block);
  }

  /** A larger block with the first `used` bytes and all spans of `block`, which is given back. */
  enlarge(block: HeadBlock, used: number, bytesMin: number): HeadBlock {
    // At least doubled, so that a head is moved a few times at most.
    const larger = this.acquire(Math.max(bytesMin, block.bytes.length * 2));
    block.bytes.copy(larger.bytes, 0, 0, used);
    const { spans } = larger;
    larger.spans = block.spans;
    block.spans = spans;
    this.release(block);
    return larger;
  }

  /** Blocks that wait for a head: for tests and gauges. */
  get keptBlocks(): number {
    return this.#small.length + this.#middle.length;
  }
}

/** A block of at least `bytesMin`, outside of any storage. */
export function newBlock(bytesMin: number, headers: number): HeadBlock {
  const memory = new ArrayBuffer(Math.ceil(bytesMin / 4) * 4);
  return { bytes: Buffer.from(memory), words: new Int32Array(memory), spans: new Int32Array(headers * spanSize) };
}

/** Room for twice as many header lines, with those already there. */
export function moreSpans(spans: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(spans.length * 2);
  larger.set(spans);
  return larger;
}
