import { Duplex } from 'node:stream';
import { type SecureContextOptions, TLSSocket, type TLSSocketOptions } from 'node:tls';
import type { Transport, TransportFacts, TransportListener } from '../../src/core/transport.ts';
import type { PrefaceStage } from '../../src/downstream/preface-stage.ts';

type ServerTls = SecureContextOptions & Pick<TLSSocketOptions, 'ALPNProtocols'>;

/** Starts a TLS session, with Node's code, on connections that begin one; other connections continue in clear text. */
export function tlsStage(options: ServerTls): PrefaceStage {
  return {
    rule: 'tls-on-plain-port',
    read(connection, bytes, start, end) {
      if (bytes[start] !== 0x16) return 0;
      const below = new TransportStream(connection.transport, () => connection.close());
      const session = new TLSSocket(below as never, { ...options, isServer: true });
      session.once('secure', () => connection.continueOn(new SessionTransport(session, connection.transport.facts)));
      session.on('error', () => connection.close());
      below.onBytes(bytes, start, end);
      return 'taken';
    },
  };
}

/** The bytes of a transport as a Node stream. */
class TransportStream extends Duplex implements TransportListener {
  readonly #transport: Transport;
  readonly #closed: () => void;
  #taken: (() => void) | null = null;

  constructor(transport: Transport, closed: () => void) {
    super({ allowHalfOpen: true });
    this.#transport = transport;
    this.#closed = closed;
    transport.listener = this;
  }

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    this.push(Buffer.from(bytes.subarray(start, end)));
  }

  onEnd(): void {
    this.push(null);
  }

  onWritten(): void {
    this.#taken?.();
    this.#taken = null;
  }

  onClosed(): void {
    this.destroy();
    this.#closed();
  }

  override _read(): void {}

  override _write(chunk: Buffer, _: BufferEncoding, taken: () => void): void {
    if (this.#transport.write(chunk, 0, chunk.length, 'owned')) taken();
    else this.#taken = taken;
  }

  override _final(done: () => void): void {
    this.#transport.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#transport.close('close');
    done(error);
  }
}

/** The bytes within the session. */
class SessionTransport implements Transport {
  readonly facts: TransportFacts;
  listener: TransportListener = { onBytes() {}, onEnd() {}, onWritten() {}, onClosed() {} };
  sentBytes = 0;
  readonly #session: TLSSocket;

  constructor(session: TLSSocket, below: TransportFacts) {
    this.#session = session;
    const { alpnProtocol } = session;
    const serverName = (session as TLSSocket & { servername?: string | false }).servername;
    const alpn = typeof alpnProtocol === 'string' ? alpnProtocol : null;
    this.facts = {
      ...below,
      tls: {
        version: session.getProtocol() ?? '',
        serverName: serverName === false ? null : (serverName ?? null),
        alpn,
      },
    };
    session.on('data', (bytes: Buffer) => this.listener.onBytes(bytes, 0, bytes.length));
    session.on('end', () => this.listener.onEnd());
    session.on('close', () => this.listener.onClosed(null));
  }

  get pendingBytes(): number {
    return this.#session.writableLength;
  }

  write(bytes: Uint8Array, start: number, end: number): boolean {
    this.sentBytes += end - start;
    this.#session.write(Buffer.from(bytes.subarray(start, end)), () => {
      if (this.pendingBytes === 0) this.listener.onWritten();
    });
    return this.pendingBytes === 0;
  }

  reclaimUnsent(): Uint8Array {
    return new Uint8Array(0);
  }

  isQuiet(): boolean {
    return true;
  }

  hasUnread(): boolean {
    return false;
  }

  pause(): void {
    this.#session.pause();
  }

  resume(): void {
    this.#session.resume();
  }

  readInBulk(): void {}

  end(): void {
    this.#session.end();
  }

  close(): void {
    this.#session.destroy();
  }
}
