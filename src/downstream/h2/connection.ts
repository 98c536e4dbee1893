import type { EndingInstance } from '../../core/stream.ts';
import type { ClientEngine, OpenConnection } from '../../core/client-engine.ts';
import { invariantOf } from '../../core/assert.ts';
import { fail, type Failure } from '#failures/failure.ts';
import type { Http2LimitName } from '../../core/http2-limit.ts';
import type { RequestRule } from '#failures/rules.ts';
import { after, type Instant, never } from '../../core/time.ts';
import type { Transport, TransportListener } from '../../core/transport.ts';
import type { HeadBlock } from '../../wire/head-storage.ts';
import type { DecodedSection } from '../../wire/h2/decoded-section.ts';
import type { HeaderBlockWriter } from '../../wire/h2/hpack-encoder.ts';
import { h2Limits } from '../../wire/h2/limits.ts';
import { OpenStreams } from '../../wire/h2/open-streams.ts';
import { Session } from '../../wire/h2/session.ts';
import type { SessionOwner } from '../../wire/h2/session-owner.ts';
import type { SessionStream } from '../../wire/h2/session-stream.ts';
import type { ErrorName } from '../../wire/h2/protocol.ts';
import type { ListenerSettings } from '../listener-settings.ts';
import { othersNotRead } from '../client-failures.ts';
import { noteLoss } from '../note-loss.ts';
import type { Peer } from '../peer.ts';
import type { DownstreamPorts } from '../ports.ts';
import { ClientTimeouts, type ClientTimeoutsOwner, type Slowness } from '../timeouts.ts';
import type { Http2Buffers } from './buffers.ts';
import type { LostExchange } from './lost-exchanges.ts';
import { type ConnectionStrain, ReadTurns, type ReadTurnsOwner } from './read-turns.ts';
import { Http2ClientStream } from './stream.ts';
import { RecentFlood } from './recent-flood.ts';
import { RequestIntake } from './request-intake.ts';
import { RequestQueue, type RequestQueueOwner } from './request-queue.ts';
import type { Http2StreamOwner, ReadingStream, StartingStream } from './stream-owner.ts';
import type { StreamTimeouts } from './stream-timeouts.ts';

/** Interim responses are hints: a client that does not read loses some, so that the gateway need not buffer all. */
const hintPendingMax = 64 * 1024;

/** A turn reads no more when so many streams have got body bytes: each of them may write to another connection. */
const readersMax = 32;

/** So many exchanges of a connection whose client left end with it, and the others in later turns of the event loop. Of a flood all end later. */
const endedAtOnceMax = 8;

/**
 * One HTTP/2 connection of a client. It starts an exchange for each stream, and ends with its client, its listener, or a rule of
 * RFC 9113 that the client breaks.
 *
 *     serving ──announceClose──▶ going away ──last stream ends──▶ lingering ──▶ closed
 */
