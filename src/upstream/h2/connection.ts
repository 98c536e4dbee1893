import type { AwaitedResponses } from '../../core/awaited-responses.ts';
import { Deadline } from '../../core/deadline.ts';
import type {
  AddressUse,
  ConnectionEndReason,
  ConnectionGroup,
  PooledConnection,
  PooledConnectionOwner,
  ProbeWaiter,
} from '../../core/pooled-connection.ts';
import type { UpstreamStream } from '../../core/stream.ts';
import { after, type Instant, never } from '../../core/time.ts';
import { unparsedBytesMax } from '../../core/unparsed-bytes.ts';
import type { Transport, TransportListener } from '../../core/transport.ts';
import type { DecodedSection, HeaderSectionLimits } from '../../wire/h2/decoded-section.ts';
import type { HeaderBlockWriter } from '../../wire/h2/hpack-encoder.ts';
import { h2Limits } from '../../wire/h2/limits.ts';
import type { Http2ResponseReader } from '../../wire/h2/response-head.ts';
import { Session } from '../../wire/h2/session.ts';
import type { SessionOwner } from '../../wire/h2/session-owner.ts';
import type { HeadBlock } from '../../wire/head-storage.ts';
import { responseLimits } from '../../wire/limits.ts';
import type { ConnectionSettings, UpstreamPorts } from '../ports.ts';
import { http2Buffers, type Http2EndpointBuffers } from './buffers.ts';
import { Http2EndpointStream } from './stream.ts';
import { type GoAway, http1Required, type LostSession } from './stream-failure.ts';
import type { Http2EndpointStreamOwner, ReadingEndpointStream } from './stream-owner.ts';

/**
 * Streams on a connection whose endpoint has not said yet how many it allows: RFC 9113 §6.5.2 advises it to allow no fewer. One that
 * does refuses the rest, which then go elsewhere.
 */
export const streamsAssumed = 100;

/** However many the endpoint allows: more streams are better off on a connection of their own, which another core may serve. */
const streamsUsedMax = h2Limits.streamsMax;

/** How long an endpoint may take to answer a PING before a new connection is made instead: far more than a packet that was lost. */
const probeMs = 1000;

export type Http2ConnectionPorts = Pick<UpstreamPorts, 'clock' | 'deadlines' | 'storage' | 'onUnclassified'>;

/**
 * One HTTP/2 connection to an endpoint, which carries many requests at a time.
 *
 *     open ──GOAWAY, numbers used up──▶ going away ──last stream ends──▶ closed        any ──loss, broken frames──▶ closed
 *
 * The deadline is that of the idle connection; each stream has its own.
 */
