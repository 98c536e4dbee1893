const CR = 0x0d;
const LF = 0x0a;
const colon = 0x3a;

/**
 * Reads what a `HeaderSink` gets as `headerLines`: complete header lines, each with its CR LF. A line without a colon is passed over, and
 * white space around values is left out. Bytes become the characters of the same numbers.
 */
export function eachHeaderLine(
  bytes: Uint8Array,
  start: number,
  end: number,
  visit: (name: string, value: string) => void,
): void {
  for (let at = start; at < end; ) {
    let stop = at;
    while (stop < end && !(bytes[stop] === CR && bytes[stop + 1] === LF)) stop++;
    const nameEnd = bytes.subarray(0, stop).indexOf(colon, at);
    if (nameEnd > at) visit(latin1(bytes, at, nameEnd), latin1(bytes, nameEnd + 1, stop).trim());
    at = stop + 2;
  }
}

/** Calls take a limited number of arguments. */
const charactersAtOnce = 4096;

function latin1(bytes: Uint8Array, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at += charactersAtOnce)
    text += String.fromCharCode(...bytes.subarray(at, Math.min(end, at + charactersAtOnce)));
  return text;
}
