import { lineExtraBytes, PreparedLines, rowSize } from './prepared-lines.ts';

/** RFC 7541 appendix A: the static table, from index 1. */
export const staticEntries: readonly (readonly [name: string, value: string])[] = [
  [':authority', ''],
  [':method', 'GET'],
  [':method', 'POST'],
  [':path', '/'],
  [':path', '/index.html'],
  [':scheme', 'http'],
  [':scheme', 'https'],
  [':status', '200'],
  [':status', '204'],
  [':status', '206'],
  [':status', '304'],
  [':status', '400'],
  [':status', '404'],
  [':status', '500'],
  ['accept-charset', ''],
  ['accept-encoding', 'gzip, deflate'],
  ['accept-language', ''],
  ['accept-ranges', ''],
  ['accept', ''],
  ['access-control-allow-origin', ''],
  ['age', ''],
  ['allow', ''],
  ['authorization', ''],
  ['cache-control', ''],
  ['content-disposition', ''],
  ['content-encoding', ''],
  ['content-language', ''],
  ['content-length', ''],
  ['content-location', ''],
  ['content-range', ''],
  ['content-type', ''],
  ['cookie', ''],
  ['date', ''],
  ['etag', ''],
  ['expect', ''],
  ['expires', ''],
  ['from', ''],
  ['host', ''],
  ['if-match', ''],
  ['if-modified-since', ''],
  ['if-none-match', ''],
  ['if-range', ''],
  ['if-unmodified-since', ''],
  ['last-modified', ''],
  ['link', ''],
  ['location', ''],
  ['max-forwards', ''],
  ['proxy-authenticate', ''],
  ['proxy-authorization', ''],
  ['range', ''],
  ['referer', ''],
  ['refresh', ''],
  ['retry-after', ''],
  ['server', ''],
  ['set-cookie', ''],
  ['strict-transport-security', ''],
  ['transfer-encoding', ''],
  ['user-agent', ''],
  ['vary', ''],
  ['via', ''],
  ['www-authenticate', ''],
];

/** The static entries as lines; the row is the index. */
export const staticLines = prepareStaticLines();

/** RFC 7541 §4.1, and RFC 9113 §6.5.2 for the size of a header section: what a header counts beyond its name and value. */
export const headerOverheadBytes = 32;

const noLines = new PreparedLines(0, 0);

/**
 * The dynamic table of a decoder (RFC 7541 §2.3.2, §4): the latest entries, the newest first. Its memory is taken with the first
 * entry: about 2.5 times its size, so 12 KiB for a table of 4 KiB.
 *
 * Lines stand one behind the other in a buffer of twice the table's size. A line that does not fit at the buffer's end goes to
 * its beginning. With twice the size there is always room for a line of at most the table's size: the entries together take
 * at most the rest of that size, so that they leave either all of the first half or the gap between newest and oldest.
 */
export class DynamicTable {
  lines: PreparedLines = noLines;
  /** Entries that the table has. */
  count = 0;
  /** Their size by RFC 7541 §4.1. */
  sizeBytes = 0;
  /** At most this size, as the encoder has chosen. */
  bytesMax: number;
  /** For which size there is memory. */
  #capacityBytes = 0;
  #rowMask = 0;
  /** Row of the newest entry. */
  #newest = 0;
  #nextStart = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** The row of the entry that is `age` entries older than the newest; `age` is below `count`. */
  rowOf(age: number): number {
    return (this.#newest - age) & this.#rowMask;
  }

  /** Adds a prepared line as the newest entry. A line larger than the table empties it (RFC 7541 §4.4). */
  insert(from: PreparedLines, fromRow: number): void {
    const nameLength = from.rows[fromRow * rowSize + 1] as number;
    const valueLength = from.rows[fromRow * rowSize + 2] as number;
    const size = nameLength + valueLength + headerOverheadBytes;
    this.#evictTo(this.bytesMax - size);
    if (size > this.bytesMax) return;
    if (this.#capacityBytes < this.bytesMax) this.#moveTo(this.bytesMax);
    this.#append(from, fromRow, size);
  }

  /** Removes all entries. */
  clear(): void {
    this.#evictTo(-1);
  }

  /** RFC 7541 §4.3. */
  resize(bytesMax: number): void {
    this.bytesMax = bytesMax;
    this.#evictTo(bytesMax);
    if (this.count === 0 && bytesMax === 0) {
      this.lines = noLines;
      this.#capacityBytes = 0;
    }
  }

  #append(from: PreparedLines, fromRow: number, size: number): void {
    const length = size - headerOverheadBytes + lineExtraBytes;
    const start = this.#nextStart + length > this.#capacityBytes * 2 ? 0 : this.#nextStart;
    this.#newest = (this.#newest + 1) & this.#rowMask;
    this.lines.copyFrom(from, fromRow, this.#newest, start);
    this.#nextStart = start + length;
    this.count++;
    this.sizeBytes += size;
  }

  /** Evicts the oldest entries until the table has at most `sizeMax` bytes, or none. */
  #evictTo(sizeMax: number): void {
    while (this.count > 0 && this.sizeBytes > sizeMax) {
      const row = this.rowOf(this.count - 1);
      const { rows } = this.lines;
      this.sizeBytes -= (rows[row * rowSize + 1] as number) + (rows[row * rowSize + 2] as number) + headerOverheadBytes;
      this.lines.forget(row);
      this.count--;
    }
  }

  /** Takes memory for a table of `bytesMax`, and moves the entries there. */
  #moveTo(bytesMax: number): void {
    const { lines, count } = this;
    const oldRows = Array.from({ length: count }, (_, index) => this.rowOf(count - 1 - index));
    let rowsMax = 1;
    while (rowsMax * headerOverheadBytes < bytesMax) rowsMax *= 2;
    this.lines = new PreparedLines(bytesMax * 2, rowsMax);
    this.#capacityBytes = bytesMax;
    this.#rowMask = rowsMax - 1;
    this.#newest = 0;
    this.#nextStart = 0;
    this.count = 0;
    this.sizeBytes = 0;
    for (const row of oldRows) {
      const size = (lines.rows[row * rowSize + 1] as number) + (lines.rows[row * rowSize + 2] as number);
      this.#append(lines, row, size + headerOverheadBytes);
    }
  }
}

function prepareStaticLines(): PreparedLines {
  const bytes = staticEntries.reduce((sum, [name, value]) => sum + name.length + value.length + lineExtraBytes, 0);
  const lines = new PreparedLines(bytes, staticEntries.length + 1);
  let start = 0;
  staticEntries.forEach(([name, value], index) => {
    lines.bytes.write(name, start, 'latin1');
    lines.bytes.write(value, start + name.length + 2, 'latin1');
    lines.prepare(index + 1, start, name.length, value.length);
    start += name.length + value.length + lineExtraBytes;
  });
  return lines;
}
