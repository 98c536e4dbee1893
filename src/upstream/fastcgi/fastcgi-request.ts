import type { OutgoingRequest, Ownership } from '../../core/message.ts';
import type { Transport } from '../../core/transport.ts';
import type { ByteWriter, Composer } from '../../wire/byte-writer.ts';
import { recordTypes } from '../../wire/fastcgi-reader.ts';
import { writeBegin, writeRecordHeader } from '../../wire/fastcgi-writer.ts';
import { CgiVariables } from './cgi-variables.ts';

const variables = new CgiVariables();

/** A part of a body leaves in records of this size: it is composed, or handed to the system as it is. */
const sliceBytes = 32 * 1024;

/** Owned bytes from this size on are handed to the system as they are. */
const directBytesMin = 16 * 1024;

/** The request that a stream sends. Lives as long as its connection; `begin` starts anew. */
export class FastCgiRequest implements Composer {
  readonly transport: Transport;
  /** Of the body. */
  bytesSent = 0;
  /** All of it was given. */
  isWhole = false;
  readonly #writer: ByteWriter;
  #sentBefore = 0;

  constructor(transport: Transport, writer: ByteWriter) {
    this.transport = transport;
    this.#writer = writer;
  }

  /** False: nothing is sent, because the length of the body is not known: programs are told it beforehand (RFC 3875 §4.1.2). */
  begin(request: OutgoingRequest, isLast: boolean): boolean {
    this.isWhole = false;
    this.bytesSent = 0;
    this.#sentBefore = this.transport.sentBytes;
    if (request.framing.kind === 'chunked' || request.framing.kind === 'until-close') return false;
    variables.compose(request);
    this.#writer.claim(this);
    writeBegin(this.#writer, !isLast);
    variables.writeTo(this.#writer);
    return true;
  }

  /** Whether any byte of it has been handed to the system. */
  get begun(): boolean {
    return this.transport.sentBytes > this.#sentBefore;
  }

  sendBody(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    this.bytesSent += end - start;
    let hasRoom = true;
    for (let at = start; at < end; at += sliceBytes)
      hasRoom = this.#sendSlice(bytes, at, Math.min(end, at + sliceBytes), ownership);
    return hasRoom && this.transport.pendingBytes === 0;
  }

  #sendSlice(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    const writer = this.#writer;
    writer.claim(this);
    writeRecordHeader(writer, recordTypes.stdin, end - start);
    if (ownership === 'owned' && end - start >= directBytesMin) {
      writer.flush(this);
      return this.transport.write(bytes, start, end, 'owned');
    }
    writer.bytes(bytes, start, end);
    return writer.composed(this) < sliceBytes || writer.flush(this);
  }

  end(): void {
    if (this.isWhole) return;
    this.#writer.claim(this);
    writeRecordHeader(this.#writer, recordTypes.stdin, 0);
    this.isWhole = true;
  }

  /** Returns false while bytes are pending. */
  flush(): boolean {
    return this.#writer.flush(this);
  }

  discard(): void {
    this.#writer.discard(this);
  }
}
