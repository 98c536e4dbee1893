import type {
  Transport,
  TransportFacts,
  TransportListener,
  NextTurnListener,
  TurnEndListener,
} from '../src/core/transport.ts';

/** The transport of one side that was last written to, on which the simulated peer must answer. */
export interface Side {
  written: CostlessTransport | null;
}

/** A transport that takes every byte at once, keeps none, and costs next to nothing. */
export class CostlessTransport implements Transport {
  readonly facts: TransportFacts;
  listener: TransportListener = deaf;
  readonly pendingBytes = 0;
  sentBytes = 0;
  /** Whether this end has been closed or ended. */
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

  notifyAtTurnEnd(listener: TurnEndListener): void {
    listener.onTurnEnd();
  }

  notifyNextTurn(listener: NextTurnListener): void {
    listener.onNextTurn();
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
