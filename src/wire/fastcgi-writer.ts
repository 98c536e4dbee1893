import { copyBytes, writeText } from '../core/copy-bytes.ts';
import type { ByteWriter } from './byte-writer.ts';
import { fastCgiRequestId, recordContentMax, recordHeaderBytes, recordTypes } from './fastcgi-reader.ts';

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

const sizeBytes = 16 * 1024;
const longLength = 128;

/** Name-value pairs (FastCGI specification §3.4). Lives as long as its thread: `clear` starts anew. */
export class FastCgiParams {
  #bytes: Buffer = Buffer.allocUnsafeSlow(sizeBytes);
  #length = 0;

  clear(): void {
    this.#length = 0;
  }

  /** The characters of both are below 256. */
  add(name: string, value: string): void {
    this.#makeRoom(name.length + value.length + 8);
    this.#addLength(name.length);
    this.#addLength(value.length);
    this.#length = writeText(this.#bytes, this.#length, name);
    this.#length = writeText(this.#bytes, this.#length, value);
  }

  #addLength(length: number): void {
    const bytes = this.#bytes;
    if (length >= longLength) this.#length = bytes.writeUInt32BE((length | 0x80000000) >>> 0, this.#length);
    else bytes[this.#length++] = length;
  }

  /** Writes them as PARAMS records, with the empty one that ends them. */
  writeTo(writer: ByteWriter): void {
    for (let at = 0; at < this.#length; at += recordContentMax) {
      const end = Math.min(this.#length, at + recordContentMax);
      writeRecordHeader(writer, recordTypes.params, end - at);
      writer.bytes(this.#bytes, at, end);
    }
    writeRecordHeader(writer, recordTypes.params, 0);
  }

  #makeRoom(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
    copyBytes(this.#bytes, 0, this.#length, larger, 0);
    this.#bytes = larger;
  }
}
