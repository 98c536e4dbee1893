/** A span holds so many rows at most, so that a search looks at few rows of it. */
export const spanRowsMax = 2048;

/** Above any number of a row within its span. */
const rowBase = 2 ** 16;

const keyBytes = 4;
const rowBytes = 2;

/** Collects the keys (32 bits) of the rows of a span. Packed, they are sorted: 6 bytes a row. */
export class SpanKeys {
  /** Key and row in one number, so that sorting needs no function. */
  readonly #entries = new Float64Array(spanRowsMax);
  #count = 0;
  #rows = 0;

  /** Of the next row; null: it has none. */
  add(key: number | null): void {
    if (key !== null) {
      this.#entries[this.#count] = key * rowBase + this.#rows;
      this.#count += 1;
    }
    this.#rows += 1;
  }

  /** All keys in ascending order, then the row of each within the span; the next span begins. */
  take(): Uint8Array {
    const count = this.#count;
    const entries = this.#entries.subarray(0, count).sort();
    const packed = new DataView(new ArrayBuffer(count * (keyBytes + rowBytes)));
    for (let at = 0; at < count; at += 1) {
      const entry = entries[at] as number;
      const key = Math.floor(entry / rowBase);
      packed.setUint32(at * keyBytes, key, true);
      packed.setUint16(count * keyBytes + at * rowBytes, entry - key * rowBase, true);
    }
    this.#count = 0;
    this.#rows = 0;
    return new Uint8Array(packed.buffer);
  }
}

/** The rows with this key, as numbers within their span, the lowest first. */
export function rowsWithKey(packed: Uint8Array, key: number): readonly number[] {
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const count = packed.byteLength / (keyBytes + rowBytes);
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (view.getUint32(middle * keyBytes, true) < key) low = middle + 1;
    else high = middle;
  }
  const rows: number[] = [];
  for (; low < count && view.getUint32(low * keyBytes, true) === key; low += 1)
    rows.push(view.getUint16(count * keyBytes + low * rowBytes, true));
  return rows;
}
