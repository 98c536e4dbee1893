import { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { noteWork } from './simulated-time.ts';

/** A connection without a network: what one end writes, the other reads in a later turn. */
export function socketPair(): readonly [client: Socket, origin: Socket] {
  // As sockets of clients do, the client's end answers FIN with FIN.
  const [client, origin] = [new MemorySocket(false), new MemorySocket(true)];
  client.peer = origin;
  origin.peer = client;
  return [client as unknown as Socket, origin as unknown as Socket];
}

/** What the system says of a connection: with the properties that libraries look at. */
export function socketError(syscall: 'connect' | 'read', code: 'ECONNREFUSED' | 'ECONNRESET'): Error {
  const errno = code === 'ECONNREFUSED' ? -111 : -104;
  const where = syscall === 'connect' ? ' 127.0.0.1:80' : '';
  return Object.assign(new Error(`${syscall} ${code}${where}`), { code, errno, syscall });
}

class MemorySocket extends Duplex {
  peer: MemorySocket | null = null;
  readonly remoteAddress = '127.0.0.1';
  readonly remotePort = 80;
  readonly connecting = false;
  readonly encrypted = false;
  #timer: ReturnType<typeof setTimeout> | null = null;

  constructor(allowHalfOpen: boolean) {
    super({ allowHalfOpen });
  }

  override _read(): void {}

  override _write(part: Buffer, _: string, done: (error?: Error) => void): void {
    noteWork();
    // The other end is closed, and its system answers with RST.
    if (this.peer === null) return done(socketError('read', 'ECONNRESET'));
    this.peer.push(part);
    done();
  }

  override _final(done: () => void): void {
    noteWork();
    this.peer?.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    noteWork();
    if (this.#timer !== null) clearTimeout(this.#timer);
    const { peer } = this;
    this.peer = null;
    if (peer !== null) peer.#partnerGone();
    done(error);
  }

  #partnerGone(): void {
    this.peer = null;
    if (!this.destroyed && !this.readableEnded) this.push(null);
  }

  /** RST: the other end loses what it has not read, and gets an error. */
  resetAndDestroy(): this {
    const { peer } = this;
    this.peer = null;
    if (peer !== null) {
      peer.peer = null;
      process.nextTick(() => peer.destroy(socketError('read', 'ECONNRESET')));
    }
    return this.destroy();
  }

  destroySoon(): void {
    this.end(() => this.destroy());
  }

  /** Once, whatever happens on the connection: no library here sets it again for each part. */
  setTimeout(ms: number, fire?: () => void): this {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = ms > 0 ? setTimeout(() => this.emit('timeout'), ms) : null;
    if (fire !== undefined) this.once('timeout', fire);
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }
}
