/**
 * Protocol Buffers, as far as OTLP needs them. Messages are values of the JSON mapping of OTLP (ids in hexadecimal digits, 64-bit integers as
 * texts, enums as numbers), so that one value serves both encodings; `otlp/messages.ts` has the schemas.
 */

type ScalarType = 'string' | 'hex' | 'bool' | 'int64' | 'enum' | 'fixed32' | 'fixed64' | 'double';

/** The fields of a message: their number, and their type or the schema of their message. A field with a list as its value is repeated. */
export interface MessageSchema {
  readonly [name: string]: readonly [number: number, type: ScalarType | MessageSchema];
}

const varint = 0;
const bytes8 = 1;
const delimited = 2;
const bytes4 = 5;

/** `value` as a message. Fields without a value are left out, and those that are empty or 0 too, as proto3 has it, except in a `oneof`. */
export function encodeMessage(value: object, schema: MessageSchema): Uint8Array {
  const writer = new BackwardWriter();
  writeMessage(writer, value, schema);
  return writer.end();
}

function writeMessage(writer: BackwardWriter, value: object, schema: MessageSchema): void {
  const fields = value as Readonly<Record<string, unknown>>;
  for (const name of Object.keys(fields).toReversed()) {
    const field = schema[name];
    const content = fields[name];
    if (field === undefined) throw new Error(`the schema has no field ${name}`);
    const [number, type] = field;
    if (content === undefined || content === null) continue;
    if (!Array.isArray(content)) writeField(writer, number, type, content);
    else if (type === 'fixed64' || type === 'double') writePacked(writer, number, type, content);
    else for (const one of content.toReversed()) writeField(writer, number, type, one);
  }
}

function writePacked(
  writer: BackwardWriter,
  number: number,
  type: 'fixed64' | 'double',
  values: readonly unknown[],
): void {
  const end = writer.length;
  for (const value of values.toReversed()) writeScalar(writer, type, value);
  writer.size(writer.length - end);
  writer.tag(number, delimited);
}

function writeField(writer: BackwardWriter, number: number, type: ScalarType | MessageSchema, value: unknown): void {
  if (typeof type === 'string') return writer.tag(number, writeScalar(writer, type, value));
  const end = writer.length;
  writeMessage(writer, value as object, type);
  writer.size(writer.length - end);
  writer.tag(number, delimited);
}

/** Returns the wire type. */
function writeScalar(writer: BackwardWriter, type: ScalarType, value: unknown): number {
  switch (type) {
    case 'string':
      writer.text(value as string);
      return delimited;
    case 'hex':
      writer.delimited(Buffer.from(value as string, 'hex'));
      return delimited;
    case 'bool':
      writer.size(value === true ? 1 : 0);
      return varint;
    case 'int64':
      writer.varint(BigInt.asUintN(64, BigInt(value as string)));
      return varint;
    case 'enum':
      writer.size(value as number);
      return varint;
    case 'fixed32':
      writer.fixed(4, (bytes, at) => bytes.writeUInt32LE(value as number, at));
      return bytes4;
    case 'fixed64':
      writer.fixed(8, (bytes, at) => bytes.writeBigUInt64LE(BigInt(value as string), at));
      return bytes8;
    case 'double':
      writer.fixed(8, (bytes, at) => bytes.writeDoubleLE(value as number, at));
      return bytes8;
  }
}

/** Writes from the end to the beginning: when the length of a message is written, the message is complete. */
class BackwardWriter {
  #bytes = Buffer.allocUnsafe(16 * 1024);
  #at = this.#bytes.length;

  get length(): number {
    return this.#bytes.length - this.#at;
  }

  tag(number: number, wireType: number): void {
    this.size(number * 8 + wireType);
  }

  /**
   * A varint of a number that is neither negative nor above 31 bits: a tag, a length. Measured: without it, numbers of any size and their groups in
   * lists, a span took twice as long to encode.
   */
  size(value: number): void {
    let groups = 1;
    for (let rest = value >>> 7; rest > 0; rest >>>= 7) groups += 1;
    this.#reserve(groups);
    for (let index = 0; index < groups; index++)
      this.#bytes[this.#at + index] = ((value >>> (7 * index)) & 0x7f) | (index < groups - 1 ? 0x80 : 0);
  }

  varint(value: bigint): void {
    const groups: number[] = [];
    let rest = value;
    do {
      groups.push(Number(rest & 0x7fn));
      rest >>= 7n;
    } while (rest > 0n);
    this.#reserve(groups.length);
    for (const [index, group] of groups.entries()) {
      this.#bytes[this.#at + index] = index === groups.length - 1 ? group : group | 0x80;
    }
  }

  delimited(content: Uint8Array): void {
    this.#reserve(content.length);
    this.#bytes.set(content, this.#at);
    this.size(content.length);
  }

  text(content: string): void {
    const length = Buffer.byteLength(content);
    this.#reserve(length);
    this.#bytes.write(content, this.#at);
    this.size(length);
  }

  fixed(count: number, write: (bytes: Buffer, at: number) => void): void {
    this.#reserve(count);
    write(this.#bytes, this.#at);
  }

  end(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }

  #reserve(count: number): void {
    if (this.#at < count) {
      const { length } = this;
      const larger = Buffer.allocUnsafe(2 * (this.#bytes.length + count));
      larger.set(this.end(), larger.length - length);
      this.#bytes = larger;
      this.#at = larger.length - length;
    }
    this.#at -= count;
  }
}

/** The fields of an encoded message, by number: integers, or bytes of texts and messages. Null if these bytes are none. */
export function decodeFields(bytes: Uint8Array): Map<number, bigint | Uint8Array> | null {
  const fields = new Map<number, bigint | Uint8Array>();
  let at = 0;
  const next = (): bigint | null => {
    let value = 0n;
    for (let shift = 0n; shift < 70n && at < bytes.length; shift += 7n) {
      const byte = bytes[at++] as number;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return null;
  };
  while (at < bytes.length) {
    const tag = next();
    const wireType = tag === null ? -1 : Number(tag & 7n);
    const size = wireType === bytes8 ? 8n : wireType === bytes4 ? 4n : next();
    if (tag === null || tag < 8n || size === null || ![varint, bytes8, delimited, bytes4].includes(wireType))
      return null;
    const number = Number(tag >> 3n);
    if (wireType === varint) fields.set(number, BigInt.asIntN(64, size));
    else {
      if (BigInt(at) + size > BigInt(bytes.length)) return null;
      if (wireType === delimited) fields.set(number, bytes.subarray(at, at + Number(size)));
      at += Number(size);
    }
  }
  return fields;
}
