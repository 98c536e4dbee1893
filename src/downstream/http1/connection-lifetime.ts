import { invariantOf } from '../../core/assert.ts';
import type { ClientConnection, OpenConnection } from '../../core/client-engine.ts';
import { fail, type Failure } from '#failures/failure.ts';
import type { MessageHeaders } from '../../core/message.ts';
import type { DownstreamHandler, EndingInstance } from '../../core/stream.ts';
import type { Instant } from '../../core/time.ts';
import type { Transport } from '../../core/transport.ts';
import { HalfClosedTimeout, type HalfClosedOwner } from '../half-closed.ts';
import type { ListenerSettings } from '../listener-settings.ts';
import { noteLoss } from '../note-loss.ts';
import type { DownstreamPorts } from '../ports.ts';
import type { Awaited, ClientTimeouts, ClientTimeoutsOwner, Slowness } from '../timeouts.ts';
import { bodyTimeout, bodyTruncated, headTimeout, notRead } from '../client-failures.ts';
import type { RequestReader } from './request-reader.ts';
import type { ResponseWriter } from './response-writer.ts';

/** A client does not give up so soon: a FIN this close behind a request means "no more requests". */
const deliberateHalfCloseMs = 50;

/**
 * How an HTTP/1 connection ends: by its listener, by its client, by a timeout, or by a defect of ours. `connection.ts` has
 * what happens on it before.
 */
export abstract class Http1ConnectionLifetime implements ClientConnection, ClientTimeoutsOwner, HalfClosedOwner {
  readonly transport: Transport;
  listed: OpenConnection | null = null;
  protected readonly ports: DownstreamPorts;
  protected readonly listener: ListenerSettings;
  protected abstract readonly reader: RequestReader;
  protected abstract readonly writer: ResponseWriter;
  protected abstract readonly timeouts: ClientTimeouts;
  protected phase: 'requests' | 'exchange' | 'lingering' | 'closed' = 'requests';
  /** Of the exchange on the connection. */
  protected handler: DownstreamHandler | null = null;
  /** Whether the connection serves another request after this one. */
  protected persistent = true;
  /** The client asked for the close, and its request has no body: nothing more comes from it. */
  protected asksClose = false;
  protected draining = false;
  /** The client has sent FIN. */
  protected clientEnded = false;
  protected requestEndedAt: Instant;
  /** The exchange is a tunnel: each side ends its own direction, and the connection ends with both. */
  protected tunnel = false;
  /** In a tunnel: the client still sends the body of its request, and its direction begins behind that (RFC 9110 §7.8). */
  protected tunnelWaits = false;
  /** Runs from the FIN of a client that still gets its responses. */
  #halfClosed: HalfClosedTimeout | null = null;

  constructor(transport: Transport, listener: ListenerSettings, ports: DownstreamPorts) {
    this.transport = transport;
    this.listener = listener;
    this.ports = ports;
    this.requestEndedAt = ports.clock.now();
  }

  /** Begins an exchange for a request that could not be read to its end. */
  protected abstract beginRefused(failure: Failure): void;

  // The end of a request and of an exchange.

  protected endRequest(trailers: MessageHeaders | null): void {
    if (this.reader.ended) return;
    this.reader.end();
    this.requestEndedAt = this.ports.clock.now();
    this.timeouts.await('nothing');
    if (this.tunnelWaits) {
      this.tunnelWaits = false;
      this.reader.beginTunnel();
    }
    this.handler?.onRequestEnd(trailers);
    if (this.tunnel) this.endTunnelIfWhole();
  }

  /** The request cannot be read to its end. The exchange decides what the client gets; nothing more is read. */
  protected failRequest(failure: Failure): void {
    if (this.reader.ended) return;
    this.#stopReading();
    this.handler?.onRequestFailed(failure);
  }

