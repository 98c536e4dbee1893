import type { MessageHeaders, OutgoingRequest, Ownership } from '../core/message.ts';
import type { Transport } from '../core/transport.ts';
import type { ByteWriter, Composer } from '../wire/byte-writer.ts';
import { writeLastChunk } from '../wire/chunked.ts';
import { type ContentCoding, sendBody } from '../wire/send-body.ts';
import { writeRequestHead } from '../wire/write-head.ts';

/** The request that a stream sends. Lives as long as its connection; `begin` starts anew. */
export class Http1Request implements Composer {
  readonly transport: Transport;
  /** Of the body, without its coding. */
  bytesSent = 0;
  /** All of it was given, or the client's direction of a tunnel has ended. */
  isWhole = false;
  /** What is given now is the client's direction of a tunnel. */
  isTunnel = false;
  readonly #writer: ByteWriter;
  #coding: ContentCoding = 'plain';
  #sentBefore = 0;

  constructor(transport: Transport, writer: ByteWriter) {
    this.transport = transport;
    this.#writer = writer;
  }

  begin(request: OutgoingRequest, isLast: boolean): void {
    this.#coding = request.framing.kind === 'chunked' ? 'chunked' : 'plain';
    this.isWhole = false;
    this.isTunnel = false;
    this.bytesSent = 0;
    this.#sentBefore = this.transport.sentBytes;
    this.#writer.claim(this);
    writeRequestHead(this.#writer, request, isLast);
  }

  /** Bytes follow that are the client's direction of a tunnel. The request is whole. */
  beginTunnel(): void {
    this.#coding = 'plain';
    this.isWhole = false;
    this.isTunnel = true;
  }

  /**
   * Small requests wait in the transport for the end of the event loop's turn. If the connection ends in the same turn,
   * nothing of the request has been sent.
   */
  get begun(): boolean {
    return this.transport.sentBytes > this.#sentBefore;
  }

  sendBody(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    this.bytesSent += end - start;
    const taken = sendBody(this.#writer, this, this.#coding, bytes, start, end, ownership);
    // Bytes of an earlier flush may still be pending: small slices must not pile up behind them.
    return taken && this.transport.pendingBytes === 0;
  }

  end(trailers: MessageHeaders | null): void {
    if (this.#coding === 'chunked') {
      this.#writer.claim(this);
      writeLastChunk(this.#writer, trailers);
    }
    this.isWhole = true;
  }

  /** Returns false while bytes are pending. */
  flush(): boolean {
    return this.#writer.flush(this);
  }

  /** The body as far as it was given. It stands behind the head, unless it is chunked; chunks are not taken apart. */
  reclaimBody(): Uint8Array | null {
    if (this.#writer.composed(this) > 0) return null; // Within a read of the client, where no failure comes from the endpoint.
    const held = this.transport.reclaimUnsent();
    if (this.bytesSent > 0 || this.isWhole) {
      if (this.#coding === 'chunked' || held.length < this.bytesSent) return null;
    }
    return held.subarray(held.length - this.bytesSent);
  }

  discard(): void {
    this.#writer.discard(this);
  }
}
