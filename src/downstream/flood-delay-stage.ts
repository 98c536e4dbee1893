import { after, type Clock, type Timer } from '../core/time.ts';
import type { TransportListener } from '../core/transport.ts';
import type { PrefaceConnection, PrefaceStage } from './preface-stage.ts';

/** Lets a connection wait whose address has flooded before: nothing of it is read, and no handshake begins. */
export const floodDelayStage: PrefaceStage = {
  rule: 'request-line',
  bytesMax: 0,
  read(connection, bytes, start, end) {
    const delayMs = connection.admitAfterMs();
    if (delayMs === 0) return 0;
    const delayed = new DelayedConnection(connection, new Uint8Array(bytes.subarray(start, end)));
    delayed.start(connection.clock, delayMs);
    return 'taken';
  },
};

/** A connection that waits. It keeps the read that was made already. */
class DelayedConnection implements TransportListener {
  readonly #connection: PrefaceConnection;
  #bytes: Uint8Array;
  #timer: Timer | null = null;

  constructor(connection: PrefaceConnection, bytes: Uint8Array) {
    this.#connection = connection;
    this.#bytes = bytes;
  }

  start(clock: Clock, delayMs: number): void {
    const { transport } = this.#connection;
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
    const { transport } = this.#connection;
    this.#connection.continueOn(transport);
    // First: an engine that has enough for now pauses in `onBytes`.
    transport.resume();
    transport.listener.onBytes(this.#bytes, 0, this.#bytes.length);
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