  #stopReading(): void {
    this.persistent = false;
    this.reader.end();
    this.timeouts.await('nothing');
  }

  /** Ends a tunnel of which both directions have ended. */
  protected endTunnelIfWhole(): void {
    if (!this.reader.ended || !this.writer.ended) return;
    this.endExchange();
    this.phase = 'lingering';
    this.timeouts.watchWrite(); // The connection closes by itself once the client has read the last bytes.
  }

  protected endExchange(): void {
    if (this.handler !== null) {
      this.ports.counts.exchangesActive--;
      if (this.tunnel) this.ports.counts.tunnelsActive--;
    }
    this.handler = null;
    this.reader.body.stop();
  }

  // The end of the connection.

  /**
   * Sends FIN, then reads for a while, so that a reset does not destroy the response before the client has read it. A client
   * that has said that it sends nothing more (RFC 9112 §9.6) is not waited for: two system calls and a turn less.
   */
  protected linger(then?: 'close'): void {
    this.phase = 'lingering';
    this.reader.forget();
    this.timeouts.endWriteWatch();
    this.transport.resume();
    this.transport.end(this.clientEnded ? 'close' : then);
    this.timeouts.linger();
  }

  /** Closes as soon as the client has read what is pending. A client that still sends would lose by the reset what it has not read. */
  #closeOnceWritten(): void {
    if (this.reader.isSkipping) return this.linger();
    this.phase = 'lingering';
    this.reader.forget();
    this.timeouts.await('nothing');
    this.transport.end('close');
    this.timeouts.watchWrite();
  }

  protected close(how: 'close' | 'reset'): void {
    if (this.phase === 'closed') return;
    this.phase = 'closed';
    this.reader.forget();
    this.ports.deadlines.remove(this.timeouts);
    this.#halfClosed?.stop();
    this.writer.discard();
    this.transport.close(how);
    this.ports.onClientClosed?.(this.transport.facts);
    this.ports.onConnectionClosed(this);
  }

  // By its client.

  onEnd(): void {
    this.clientEnded = true;
    try {
      this.#halfClose();
    } catch (error) {
      this.onDefect(error);
    }
  }

  #halfClose(): void {
    const { holds, ended } = this.reader;
    if (this.phase === 'requests' || this.phase === 'lingering') {
      if (!holds) this.linger();
      return;
    }
    if (this.phase !== 'exchange') return;
    if (!ended && !holds) return this.endTruncated();
    const sinceMs = this.ports.clock.now() - this.requestEndedAt;
    const awaitsResponse = holds || !this.persistent || sinceMs <= deliberateHalfCloseMs;
    if (!awaitsResponse || (ended && this.handler?.isQueued === true)) return this.#clientGone('closed');
    this.#halfClosed ??= new HalfClosedTimeout(this.transport, this.listener.limits.writeMs, this.ports, this);
  }

  /** FIN came in the middle of a request body, or in a tunnel, whose direction it ends. */
  protected endTruncated(): void {
    if (this.tunnel && !this.tunnelWaits) return this.endRequest(null);
    const { framing, bytesReceived } = this.reader.body;
    this.failRequest(bodyTruncated(framing, bytesReceived));
  }

  get isDraining(): boolean {
    return this.draining;
  }

  get isStreaming(): boolean {
    return this.phase === 'exchange' && !this.tunnel && this.writer.isOpenEnded;
  }

  onHalfClosedTimeout(): void {
    if (this.phase !== 'exchange' || this.tunnel) return this.#halfClosed?.stop();
    try {
      this.#clientGone('closed');
    } catch (error) {
      this.onDefect(error);
    }
  }

  onClosed(errno: string | null): void {
    if (this.phase === 'closed') return;
    noteLoss(errno, this.ports.counts);
    if (this.phase !== 'exchange') return this.close('close');
    try {
      this.#clientGone(errno === null ? 'closed' : 'reset');
    } catch (error) {
      this.onDefect(error);
    }
  }

  #clientGone(how: 'closed' | 'reset'): void {
    const { begun, bytesSent } = this.writer;
    const awaited = this.reader.body.state === 'whole' ? 'response' : 'request';
    this.#giveUpClient(fail('client_gone', begun ? 'flush' : awaited, { bytesSent, how }));
  }

  #giveUpClient(failure: Failure): void {
    const { handler } = this;
    this.endExchange();
    try {
      // First: a worker that drains may end with this connection.
      handler?.onRequestFailed(failure);
    } finally {
      this.close('reset');
    }
  }

  // By a timeout.

  bytesReceived(awaited: 'head-end' | 'body'): number {
    return awaited === 'body' ? this.reader.body.bytesReceived : this.reader.head.bytesHeld;
  }

  onOverdue(awaited: Awaited, slowness: Slowness | null): void {
    try {
      this.#timeOut(awaited, slowness);
    } catch (error) {
      this.onDefect(error);
    }
  }

  #timeOut(awaited: Awaited, slowness: Slowness | null): void {
    const { headMs, bodyMs } = this.listener.limits;
    const { head, body } = this.reader;
    if (awaited === 'body') this.failRequest(bodyTimeout(bodyMs, body.bytesReceived, slowness));
    // A head that does not come to its end is answered with 408 and recorded.
    else if (awaited === 'head-end' && head.began) this.beginRefused(headTimeout(headMs, head.bytesHeld, slowness));
    else if (this.#isIdle && !this.reader.isSkipping && this.transport.hasUnread()) this.timeouts.await('head');
    else this.#closeOnceWritten();
  }

  onWriteStalled(slowness: Slowness | null): void {
    const { begun, bytesSent } = this.writer;
    try {
      if (begun) this.#giveUpClient(notRead(bytesSent, slowness, this.listener.limits.writeMs));
      else this.#clientGone('reset');
    } catch (error) {
      this.onDefect(error);
    }
  }

  // By a defect.

  /** A defect of ours ends this connection and its exchange, and no other. */
  protected onDefect(error: unknown): void {
    this.reader.breakOff();
    if (this.phase !== 'exchange') return this.close('reset');
    try {
      this.#stopReading();
      // Also where the request has come to its end: nothing else would answer it.
      if (this.handler === null) throw error;
      this.handler.onRequestFailed(fail('gateway_fault', 'request', { invariant: invariantOf(error) }));
    } catch {
      // The exchange cannot answer either: the client sees a broken connection.
      this.endExchange();
      this.close('reset');
    }
  }

  // By its listener.

  /**
   * From now on each response says that it is the last (RFC 9112 §9.6). Where a response has begun that promised more, the
   * next one says it: the client may have sent its next request already.
   */
  announceClose(): void {
    this.draining = true;
    if (this.phase === 'exchange' && !this.writer.begun) this.persistent = false;
  }

  get isLingering(): boolean {
    return this.phase === 'lingering' && this.transport.pendingBytes === 0;
  }

  closeToMakeRoom(): boolean {
    return this.#isIdle && this.#closeUnlessUnread();
  }

  closeIdle(): boolean {
    this.persistent = false;
    return !this.#isIdle || this.#closeUnlessUnread();
  }

  get #isIdle(): boolean {
    return this.phase === 'requests' && this.reader.isBetween;
  }

  /** A request that has come in time gets a response, which is the last: a close would not say whether it was executed. */
  #closeUnlessUnread(): boolean {
    this.draining = true;
    if (this.transport.hasUnread()) return false;
    this.#closeOnceWritten();
    return true;
  }

  endTunnels(failure: Failure, of?: EndingInstance): void {
    if ((this.tunnel || of?.eventStreams === true) && this.phase === 'exchange')
      this.handler?.onTunnelDrained({ ...failure, stage: 'body' } as Failure, of);
  }

  /**
   * Ends the exchange with `failure` at any stage, its head included; a connection without one is closed. A tunnel is left
   * to `endTunnels`, however often this is called.
   */
  forceClose(failure: Failure, hadTimeToRead: boolean): boolean {
    if (this.phase === 'requests' && this.reader.holds) {
      this.draining = true; // What is held is read in a later turn.
      return false;
    }
    if (this.#isIdle && !this.#closeUnlessUnread()) return false;
    if (this.phase === 'requests') this.beginRefused({ ...failure, stage: 'request' } as Failure);
    else if (this.phase === 'exchange') {
      if (!this.tunnel) this.#forceCloseExchange(failure);
    } else if (this.phase === 'lingering' && this.transport.pendingBytes > 0 && hadTimeToRead)
      this.close(this.writer.endsWithConnection ? 'reset' : 'close');
    return true;
  }

  #forceCloseExchange(failure: Failure): void {
    const stage = this.writer.begun ? 'body' : this.reader.ended ? failure.stage : 'request';
    this.#stopReading();
    this.handler?.onRequestFailed({ ...failure, stage } as Failure);
  }
}
