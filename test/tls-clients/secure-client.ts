import { connect as connectPlain, type Socket } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { RawClient } from '../../src/testing/testing.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * A raw client within a TLS session. The connection below the session is at hand too, for what TLS does not do by itself: a
 * FIN without `close_notify`, an RST, bytes that are no record.
 */
export class SecureClient extends RawClient {
  readonly plain: Socket;
  readonly secure: TLSSocket;
  readonly #handshake: Promise<void>;
  /** What is written after the part that is being sent. */
  readonly #queue: Uint8Array[] = [];
  #isSending = false;
  #endsHalf = false;

  constructor(address: Address, options: ConnectionOptions = {}) {
    const plain = connectPlain({ host: address.host, port: address.port, noDelay: true });
    const secure = connect({ ...options, socket: plain });
    super({ ...address, open: () => secure });
    this.plain = plain;
    this.secure = secure;
    // Without a session the error of the connection would reach nobody.
    plain.on('error', (error) => void secure.destroy(error));
    this.#handshake = new Promise((resolve, reject) => {
      secure.once('secureConnect', () => resolve());
      secure.once('error', reject);
      secure.once('close', () => reject(new Error('the connection was closed before the session began')));
    });
    this.#handshake.catch(() => {}); // A test that does not ask for it looks at `state`.
  }

  /**
   * Resolves when the handshake is complete at this end; rejects with Node's error when it fails. The last message of the
   * client may not have been sent yet.
   */
  get handshake(): Promise<void> {
    return this.#handshake;
  }

  /**
   * One part after the other. Node's socket would join all parts that wait, and encrypt them at once: a large upload then
   * stops this thread, in which the origins of the tests run too.
   */
  override write(bytes: string | Uint8Array): void {
    this.#queue.push(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
    if (!this.#isSending) this.#sendNext();
  }

  #sendNext(): void {
    const next = this.#queue.shift();
    this.#isSending = next !== undefined;
    if (next !== undefined) this.secure.write(next, () => this.#sendNext());
    else if (this.#endsHalf) super.finish();
  }

  /** `close_notify` and FIN, behind all that has been written. */
  override finish(): void {
    this.#endsHalf = true;
    if (!this.#isSending) super.finish();
  }

  /** Resolves when the bytes are with the kernel, in records of their own. */
  writeRecord(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      this.secure.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes, (error) =>
        error === null || error === undefined ? resolve() : reject(error),
      );
    });
  }

  /** Bytes on the connection below, between the records of the session. */
  writeBelow(bytes: Uint8Array): void {
    this.plain.write(bytes);
  }

  /** FIN without `close_notify` before it. */
  finishBelow(): void {
    this.plain.end();
  }

  /** RST at once. A TLS socket of Node cannot do it by itself. */
  override reset(): void {
    this.plain.resetAndDestroy();
    this.close();
  }
}
