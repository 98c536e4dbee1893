/** Of GOAWAY: what is kept of its text. */
const debugTextMax = 256;

/** 31 bits: the first is reserved, and ignored (§4.1). */
export function streamAt(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) & 0x7f) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}

export function wordAt(bytes: Uint8Array, at: number): number {
  return streamAt(bytes, at) + ((bytes[at] as number) >= 0x80 ? 2 ** 31 : 0);
}

/** What a peer says, for people: bytes that are not visible ASCII become "?". */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  const shown = bytes.subarray(start, Math.min(end, start + debugTextMax));
  return String.fromCharCode(...shown).replace(/[^\x20-\x7e]/g, '?');
}
