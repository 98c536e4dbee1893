/**
 * Hashes of paths, so that the routes of a target are found without creating a string for any part of it.
 * Two paths may have the same number: it says where to look, not that a route matches.
 */
export type PathNumber = number;

/** The number of `/`, and of targets that are not paths. */
export const rootNumber: PathNumber = 0;

/**
 * The end of the segment that begins after the slash at `slash`: the next slash, the question mark, or the end of the
 * target.
 */
export function segmentEnd(target: string, slash: number): number {
  let at = slash + 1;
  while (at < target.length) {
    const byte = target.charCodeAt(at);
    if (byte === 0x2f || byte === 0x3f) break;
    at += 1;
  }
  return at;
}

/** The number of a path that extends the path with `number` by `[start, end)` of `target`. */
export function numberOf(number: PathNumber, target: string, start: number, end: number): PathNumber {
  let next = number;
  for (let at = start; at < end; at++) next = (Math.imul(next, 31) + target.charCodeAt(at)) | 0;
  return next;
}

/** The number of a route's prefix, and how many segments it has: every target that the prefix matches has this number after as many segments. */
export function prefixNumber(prefix: string): { readonly number: PathNumber; readonly depth: number } {
  const end = prefix.endsWith('/') ? prefix.length - 1 : prefix.length;
  let [number, depth, at] = [rootNumber, 0, 0];
  while (at < end && prefix.charCodeAt(at) === 0x2f) {
    const next = segmentEnd(prefix, at);
    number = numberOf(number, prefix, at, next);
    depth += 1;
    at = next;
  }
  return { number, depth };
}
