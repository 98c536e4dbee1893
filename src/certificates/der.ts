/**
 * The part of the Distinguished Encoding Rules (ITU-T X.690) that a certificate needs. Each function returns one whole
 * value, with tag and length.
 */
export type Der = Buffer;

export function sequence(...values: readonly Der[]): Der {
  return tagged(0x30, ...values);
}

export function set(...values: readonly Der[]): Der {
  return tagged(0x31, ...values);
}

/** A value with any tag, mostly a context-specific one (`0xa0`). */
export function tagged(tag: number, ...values: readonly Der[]): Der {
  const content = Buffer.concat(values);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
}

function lengthOf(bytes: number): Der {
  if (bytes < 0x80) return Buffer.from([bytes]);
  const digits: number[] = [];
  for (let rest = bytes; rest > 0; rest >>>= 8) digits.unshift(rest & 0xff);
  return Buffer.from([0x80 | digits.length, ...digits]);
}

/** A non-negative integer: the bytes of the number, the most significant one first. */
export function integer(bytes: Uint8Array | number): Der {
  const digits = typeof bytes === 'number' ? Buffer.from([bytes]) : Buffer.from(bytes);
  return (digits[0] ?? 0) >= 0x80 ? tagged(0x02, Buffer.from([0]), digits) : tagged(0x02, digits);
}

export function boolean(value: boolean): Der {
  return tagged(0x01, Buffer.from([value ? 0xff : 0]));
}

export function octetString(content: Der): Der {
  return tagged(0x04, content);
}

/** `unused` counts the unused bits at the end. */
export function bitString(content: Uint8Array, unused = 0): Der {
  return tagged(0x03, Buffer.from([unused]), Buffer.from(content));
}

export function utf8String(text: string): Der {
  return tagged(0x0c, Buffer.from(text));
}

/** '2.5.4.3' */
export function objectIdentifier(dotted: string): Der {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  const content = [first * 40 + second, ...rest].flatMap((arc) => base128(arc));
  return tagged(0x06, Buffer.from(content));
}

function base128(arc: number): number[] {
  const digits = [arc & 0x7f];
  for (let rest = arc >>> 7; rest > 0; rest >>>= 7) digits.unshift((rest & 0x7f) | 0x80);
  return digits;
}

/** RFC 5280 §4.1.2.5: two digits for the year until 2049, four from then on. */
export function time(wallTime: number): Der {
  const text = new Date(wallTime).toISOString().replace(/[-:T]|\.\d+/g, '');
  const year = new Date(wallTime).getUTCFullYear();
  return year < 2050 ? tagged(0x17, Buffer.from(text.slice(2))) : tagged(0x18, Buffer.from(text));
}

interface DerValue {
  readonly tag: number;
  readonly content: Buffer;
}

/** The values that stand one after the other, of a structure known to be valid. Ends at the first that is cut off. */
export function readValues(bytes: Buffer = Buffer.alloc(0)): DerValue[] {
  const values: DerValue[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const first = bytes[at + 1] as number;
    const digits = first < 0x80 ? 0 : first & 0x7f;
    if (digits > 4 || at + 2 + digits > bytes.length) break;
    const length = digits === 0 ? first : bytes.readUIntBE(at + 2, digits);
    const start = at + 2 + digits;
    if (start + length > bytes.length) break;
    values.push({ tag: bytes[at] as number, content: bytes.subarray(start, start + length) });
    at = start + length;
  }
  return values;
}
