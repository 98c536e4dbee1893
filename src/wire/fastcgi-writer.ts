import { copyBytes, writeText } from '../core/copy-bytes.ts';
import type { ByteWriter } from './byte-writer.ts';
import { fastCgiRequestId, recordContentMax, recordHeaderBytes, recordTypes } from './fastcgi-reader.ts';
import { GrowingBytes } from './growing-bytes.ts';

const header = Buffer.alloc(recordHeaderBytes);
const responder = Uint8Array.of(0, 1, 0, 0, 0, 0, 0, 0);
const keepsConnection = 1;

/** Writes the header of a record with so many bytes of content, which follow. */
export function writeRecordHeader(writer: ByteWriter, type: number, length: number): void {
  header[0] = 1;
  header[1] = type;
  header[3] = fastCgiRequestId;
  header[4] = length >> 8;
  header[5] = length & 0xff;
  writer.bytes(header, 0, recordHeaderBytes);
}

/** Writes BEGIN_REQUEST for the role of a responder. `isKept`: the application leaves the connection open afterwards. */
export function writeBegin(writer: ByteWriter, isKept: boolean): void {
  responder[2] = isKept ? keepsConnection : 0;
  writeRecordHeader(writer, recordTypes.begin, responder.length);
  writer.bytes(responder, 0, responder.length);
}

const longLength = 128;

/** Name-value pairs (FastCGI specification §3.4). Lives as long as its thread: `clear` starts anew. */
export class FastCgiParams extends GrowingBytes {
  /** The characters of both are below 256. */
  add(name: string, value: string): void {
    const at = writeText(this.bytes, this.open(name.length, value.length), name);
    writeText(this.bytes, at, value);
  }

  /** The same, with bytes [start, end) as the value. */
  addBytes(name: string, bytes: Uint8Array, start: number, end: number): void {
    const at = writeText(this.bytes, this.open(name.length, end - start), name);
    copyBytes(bytes, start, end, this.bytes, at);
  }

  /** Begins a pair. Returns where its name must be written, with its value behind it. */
  open(nameLength: number, valueLength: number): number {
    this.makeRoom(nameLength + valueLength + 8);
    this.#addLength(nameLength);
    this.#addLength(valueLength);
    const at = this.length;
    this.length += nameLength + valueLength;
    return at;
  }

  #addLength(length: number): void {
    const { bytes } = this;
    if (length >= longLength) this.length = bytes.writeUInt32BE((length | 0x80000000) >>> 0, this.length);
    else bytes[this.length++] = length;
  }

  /** Writes them as PARAMS records, with the empty one that ends them. */
  writeTo(writer: ByteWriter): void {
    for (let at = 0; at < this.length; at += recordContentMax) {
      const end = Math.min(this.length, at + recordContentMax);
      writeRecordHeader(writer, recordTypes.params, end - at);
      writer.bytes(this.bytes, at, end);
    }
    writeRecordHeader(writer, recordTypes.params, 0);
  }
}
