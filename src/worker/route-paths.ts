/**
 * Numbers for paths, so that the routes which a target can reach are found without making a string of any part of it.
 * Two paths may have one number: it says where to look, and not that a route matches.
 */
export type PathNumber = number;

/** That of `/`, and of whatever is no path. */
export const rootNumber: PathNumber = 0;

/**
 * Where the segment ends that begins after the slash at `slash`: at the next slash, at the question mark, or with the
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

/** The number of the path that is longer by `[start, end)` of `target` than the one with `number`. */
export function numberOf(number: PathNumber, target: string, start: number, end: number): PathNumber {
  let next = number;
  for (let at = start; at < end; at++) next = (Math.imul(next, 31) + target.charCodeAt(at)) | 0;
  return next;
}

/** The number of a route's prefix, at which every target comes by that the prefix matches, and after how many segments. */
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
