import type { HeaderFilter } from '../../core/header-names.ts';
import type { MessageHeaders, OutgoingResponse, Ownership, RequestHead } from '../../core/message.ts';
import type { Transport } from '../../core/transport.ts';
import { writeLastChunk } from '../../wire/chunked.ts';
import type { Composer, ByteWriter } from '../../wire/byte-writer.ts';
import { sendBody } from '../../wire/send-body.ts';
import { type ResponseFraming, writeInformation, writeResponseHead, writeSwitchHead } from '../../wire/write-head.ts';

/** Interim responses are hints: a client that does not read loses some, so that the gateway need not buffer all. */
const informationPendingMax = 64 * 1024;

/** Writes the responses of one HTTP/1 connection, one after the other, and knows how far each has come. */
export class ResponseWriter implements Composer {
  readonly transport: Transport;
  begun = false;
  ended = false;
  /** Bytes of the body. */
  bytesSent = 0;
  readonly #writer: ByteWriter;
  /** The gateway has sent 100 Continue. */
  #continued = false;
  #framing: ResponseFraming = 'none';

  constructor(transport: Transport, writer: ByteWriter) {
    this.transport = transport;
    this.#writer = writer;
  }

  /** Begins the next response. */
  begin(): void {
    this.begun = false;
    this.ended = false;
    this.bytesSent = 0;
    this.#continued = false;
  }

  /** RFC 9110 §10.1.1: the client waits for this before it sends its body. */
  continue(): void {
    this.#continued = true;
    this.#writer.claim(this);
    this.#writer.text('HTTP/1.1 100 Continue\r\n\r\n');
    this.#writer.flush(this);
  }

  /**
   * Composes an interim response, unless the final one has begun or too much is pending. The endpoint is not asked for a 100, so
   * the client gets one that it sends (RFC 9110 §15.2), unless the gateway has sent one already.
   */
  inform(status: number, headers: MessageHeaders, drop: HeaderFilter): void {
    if (status === 100 && this.#continued) return;
    if (this.begun || this.transport.pendingBytes > informationPendingMax) return;
    this.#writer.claim(this);
    writeInformation(this.#writer, status, headers, drop);
  }

  /** Composes the head. Returns whether the connection may serve another request. */
  head(response: OutgoingResponse, { version, method }: RequestHead, persistent: boolean): boolean {
    this.begun = true;
    this.#writer.claim(this);
    this.#framing = writeResponseHead(this.#writer, response, { persistent, version }, method);
    return persistent && this.#framing !== 'until-close';
  }

  /** Composes the response after which the connection speaks `protocol`; bytes are sent as they are from then on. */
  switchTo(protocol: string, response: OutgoingResponse): void {
    this.begun = true;
    this.#writer.claim(this);
    writeSwitchHead(this.#writer, protocol, response);
    this.#framing = 'until-close';
  }

  /** Whether a body without a length is being sent. */
  get isOpenEnded(): boolean {
    return this.begun && !this.ended && (this.#framing === 'chunked' || this.#framing === 'until-close');
  }

  /** Whether the body ends with the connection. */
  get endsWithConnection(): boolean {
    return this.#framing === 'until-close';
  }

  /** False: bytes are pending. */
  body(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    if (this.#framing === 'none') return true;
    this.bytesSent += end - start;
    const coding = this.#framing === 'chunked' ? 'chunked' : 'plain';
    return sendBody(this.#writer, this, coding, bytes, start, end, ownership);
  }

  /** Ends the body and sends what is composed. False: bytes are pending. */
  end(trailers: MessageHeaders | null): boolean {
    this.ended = true;
    if (this.#framing === 'chunked') {
      this.#writer.claim(this);
      writeLastChunk(this.#writer, trailers);
    }
    return this.#writer.flush(this);
  }

  /** Sends what is composed. False: bytes are pending. */
  flush(): boolean {
    return this.#writer.flush(this);
  }

  /** Discards what is composed. */
  discard(): void {
    this.#writer.discard(this);
  }
}
