import { after, type Timer } from '../core/time.ts';
import type { TransportListener } from '../core/transport.ts';
import type { PrefaceConnection } from './preface-stage.ts';

/** A connection of which nothing is read for some time. It keeps what was read already, and passes it to `goOn`. */
export class DelayedConnection implements TransportListener {
  readonly #connection: PrefaceConnection;
  readonly #goOn: (bytes: Uint8Array) => void;
  #bytes: Uint8Array;
  #timer: Timer | null = null;

  /** `bytes` are the caller's: they are copied. */
  constructor(connection: PrefaceConnection, bytes: Uint8Array, goOn: (bytes: Uint8Array) => void) {
    this.#connection = connection;
    this.#goOn = goOn;
    this.#bytes = new Uint8Array(bytes);
  }

  start(delayMs: number): void {
    const { transport, clock } = this.#connection;
    transport.pause();
    transport.listener = this;
    this.#connection.takeOver({
      cancel: () => {
        this.#timer?.cancel();
        transport.close('close');
      },
    });
    this.#timer = clock.schedule(after(clock.now(), delayMs), goOn, this as DelayedConnection);
  }

  /** For the timer alone. */
  goOn(): void {
    this.#goOn(this.#bytes);
  }

  /** Bytes that were read before the transport paused. */
  onBytes(bytes: Uint8Array, start: number, end: number): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes.subarray(start, end)]);
  }

  onEnd(): void {
    this.#connection.close();
  }

  onWritten(): void {}

  onClosed(): void {
    this.#connection.close();
  }
}

function goOn(connection: DelayedConnection): void {
  connection.goOn();
}
