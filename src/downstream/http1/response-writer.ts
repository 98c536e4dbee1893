import type { FieldFilter } from '../../core/field-names.ts';
import type { Fields, OutgoingResponse, Ownership, RequestHead } from '../../core/message.ts';
import type { Transport } from '../../core/transport.ts';
import { writeLastChunk } from '../../wire/chunked.ts';
import type { Composer, ByteWriter } from '../../wire/byte-writer.ts';
import { sendContent } from '../../wire/send-content.ts';
import { type ResponseFraming, writeInformation, writeResponseHead, writeSwitchHead } from '../../wire/write-head.ts';

/** Interim responses are hints: a client that takes none of them loses some, rather than have us keep them all. */
const informationPendingMax = 64 * 1024;

/** The responses of one HTTP/1 connection, one after the other: composed, sent, and how far each has come. */
export class ResponseWriter implements Composer {
  readonly transport: Transport;
  begun = false;
  ended = false;
  /** Bytes of content. */
  bytesSent = 0;
  readonly #writer: ByteWriter;
  /** The client has been told by us to go on. */
  #continued = false;
  #framing: ResponseFraming = 'none';

  constructor(transport: Transport, writer: ByteWriter) {
    this.transport = transport;
    this.#writer = writer;
  }

  /** The next response. */
  begin(): void {
    this.begun = false;
    this.ended = false;
    this.bytesSent = 0;
    this.#continued = false;
  }

  /** RFC 9110 §10.1.1: the client waits for this before it sends its content. */
  continue(): void {
    this.#continued = true;
    this.#writer.claim(this);
    this.#writer.text('HTTP/1.1 100 Continue\r\n\r\n');
    this.#writer.flush(this);
  }

  /**
   * Composes an interim response, where it may still come and is not held up. The endpoint is not asked for a 100, so one
   * that it sends is the client's like any other (RFC 9110 §15.2), but for a client that has had ours.
   */
  inform(status: number, fields: Fields, drop: FieldFilter): void {
    if (status === 100 && this.#continued) return;
    if (this.begun || this.transport.pendingBytes > informationPendingMax) return;
    this.#writer.claim(this);
    writeInformation(this.#writer, status, fields, drop);
  }

  /** Composes the head. Returns whether the connection may live on after the response. */
  head(response: OutgoingResponse, { version, method }: RequestHead, persistent: boolean): boolean {
    this.begun = true;
    this.#writer.claim(this);
    this.#framing = writeResponseHead(this.#writer, response, { persistent, version }, method);
    return persistent && this.#framing !== 'until-close';
  }

  /** Composes the response after which the connection speaks `protocol`; what is sent then is sent as it is. */
  switchTo(protocol: string, response: OutgoingResponse): void {
    this.begun = true;
    this.#writer.claim(this);
    writeSwitchHead(this.#writer, protocol, response);
    this.#framing = 'until-close';
  }

  /** Whether content flows that does not say how long it is. */
  get isOpenEnded(): boolean {
    return this.begun && !this.ended && (this.#framing === 'chunked' || this.#framing === 'until-close');
  }

  /** Whether the end of the connection is all that ends the content. */
  get endsWithConnection(): boolean {
    return this.#framing === 'until-close';
  }

  /** False: the client has not taken it all yet. */
  content(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    if (this.#framing === 'none') return true;
    this.bytesSent += end - start;
    const coding = this.#framing === 'chunked' ? 'chunked' : 'plain';
    return sendContent(this.#writer, this, coding, bytes, start, end, ownership);
  }

  /** Ends the content and sends what is composed. False: the client has not taken it all yet. */
  end(trailers: Fields | null): boolean {
    this.ended = true;
    if (this.#framing === 'chunked') {
      this.#writer.claim(this);
      writeLastChunk(this.#writer, trailers);
    }
    return this.#writer.flush(this);
  }

  /** Sends what is composed. False: the client has not taken it all yet. */
  flush(): boolean {
    return this.#writer.flush(this);
  }

  /** Forgets what is composed. */
  discard(): void {
    this.#writer.discard(this);
  }
}
