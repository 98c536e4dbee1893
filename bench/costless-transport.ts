import type { Transport, TransportFacts, TransportListener } from '../src/core/transport.ts';

/** Which transport of one side was written to last, since whoever plays the other end has to answer there. */
export interface Side {
  written: CostlessTransport | null;
}

/** A transport that takes every byte at once, keeps none, and costs next to nothing. */
export class CostlessTransport implements Transport {
  readonly facts: TransportFacts;
  listener: TransportListener = deaf;
  readonly pendingBytes = 0;
  sentBytes = 0;
  /** We have closed it, or said that we send no more. */
  over = false;
  readonly #side: Side;

  constructor(side: Side, remoteAddress: string, remotePort: number, localPort: number) {
    this.#side = side;
    this.facts = { kind: 'tcp', remoteAddress, remotePort, localAddress: '127.0.0.1', localPort, tls: null };
  }

  /** The other end sends these bytes. */
  deliver(bytes: Uint8Array): void {
    this.listener.onBytes(bytes, 0, bytes.length);
  }

  write(_bytes: Uint8Array, start: number, end: number): boolean {
    this.sentBytes += end - start;
    this.#side.written = this;
    return true;
  }

  reclaimUnsent(): Uint8Array {
    return nothing;
  }

  isQuiet(): boolean {
    return true;
  }

  hasUnread(): boolean {
    return false;
  }

  pause(): void {}

  resume(): void {}

  readInBulk(): void {}

  end(): void {
    this.over = true;
  }

  close(): void {
    this.over = true;
  }
}

const nothing = new Uint8Array(0);

const deaf: TransportListener = { onBytes() {}, onEnd() {}, onWritten() {}, onClosed() {} };
