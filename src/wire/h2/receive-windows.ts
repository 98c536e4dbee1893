import { h2Limits } from './limits.ts';
import type { SessionSender } from './session-sender.ts';
import type { SessionStream } from './session-stream.ts';

/**
 * What the peer may send: the receive windows of a session and its streams (RFC 9113 §5.2), and the WINDOW_UPDATE frames that open them
 * again as the body is consumed.
 */
export class ReceiveWindows {
  readonly #sender: SessionSender;
  #window: number = h2Limits.connectionWindowBytes;
  #consumedBytes = 0;
  #isOver = false;

  constructor(sender: SessionSender) {
    this.#sender = sender;
  }

  /** Counts `bytes` of DATA against the connection's window. False: they are more than the peer may send. */
  take(bytes: number): boolean {
    this.#window -= bytes;
    return this.#window >= 0;
  }

  /** Counts `bytes` of DATA against the stream's window, too. */
  takeOf(stream: SessionStream, bytes: number): boolean {
    stream.receiveWindow -= bytes;
    stream.unconsumedBytes += bytes;
    return stream.receiveWindow >= 0;
  }

  /** Nothing more is sent. */
  stop(): void {
    this.#isOver = true;
  }

  /** The stream's body is wanted: the peer gets a larger window (§5.2.2). */
  widen(stream: SessionStream): void {
    const more = h2Limits.windowBytes - stream.windowBytes;
    if (more <= 0 || stream.peerEnded || stream.isOver) return;
    stream.windowBytes += more;
    stream.receiveWindow += more;
    this.#sender.writer.windowUpdate(stream.id, more);
    this.#sender.touch();
  }

  /** The listener has passed on `bytes` of a body: the peer may send as many more. */
  consume(stream: SessionStream, bytes: number): void {
    if (stream.isOver) return;
    this.hold(stream, bytes);
    this.consumeHeld(stream, bytes);
  }

  /**
   * The listener keeps `bytes` of a body until it can pass them on: other streams get their part of the connection's window back,
   * so that one that waits does not stop them. `consumeHeld` follows.
   */
  hold(stream: SessionStream, bytes: number): void {
    if (stream.isOver) return;
    stream.unconsumedBytes -= bytes;
    this.consumeOnConnection(bytes);
  }

  /** The listener has passed on `bytes` that it had kept. */
  consumeHeld(stream: SessionStream, bytes: number): void {
    if (stream.isOver || stream.peerEnded) return;
    stream.consumedBytes += bytes;
    if (stream.consumedBytes * 2 < stream.windowBytes) return;
    this.#sender.writer.windowUpdate(stream.id, stream.consumedBytes);
    this.#sender.touch();
    stream.receiveWindow += stream.consumedBytes;
    stream.consumedBytes = 0;
  }

  /** A body that no stream will pass on any more, or that a stream keeps: other streams may get as much. */
  consumeOnConnection(bytes: number): void {
    this.#consumedBytes += bytes;
    if (this.#consumedBytes * 2 < h2Limits.connectionWindowBytes || this.#isOver) return;
    this.#sender.writer.windowUpdate(0, this.#consumedBytes);
    this.#sender.touch();
    this.#window += this.#consumedBytes;
    this.#consumedBytes = 0;
  }
}