export class Http2ClientConnection
  implements
    ClientEngine,
    TransportListener,
    SessionOwner,
    ClientTimeoutsOwner,
    ReadTurnsOwner,
    RequestQueueOwner,
    Http2StreamOwner
{
  readonly transport: Transport;
  readonly listener: ListenerSettings;
  readonly ports: DownstreamPorts;
  readonly session: Session;
  readonly block: HeaderBlockWriter;
  readonly mayUseHttp1: boolean;
  listed: OpenConnection | null = null;
  /** How the client ended the connection, for its streams. */
  lostBy: 'closed' | 'reset' = 'closed';
  endedBy: Failure | null = null;
  begun = 0;
  beginsEarly = false;
  readonly #buffers: Http2Buffers;
  readonly #intake: RequestIntake;
  readonly #timeouts: ClientTimeouts;
  #state: 'serving' | 'lingering' | 'closed' = 'serving';
  #isAnnounced = false;
  #closesWhenIdle = false;
  /** What the timeouts wait for, and how long a connection without requests may be so. */
  #awaited: 'head' | 'head-end' | 'next-request' | 'nothing' = 'head';
  #idleUntil: Instant = never;
  /** Streams with an exchange. */
  readonly #open = new OpenStreams<Http2ClientStream>();
  readonly #turns: ReadTurns;
  readonly #flood: RecentFlood;
  readonly #requestQueue: RequestQueue;
  /** Those that have got body bytes in this turn. */
  #readers: ReadingStream[] = [];
  #endedAtOnce = 0;
  /** Exchanges that have yet to end, of a lost connection. */
  #losing = 0;

  constructor(
    transport: Transport,
    peer: Peer,
    listener: ListenerSettings,
    ports: DownstreamPorts,
    buffers: Http2Buffers,
  ) {
    const { headBytesMax, headersMax } = listener.limits;
    this.transport = transport;
    this.listener = listener;
    this.ports = ports;
    this.block = buffers.block;
    this.mayUseHttp1 = peer.offersHttp1;
    this.#buffers = buffers;
    this.#intake = new RequestIntake(peer, listener, ports);
    this.#timeouts = new ClientTimeouts(transport, listener.limits, ports.clock, ports.sendQueueBytes, this);
    transport.listener = this;
    ports.deadlines.add(this.#timeouts);
    const { clock } = ports;
    this.session = new Session(
      transport,
      buffers.section,
      { role: 'server', sectionLimits: { headersMax, listBytesMax: headBytesMax }, now: () => clock.now() },
      this,
    );
    this.#flood = new RecentFlood(ports.admission, clock, this.#intake.client.peerAddress, listener.limits);
    this.#requestQueue = new RequestQueue(this, clock);
    this.#turns = new ReadTurns(this, clock, buffers.strainedTurns);
    this.#timeouts.await('head');
  }

  // The transport.

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    if (this.#state === 'lingering') this.#timeouts.linger();
    this.#turns.onBytes(bytes, start, end);
  }

  // Its turns.

  get isServing(): boolean {
    return this.#state === 'serving';
  }

  get isClosed(): boolean {
    return this.#state === 'closed';
  }

  get strain(): ConnectionStrain {
    const { strain } = this.session;
    return strain !== 'near_limit' && this.#flood.isRecent ? 'after_flood' : strain;
  }

  get activeMax(): number {
    return this.#flood.isRecent ? h2Limits.activeMaxOfFlooder : Infinity;
  }

  /** A client that sends requests and does not read: what is composed for it must not grow. */
  get isCongested(): boolean {
    return this.session.sender.isOverfull;
  }

  get isTurnFull(): boolean {
    return this.#readers.length >= readersMax;
  }

  readSlice(bytes: Uint8Array, start: number, end: number): number {
    let at = end;
    try {
      at = this.session.receive(bytes, start, end, this.#headersCost);
    } catch (error) {
      this.onDefect(error);
    }
    this.#requestQueue.onSliceRead(at < end);
    return at;
  }

  /** A costly connection begins its requests one by one: each slice is as short as it can be, and the pause behind it follows its cost. */
  get #headersCost(): number {
    const { strain } = this;
    return strain === 'none' || strain === 'near_limit' ? h2Limits.headersCost : h2Limits.sliceCostMax;
  }

  /** For streams. */
  beginEarly(stream: StartingStream): void {
    this.beginsEarly = true;
    this.#requestQueue.beginEarly(stream);
    this.beginsEarly = false;
  }

  beginRequest(stream: StartingStream): void {
    if (!stream.isLost) this.begun++;
    this.#runFor(stream, () => stream.begin(this.ports.exchanges.create(stream)));
  }

  onBacklog(nearMs: number): void {
    this.session.endIfNearFor(nearMs);
  }

  flush(): void {
    if (this.#state === 'serving') this.session.sender.flush();
  }

  onTurnRead(): void {
    const readers = this.#readers;
    if (readers.length > 0) {
      this.#readers = [];
      for (const stream of readers) this.#runFor(stream, () => stream.onReadDone());
    }
    if (this.#state === 'serving') this.#watchHead();
  }

  /**
   * Without requests, and in the middle of a frame, the client has limited time, whatever else it sends: neither a frame that comes byte
   * by byte nor PING extends it.
   */
  #watchHead(): void {
    const isIdle = this.session.streamsOpen === 0;
    const wanted = !isIdle ? 'nothing' : this.session.isWithinFrame ? 'head-end' : 'next-request';
    if (!isIdle) this.#idleUntil = never;
    else if (this.#idleUntil === never)
      this.#idleUntil = after(this.ports.clock.now(), this.listener.limits.keepAliveMs);
    else if (wanted === 'next-request' && this.#awaited !== wanted && this.#idleUntil <= this.ports.clock.now())
      return this.#goAway();
    if (wanted === this.#awaited) return;
    this.#awaited = wanted;
    this.#timeouts.await(wanted);
  }

  /** The stream has got body bytes: `onReadDone` follows at the end of this read. */
  noteRead(stream: ReadingStream): void {
    if (!this.#readers.includes(stream)) this.#readers.push(stream);
  }

  onWritten(): void {
    this.#timeouts.endWriteWatch();
    if (this.#state !== 'serving') return;
    this.session.sender.onWritten();
    this.#turns.resume();
  }

  onEnd(): void {
    if (this.#state === 'lingering') return this.transport.end('close');
    // It can open no window, answer no PING and end no stream any more: a client of HTTP/2 sends FIN when it has left.
    if (this.#state !== 'serving') return;
    this.lostBy = 'closed';
    this.#noteAbandoned();
    this.#goAway();
    this.transport.end('close');
  }

  onClosed(errno: string | null): void {
    if (this.#state === 'closed') return;
    noteLoss(errno, this.ports.counts);
    this.lostBy = errno === null ? 'closed' : 'reset';
    if (this.#state === 'serving') this.#noteAbandoned();
    this.#close('close');
  }

  /** The client has left. It leaves one request with each connection of HTTP/1.1, too. */
  #noteAbandoned(): void {
    if (this.#open.size <= 1) return;
    const { peerAddress: address } = this.#intake.client;
    const delayMs = this.ports.admission.noteAbandoned(address, this.#open.size - 1, this.listener.limits);
    if (delayMs > 0) this.ports.onHttp2Limit({ listener: this.listener.id, limit: 'abandoned', address, delayMs });
  }

  // Streams.

  onRequest(stream: SessionStream, section: DecodedSection, endsStream: boolean): void {
    const intake = this.#intake;
    const request = intake.read(section, endsStream);
    const { failure } = intake;
    if (failure !== null) this.session.noteRefusal();
    const block = section.rule === null && section.block !== null ? section.takeBlock() : null;
    const own = new Http2ClientStream(this, stream, request, intake.client, block, failure);
    stream.listener = own;
    if (request.framing.kind === 'length') stream.bodyExpected = request.framing.bytes;
    const priority = request.headers.get('priority');
    if (priority !== null) stream.prioritize(priority);
    this.#open.add(own);
    this.ports.counts.exchangesActive++;
    if (failure !== null && failure === this.ports.overload.failure) this.closeIdle(); // The connection takes memory too.
    this.#requestQueue.add(own);
  }

  /** For streams: begins the header block that they compose. */
  beginBlock(): void {
    this.block.begin(this.session.sender.mustShrinkTable);
    this.session.sender.mustShrinkTable = false;
  }

  /** Whether interim responses may be sent. */
  get takesHints(): boolean {
    return this.transport.pendingBytes <= hintPendingMax;
  }

  /** A part of a response waits: for the client's window, or for its connection. */
  onBodyWaits(timeouts: StreamTimeouts): void {
    if (this.transport.pendingBytes > 0) this.#timeouts.watchWrite();
    else timeouts.awaitWindow();
  }

  /** For streams: the exchange has ended. */
  onExchangeEnded(stream: ReadingStream, blocks: readonly HeadBlock[]): void {
    if (!this.#open.remove(stream.id)) return;
    this.ports.counts.exchangesActive--;
    if (stream.isTunnel) this.ports.counts.tunnelsActive--;
    for (const block of blocks) this.#buffers.storage.release(block);
    this.#requestQueue.onEnded();
  }

  /** For streams and `RequestQueue`. */
  endInTurn(lost: LostExchange): void {
    this.#losing++;
    const isOfFlood = this.#flood.isRecent || this.session.failure !== null;
    if (!isOfFlood && ++this.#endedAtOnce <= endedAtOnceMax) lost.endLost();
    else this.#buffers.lostExchanges.add(lost, isOfFlood, this.ports.clock);
  }

  /** For streams and `RequestQueue`. */
  onLostEnded(): void {
    if (--this.#losing === 0 && this.#state === 'closed') this.ports.onConnectionClosed(this);
  }

  onStreamClosed(): void {
    if (this.#state !== 'serving' || this.session.streamsOpen > 0) return;
    this.#idleUntil = never;
    if (this.#closesWhenIdle) this.#goAway();
    else {
      this.#awaited = 'nothing';
      this.#watchHead();
    }
  }

  /** Runs what may find a defect of ours: it ends the stream's exchange, and no other. */
  #runFor(stream: ReadingStream, run: () => void): void {
    try {
      run();
    } catch (error) {
      stream.onDefect(error);
    }
  }

  /** A defect of ours, outside of any exchange. */
  onDefect(error: unknown): void {
    this.endedBy = fail('gateway_fault', 'request', { invariant: invariantOf(error) });
    this.#close('reset');
  }

  // The session.

  onPeerSettings(): void {}

  /** The client has read our first GOAWAY: requests that it had sent before have come. */
  onPong(): void {
    if (!this.#isAnnounced) return;
    this.session.goAway();
    this.#closesWhenIdle = true;
    if (this.session.streamsOpen === 0) this.#goAway();
  }

  onGoAway(): void {
    this.#closesWhenIdle = true;
    if (this.session.streamsOpen === 0) this.#goAway();
  }

  onSessionFailed(error: ErrorName, _why: string, limit: Http2LimitName | null): void {
    const { peerAddress } = this.#intake.client;
    if (limit === null) this.ports.onHttp2Error(this.listener.id, error);
    else {
      const delayMs = this.ports.admission.noteFlood(peerAddress, this.listener.limits);
      this.ports.onHttp2Limit({ listener: this.listener.id, limit, address: peerAddress, delayMs });
    }
    this.#linger();
  }

  onCongested(): void {
    this.#timeouts.watchWrite();
  }

  // The end.

  #goAway(): void {
    if (this.#state !== 'serving') return;
    this.session.goAway();
    this.#linger();
  }

  /** Sends FIN, then reads for a while, so that a reset does not destroy what the client has yet to read. */
  #linger(): void {
    if (this.#state !== 'serving') return;
    this.#state = 'lingering';
    this.session.sender.flush();
    this.session.endAll();
    this.#requestQueue.abandonAll();
    this.#timeouts.endWriteWatch();
    this.transport.resume();
    this.transport.end();
    this.#timeouts.linger();
  }

  #close(how: 'close' | 'reset'): void {
    if (this.#state === 'closed') return;
    this.#state = 'closed';
    this.#losing++; // The connection itself, until all that follows is done.
    this.session.endAll();
    this.#requestQueue.abandonAll();
    this.ports.deadlines.remove(this.#timeouts);
    this.transport.close(how);
    this.onLostEnded();
  }

  // Timeouts of the connection.

  bytesReceived(): number {
    return 0;
  }

  onOverdue(awaited: string): void {
    if (this.#state === 'lingering') return this.#close('close');
    this.#awaited = 'nothing';
    if (this.hasUnread) {
      this.#idleUntil = never;
      return this.#watchHead();
    }
    if (awaited === 'head-end')
      this.session.onConnectionError('PROTOCOL_ERROR', 'a frame that does not come to its end');
    else this.#goAway();
  }

  onWriteStalled(slowness: Slowness | null): void {
    this.session.sender.settleSent();
    for (const stream of this.#open.all()) if (stream.hasResponseBegun) stream.giveUp(slowness);
    this.endedBy = othersNotRead(slowness, this.listener.limits.writeMs);
    this.#close('reset');
  }

  get hasUnread(): boolean {
    return this.#turns.hasUnread || this.transport.hasUnread();
  }

  // Its listener.

  get isLingering(): boolean {
    return this.#state === 'lingering' && this.transport.pendingBytes === 0 && this.#losing === 0;
  }

  refuse(rule: RequestRule): void {
    this.session.onConnectionError('PROTOCOL_ERROR', rule);
  }

  refuseNext(rule: RequestRule, at: string): void {
    this.#intake.refuseAll(rule, at);
    this.#closesWhenIdle = true;
  }

  closeToMakeRoom(): boolean {
    if (this.session.streamsOpen > 0 || this.#state !== 'serving' || this.hasUnread) return false;
    this.#goAway();
    return true;
  }

  /** RFC 9113 §6.8: a GOAWAY with the highest number, and a PING; the second GOAWAY follows its answer. */
  announceClose(): void {
    if (this.#isAnnounced || this.#state !== 'serving') return;
    this.#isAnnounced = true;
    this.session.announceGoAway();
    this.session.ping();
  }

  closeIdle(): boolean {
    if (this.#state !== 'serving') return true;
    this.#closesWhenIdle = true;
    if (this.session.streamsOpen > 0) return true;
    if (this.hasUnread) return false;
    this.#goAway();
    return true;
  }

  endTunnels(failure: Failure, of?: EndingInstance): void {
    for (const stream of this.#open.all()) {
      if (stream.isTunnel || of?.eventStreams === true)
        this.#runFor(stream, () => stream.handler?.onTunnelDrained({ ...failure, stage: 'body' } as Failure, of));
    }
  }

  forceClose(failure: Failure, hadTimeToRead: boolean): boolean {
    if (this.#losing > 0) this.#buffers.lostExchanges.hurry();
    if (this.#state !== 'serving') return true;
    if (this.session.streamsOpen === 0 && this.hasUnread) return false;
    this.#closesWhenIdle = true;
    this.session.goAway();
    this.session.sender.settleSent();
    for (const stream of this.#open.all())
      if (!stream.isTunnel && (hadTimeToRead || !stream.isResponseComplete))
        this.#runFor(stream, () => stream.forceEnd(failure));
    if (this.session.streamsOpen === 0) this.#goAway();
    return true;
  }
}