export class Http2EndpointConnection
  extends Deadline
  implements TransportListener, PooledConnection, SessionOwner, Http2EndpointStreamOwner
{
  readonly transport: Transport;
  readonly address: string;
  readonly localPort: number;
  readonly session: Session;
  readonly sectionLimits: HeaderSectionLimits;
  readonly keepAliveTimeoutS = null;
  idleSince: Instant;
  streamsOpen = 0;
  endReason: ConnectionEndReason | null = null;
  group: ConnectionGroup = null;
  isAvailable = false;
  user: AddressUse | null = null;
  isLongLived = false;
  goAwayReceived: GoAway | null = null;
  readonly #ports: Http2ConnectionPorts;
  readonly #owner: PooledConnectionOwner;
  readonly #buffers: Http2EndpointBuffers;
  /** Bytes that the transport had sent before the session. */
  readonly #sentBefore: number;
  #served = 0;
  #isClosed = false;
  /** With which code the connection was lost; null: by FIN. */
  #lostBy: string | null = null;
  /** How many streams the end of the connection has ended. */
  #streamsEnded = 0;
  /** The first bytes of the endpoint, until it is known that it speaks HTTP/2. */
  #firstBytes: Uint8Array | null = new Uint8Array(0);
  /** Until when it may be idle. */
  #idleUntil: Instant = never;
  #probe: ProbeWaiter | null = null;
  /** A PING was sent, and nothing has come since: any byte answers, since an endpoint sends PING in its turn. */
  isAnswerDue = false;
  /** Streams that have got body bytes in this read. */
  #readers: ReadingEndpointStream[] = [];

  constructor(
    transport: Transport,
    settings: ConnectionSettings,
    ports: Http2ConnectionPorts,
    owner: PooledConnectionOwner,
  ) {
    super();
    const { clock } = ports;
    this.transport = transport;
    this.address = settings.address;
    this.localPort = transport.facts.localPort;
    this.#ports = ports;
    this.#owner = owner;
    this.#buffers = http2Buffers(ports.storage);
    this.#sentBefore = transport.sentBytes;
    this.idleSince = clock.now();
    this.sectionLimits = { headersMax: responseLimits.headersMax, listBytesMax: settings.responseHeadBytesMax };
    const { sectionLimits } = this;
    this.session = new Session(
      transport,
      this.#buffers.section,
      { role: 'client', sectionLimits, now: () => clock.now() },
      this,
    );
    transport.listener = this;
    ports.deadlines.add(this);
  }

  // The pool.

  get streamsFree(): number {
    if (this.endReason !== null) return 0;
    const allowed = this.session.peer.haveCome ? this.session.peer.streamsMax : streamsAssumed;
    return Math.max(0, Math.min(allowed, streamsUsedMax) - this.streamsOpen);
  }

  openStream(now: Instant): UpstreamStream {
    if (this.#probe === null) this.at = never;
    const idleMs = this.streamsOpen === 0 && this.#served > 0 ? now - this.idleSince : 0;
    const stream = new Http2EndpointStream(this, this.#ports, this.#served > 0, idleMs);
    this.#served++;
    this.streamsOpen++;
    return stream;
  }

  addAwaited(awaited: AwaitedResponses): void {
    if (this.streamsOpen === 0) return;
    this.session.eachStream(({ listener }) => {
      if (!(listener instanceof Http2EndpointStream)) return;
      const sentAt = listener.awaitedSince;
      if (sentAt !== null) awaited.note(sentAt, listener.awaiting);
    });
  }

  keepUntil(at: Instant): void {
    this.#idleUntil = at;
    if (this.#probe === null) this.at = at;
  }

  probe(waiter: ProbeWaiter): boolean {
    if (this.endReason !== null) return false;
    this.#probe = waiter;
    this.#ping();
    this.at = after(this.#ports.clock.now(), probeMs);
    return true;
  }

  #ping(): void {
    if (this.isAnswerDue) return;
    this.isAnswerDue = true;
    this.session.ping();
  }

  #endProbe(isAlive: boolean): void {
    const probe = this.#probe;
    this.#probe = null;
    this.at = this.streamsOpen === 0 ? this.#idleUntil : never;
    probe?.onProbed(isAlive);
  }

  /** What an idle HTTP/2 connection gets is for the connection itself, and is not lost. */
  hasNoUnreadBytes(): boolean {
    return !this.transport.hasUnread();
  }

  checkUnread(): void {
    this.transport.hasUnread();
  }

  close(): void {
    this.#close('closed');
  }

  override onExpired(): void {
    if (this.#probe !== null) this.#takeNoMore('broken');
    else if (this.streamsOpen === 0) this.#close('closed');
  }

  // Its streams.

  get block(): HeaderBlockWriter {
    return this.#buffers.block;
  }

  get reader(): Http2ResponseReader {
    return this.#buffers.reader;
  }

  get sentBytes(): number {
    return this.transport.sentBytes - this.#sentBefore;
  }

  get lostBy(): LostSession {
    const { failure, peer } = this.session;
    if (failure === null) return { by: 'endpoint', code: this.#lostBy };
    const { error: code, why, streamId, limit } = failure;
    const { refusedFrame: frame } = this.session;
    const streams = this.#streamsEnded;
    const headLimit = limit === 'header_block' ? this.sectionLimits.listBytesMax : null;
    const firstBytes = peer.haveCome ? null : this.#firstBytes;
    return { by: 'rule', code, why, firstBytes, streams, streamId, frame, headLimit };
  }

  get isOpen(): boolean {
    return !this.#isClosed;
  }

  beginBlock(): void {
    this.block.begin(this.session.sender.mustShrinkTable);
    this.session.sender.mustShrinkTable = false;
    if (!this.session.hasStreamNumbers) this.#takeNoMore('going_away');
  }

  takeBlock(section: DecodedSection): HeadBlock {
    return section.takeBlock();
  }

  releaseBlock(block: HeadBlock): void {
    this.#buffers.storage.release(block);
  }

  noteRead(stream: ReadingEndpointStream): void {
    if (!this.#readers.includes(stream)) this.#readers.push(stream);
  }

  onStreamOver(): void {
    this.streamsOpen--;
    this.idleSince = this.#ports.clock.now();
    this.#owner.onStreamEnded(this);
    this.#closeIfDone();
  }

  checkAlive(): void {
    if (this.isOpen) this.#ping();
  }

  onSilent(): void {
    this.#takeNoMore('broken');
  }

  onLost(): void {
    if (this.#streamsEnded === 0) this.#streamsEnded = this.streamsOpen;
    this.#takeNoMore('broken');
  }

  onHttp1Required(): void {
    this.#owner.onHttp1Required(this);
  }

  /** Node's server allows a connection 10 MB of memory. Where one stream is too much, another connection helps nothing. */
  onOverloaded(): void {
    if (this.streamsOpen > 1) this.#takeNoMore('going_away');
  }

  onUnclassified(stage: 'response' | 'body', code: string): void {
    this.#ports.onUnclassified({ stage, code });
  }

  // The transport.

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isClosed) return;
    this.isAnswerDue = false;
    if (this.#firstBytes !== null) this.#keepFirst(this.#firstBytes, bytes, start, end);
    this.session.receiveAll(bytes, start, end);
    // That of a section which nobody wanted any more.
    this.#buffers.section.release();
    if (this.#readers.length === 0) return;
    const readers = this.#readers;
    this.#readers = [];
    for (const stream of readers) stream.onReadDone();
  }

  #keepFirst(first: Uint8Array, bytes: Uint8Array, start: number, end: number): void {
    if (this.session.peer.haveCome) this.#firstBytes = null;
    else if (first.length < unparsedBytesMax)
      this.#firstBytes = Buffer.concat([first, bytes.subarray(start, Math.min(end, start + unparsedBytesMax))]);
  }

  onWritten(): void {
    if (!this.#isClosed) this.session.sender.onWritten();
  }

  /** An endpoint that sends no more cannot answer. */
  onEnd(): void {
    this.#lose(null);
  }

  onClosed(errno: string | null): void {
    this.#lose(errno ?? 'ECONNRESET');
  }

  // The session.

  onRequest(): void {
    // A client's session takes no streams of the endpoint.
  }

  onStreamClosed(): void {
    this.#closeIfDone();
  }

  /** RFC 9113 §5.1.2: an endpoint that allows no stream is about to close the connection, or ought to. Another one serves meanwhile. */
  onPeerSettings(): void {
    if (this.session.peer.streamsMax === 0) this.#takeNoMore('going_away');
    else if (this.endReason === null) this.#owner.onStreamsFreeChanged(this);
  }

  onPong(): void {
    if (this.#probe !== null) this.#endProbe(true);
  }

  onGoAway(lastStreamId: number, code: number, text: string): void {
    this.goAwayReceived = { lastStreamId, code, text };
    if (code === http1Required) this.onHttp1Required();
    this.#takeNoMore('going_away');
  }

  onSessionFailed(): void {
    this.#close('broken');
  }

  // The end.

  /** No further stream is opened; those that are open go on. */
  #takeNoMore(reason: ConnectionEndReason): void {
    if (this.endReason !== null) return;
    this.endReason = reason;
    this.at = never;
    this.#owner.onStreamsFreeChanged(this);
    this.#closeIfDone();
    if (this.#probe !== null) this.#endProbe(false);
  }

  #closeIfDone(): void {
    if (this.endReason !== null && this.streamsOpen === 0) this.#close(this.endReason);
  }

  #lose(code: string | null): void {
    if (this.#isClosed) return;
    this.#lostBy = code;
    // What is held counts as not sent, so that its requests may be sent elsewhere: it must not leave here too.
    this.transport.reclaimUnsent();
    this.#close('broken');
  }

  #close(reason: ConnectionEndReason): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.at = never;
    if (this.endReason === null) {
      this.endReason = reason;
      this.#owner.onStreamsFreeChanged(this);
    }
    this.#ports.deadlines.remove(this);
    this.#sayGoodbye(reason);
    this.session.endAll();
    this.transport.close('close');
    this.#owner.onConnectionClosed(this);
    if (this.#probe !== null) this.#endProbe(false);
  }

  /** RFC 9113 §6.8: GOAWAY, where it can still leave. */
  #sayGoodbye(reason: ConnectionEndReason): void {
    if (reason === 'broken' || this.transport.pendingBytes > 0) return;
    this.session.goAway();
    this.session.sender.flush();
  }
}
