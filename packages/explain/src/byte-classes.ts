/** The classes of bytes that the fast path distinguishes. */
export const byteClass = {
  /** Printable ASCII without a special meaning. */
  ordinary: 0,
  space: 1,
  quote: 2,
  /** Ends a line, or is a byte that gateways always escape: left to the slow path. */
  special: 3,
} as const;

const isToken = (byte: number): boolean => isNumeral(byte) || isLetter(byte) || byte === 0x5f;

/** Bytes of numbers, addresses and times: digits, `.` and `:`. */
function isNumeral(byte: number): boolean {
  return (byte >= 0x30 && byte <= 0x3a) || byte === 0x2e;
}

function isLetter(byte: number): boolean {
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x7a;
}

function isHex(byte: number): boolean {
  const lower = byte | 0x20;
  return (byte >= 0x30 && byte <= 0x39) || (lower >= 0x61 && lower <= 0x66);
}

function table(value: (byte: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) => value(byte));
}

export const classes = table((byte) => {
  if (byte === 0x20) return byteClass.space;
  if (byte === 0x22) return byteClass.quote;
  return byte < 0x20 || byte > 0x7e || byte === 0x5c ? byteClass.special : byteClass.ordinary;
});

/** Bytes that may stand within quotes. */
export const textBytes = table((byte) => ((classes[byte] as number) <= byteClass.space ? 1 : 0));

export const digits = table((byte) => (byte >= 0x30 && byte <= 0x39 ? 1 : 0));
export const numerals = table((byte) => (isNumeral(byte) ? 1 : 0));
export const tokens = table((byte) => (isToken(byte) ? 1 : 0));
export const hexDigits = table((byte) => (isHex(byte) ? 1 : 0));
/** Bytes of an address as nginx writes `$remote_addr`: hexadecimal digits, `.` and `:`. */
export const addressBytes = table((byte) => (isHex(byte) || isNumeral(byte) ? 1 : 0));
/** Bytes of a user name that no format could mistake for a named field. */
export const userBytes = table((byte) => ((isToken(byte) && byte !== 0x3a) || byte === 0x2d || byte === 0x40 ? 1 : 0));
