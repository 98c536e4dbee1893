import { lookup } from 'node:dns';
import { connect as connectTcp, type NetConnectOpts, type Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type {
  Cancellable,
  Connector,
  ConnectTarget,
  ConnectWaiter,
  ResolveWaiter,
  TlsTarget,
  NetworkFault,
} from '../core/connector.ts';
import type {
  Transport,
  TlsFacts,
  TransportFacts,
  TransportListener,
  TurnEndListener,
  NextTurnListener,
} from '../core/transport.ts';
import { tlsNotAgreed, tlsTruncated } from '../core/tls-codes.ts';
import { networkFault, errnoOf } from './errno.ts';
import { unixFacts, plainAddress } from './handle-facts.ts';
import { ignoringListener } from './handle-transport.ts';
import { Handshake } from './handshake.ts';
import { PlainConnect } from './plain-connect.ts';
import { ReadTarget } from './tls-wire.ts';
import type { Ownership } from '../core/message.ts';
import { heldSliceBytesMax, noBytes, outbox, type OutboxHolder } from './outbox.ts';
import { isQuietAt } from './unread-bytes.ts';

/** A request without a large body, which a session encrypts and hands on in one step. */
const judgedBytesMax = 8 * 1024;

/**
 * A transport over Node's TLS to an endpoint: the client's side of TLS needs the bytes below the session (`TlsWire`), which Node's handles
 * hide.
 *
 * Nothing here waits for 'drain', which Node emits only after its own limit was reached. Pending bytes are followed by an empty
 * write, whose callback comes when all bytes before it have been sent.
 */
class TlsTransport implements Transport, OutboxHolder {
  listener: TransportListener = ignoringListener;
  readonly facts: TransportFacts;
  /** For `Outbox` alone. */
  heldBytes = 0;
  sentBytes = 0;
  refused: Uint8Array = noBytes;
  readonly #session: TLSSocket;
  /** The connection below the session. */
  readonly #plain: Socket;
  #errno: string | null = null;
  #reportsWritten = false;
  /** Of the session's bytes that count as not written: those that the kernel has accepted all the same. */
  #acceptedEarly = 0;
  #closed = false;

  constructor(session: TLSSocket, plain: Socket, tls: TlsFacts, unixPath: string | null) {
    this.#session = session;
    this.#plain = plain;
    this.facts = factsOf(plain, tls, unixPath);
    session.on('error', (error) => {
      this.#errno = errnoOf(error);
    });
    session.on('end', () => this.listener.onEnd());
    session.on('close', () => {
      this.#closed = true;
      this.listener.onClosed(this.#errno);
    });
    if (this.facts.remoteAddress === '') {
      // Reset in the meantime: its address is unknown.
      this.#errno = 'ECONNRESET';
      session.destroy();
    } else session.on('data', (bytes: Buffer) => this.listener.onBytes(bytes, 0, bytes.length));
  }

  get pendingBytes(): number {
    const { writableLength } = this.#session;
    return writableLength === 0 ? 0 : writableLength - this.#acceptedEarly;
  }

  write(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    const isSmall = end - start <= heldSliceBytesMax;
    if (isSmall && this.#session.writableLength === 0 && !this.#closed) {
      outbox.hold(this, bytes, start, end);
      return true;
    }
    this.#flushHeld();
    const slice = bytes.subarray(start, end);
    // A small part that must wait is copied, so that it does not keep the large buffer alive that it may be part of.
    this.#writeNow(ownership === 'owned' && !isSmall ? slice : Buffer.from(slice));
    if (this.#session.errored === null) this.sentBytes += end - start;
    return this.#isTaken();
  }

  sendHeld(slice: Uint8Array): boolean {
    this.heldBytes -= slice.length;
    const waits = this.#session.writableLength > 0; // All of it will have to: a copy keeps no more than itself.
    this.#writeNow(waits ? Buffer.from(slice) : slice);
    // A write that fails at once fails as a whole: RST had come before, and no byte was sent.
    if (this.#session.errored === null) this.sentBytes += slice.length;
    else this.refused = Buffer.concat([this.refused, slice]);
    // The sender was told that the bytes were taken, so it hears by `onWritten` when they have been sent.
    return this.#isTaken() || waits;
  }

  /**
   * A TLS session reports a write one turn of the event loop after its bytes have left, so that a fast answer comes before the
   * report. The socket below shows what has left: encrypted bytes are never fewer. Only for a small write that waits for no other one.
   */
  #writeNow(slice: Uint8Array): void {
    const plain = this.#plain;
    const isAlone = slice.length <= judgedBytesMax && this.#session.writableLength === 0;
    const before = isAlone ? plain.bytesWritten : 0;
    this.#session.write(slice, this.#written);
    const hasLeft = isAlone && plain.writableLength === 0 && plain.bytesWritten - before >= slice.length;
    this.#acceptedEarly = hasLeft ? slice.length : 0;
  }

  /** Whether nothing is pending; otherwise `onWritten` follows. */
  #isTaken(): boolean {
    if (this.pendingBytes === 0) return true;
    this.#reportsWritten = true;
    return false;
  }

  /**
   * A write has ended. No empty write may stand behind others to report their end: Node passes it by the session to the connection below, and
   * a record of the peer that must be answered meanwhile, such as a damaged one, then meets an assertion of Node's.
   */
  readonly #written = (error?: Error | null): void => {
    if (!this.#reportsWritten || this.#session.writableLength > 0) return;
    this.#reportsWritten = false;
    // After an error 'close' follows and tells.
    if ((error === undefined || error === null) && !this.#closed) this.listener.onWritten();
  };

  notifyAtTurnEnd(listener: TurnEndListener): void {
    outbox.notifyAtTurnEnd(listener);
  }

  notifyNextTurn(listener: NextTurnListener): void {
    outbox.notifyNextTurn(listener);
  }

  reclaimUnsent(): Uint8Array {
    return this.heldBytes > 0 || this.refused.length > 0 ? outbox.reclaimUnsent(this) : noBytes;
  }

  isQuiet(): boolean {
    const { _handle: handle } = this.#plain as unknown as { readonly _handle: { readonly fd: number } | null };
    return handle === null ? !this.#plain.destroyed : isQuietAt(handle.fd);
  }

  hasUnread(): boolean {
    return false; // Within TLS bytes are not yet what they mean.
  }

  pause(): void {
    this.#session.pause();
  }

  resume(): void {
    if (!this.#closed) this.#session.resume();
  }

  readInBulk(): void {} // A read is one record of at most 16 KiB.

  end(then?: 'close'): void {
    this.#flushHeld();
    if (then === 'close') this.#session.destroySoon();
    else this.#session.end();
  }

  #flushHeld(): void {
    if (this.heldBytes > 0) outbox.flush();
  }

  close(): void {
    this.#flushHeld();
    this.#session.destroy();
  }
}

function factsOf(socket: Socket, tls: TlsFacts, unixPath: string | null): TransportFacts {
  if (unixPath !== null) return { ...unixFacts(unixPath), tls };
  return {
    kind: 'tcp',
    remoteAddress: plainAddress(socket.remoteAddress),
    remotePort: socket.remotePort ?? 0,
    localAddress: plainAddress(socket.localAddress),
    localPort: socket.localPort ?? 0,
    tls,
  };
}

/** Connects to endpoints over real sockets. */
export const socketConnector: Connector = { resolve, connect: (target, waiter) => connect(target, waiter) };

/**
 * As `socketConnector`, with descriptors up to that one: a new descriptor is always the lowest free one, so that those above
 * stay free for others. A connection that would have a higher one fails as if none were left.
 */
export function connectorWithin(descriptorMax: number): Connector {
  return { resolve, connect: (target, waiter) => connect(target, waiter, descriptorMax) };
}

function resolve(name: string, waiter: ResolveWaiter): Cancellable {
  let wanted = true;
  lookup(name, { all: true, order: 'verbatim' }, (error, addresses) => {
    if (!wanted) return;
    if (error !== null) waiter.onResolveFailed(networkFault('dns', error));
    else waiter.onResolved(addresses.map((entry) => entry.address));
  });
  return {
    cancel() {
      wanted = false;
    },
  };
}

export function connect(target: ConnectTarget, waiter: ConnectWaiter, descriptorMax = Infinity): Cancellable {
  const { tls } = target;
  return tls === null
    ? new PlainConnect(target, waiter, descriptorMax)
    : connectTls(target, tls, waiter, descriptorMax);
}

function connectTls(target: ConnectTarget, tls: TlsTarget, waiter: ConnectWaiter, descriptorMax: number): Cancellable {
  const reads = new ReadTarget();
  const socket = connectTcp({ ...addressOf(target), onread: reads.onread });
  const failed = (error: Error): void => {
    socket.destroy();
    waiter.onConnectFailed(networkFault('connect', error));
  };
  socket.once('error', failed);
  if (descriptorMax !== Infinity) process.nextTick(leaveReserve, socket, descriptorMax);
  let begun: Cancellable | null = null;
  socket.once('connect', () => {
    socket.off('error', failed);
    if (target.header != null) sendHeader(socket, target.header);
    waiter.onTransportConnected();
    const onAgreed = (): void => {
      begun = new Handshake(socket, reads, tls, {
        onSecure: (secure, facts) => waiter.onConnected(new TlsTransport(secure, socket, facts, unixPath(target))),
        onHandshakeFailed: (fault) => waiter.onConnectFailed(fault),
      });
    };
    if (tls.startTls === undefined) return onAgreed();
    const onRefused = (fault: NetworkFault): void => waiter.onConnectFailed(fault);
    begun = askForTls(socket, reads, tls.startTls, { onAgreed, onRefused });
  });
  return {
    cancel() {
      if (begun === null) cancel(socket);
      else begun.cancel();
    },
  };
}

/**
 * Asks in clear text whether the peer speaks TLS. Bytes behind its answer may be those of another, who wants them to be taken for
 * what the session says: the peer has agreed by one byte alone.
 */
function askForTls(
  socket: Socket,
  reads: ReadTarget,
  { ask, agreed }: NonNullable<TlsTarget['startTls']>,
  { onAgreed, onRefused }: { onAgreed: () => void; onRefused: (fault: NetworkFault) => void },
): Cancellable {
  const stop = (): void => {
    socket.off('error', onError).off('end', onEnded).off('close', onEnded);
    reads.take({ deliver: () => undefined });
  };
  const refused = (fault: NetworkFault): void => {
    stop();
    cancel(socket);
    onRefused(fault);
  };
  const onError = (error: Error): void => refused(networkFault('tls', error));
  const onEnded = (): void => refused({ stage: 'tls', code: tlsTruncated, alertId: null });
  socket.on('error', onError).on('end', onEnded).on('close', onEnded);
  reads.take({
    deliver(bytes, length) {
      if (length === 1 && bytes[0] === agreed) {
        stop();
        return onAgreed();
      }
      const firstBytes = Buffer.from(bytes.subarray(0, Math.min(length, 64))).toString('hex');
      refused({ stage: 'tls', code: tlsNotAgreed, alertId: null, firstBytes });
    },
  });
  socket.write(ask);
  return {
    cancel() {
      stop();
      cancel(socket);
    },
  };
}

/** Node makes the socket in the next tick; its descriptor is known from then on. */
function leaveReserve(socket: Socket, descriptorMax: number): void {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: number } | null };
  if (socket.destroyed || !socket.connecting || (handle?.fd ?? -1) <= descriptorMax) return;
  socket.destroy(Object.assign(new Error('The other descriptors are reserved.'), { code: 'EMFILE' }));
}

/**
 * The header leaves at once: bytes that wait in a transport are taken for the request's. An error of the write shows
 * again on the connection's next read or write, and its report must not end the process where nothing else listens.
 */
function sendHeader(socket: Socket, header: Uint8Array): void {
  socket.on('error', () => undefined);
  socket.write(header);
}

function addressOf(target: ConnectTarget): NetConnectOpts {
  const common = { allowHalfOpen: true, noDelay: true, autoSelectFamily: false };
  return target.kind === 'unix'
    ? { ...common, path: target.path }
    : { ...common, host: target.address, port: target.port };
}

function unixPath(target: ConnectTarget): string | null {
  return target.kind === 'unix' ? target.path : null;
}

/** Ignores the errors of a socket that was given up. */
function cancel(socket: Socket): void {
  socket.removeAllListeners('error');
  socket.on('error', () => undefined);
  socket.removeAllListeners('connect');
  socket.destroy();
}
