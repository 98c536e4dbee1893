import type { Http2LimitName } from '../../core/http2-limit.ts';
import type { RequestRule } from '#failures/rules.ts';
import type { Transport } from '../../core/transport.ts';
import type { DecodedSection, HeaderSectionKind } from './decoded-section.ts';
import { EarlyPriorities, noListener, SessionStream, type StreamListener, type StreamLoss } from './session-stream.ts';
import { FrameRates, type Strain } from './frame-rates.ts';
import type { FrameHandler, HeaderBlockLimits } from './frame-handler.ts';
import { FrameReader } from './frame-reader.ts';
import { HpackDecoder } from './hpack-decoder.ts';
import { type FloodName, h2Limits } from './limits.ts';
import {
  clientPreface,
  defaultFrameBytes,
  type ErrorName,
  errorNumber,
  isClientStream,
  settingIds,
  windowBytesMax,
} from './protocol.ts';
import { OpenStreams } from './open-streams.ts';
import { PeerSettings, beginSession } from './peer-settings.ts';
import { ReceiveWindows } from './receive-windows.ts';
import type { Http2SessionSettings, SessionFailure, SessionOwner } from './session-owner.ts';
import { SessionSender } from './session-sender.ts';
import { StreamNumbers } from './stream-numbers.ts';

const windowTooLarge = 'a window of more than 2^31 - 1 bytes';

/**
 * One HTTP/2 connection (RFC 9113), of either role, without I/O but that of its transport: settings, streams, windows, the rules that
 * depend on the state of a stream, and limits against peers that waste our time. It knows no HTTP: sections and bodies go to the
 * streams' listeners as they are.
 */
export class Session implements FrameHandler {
  readonly sender: SessionSender;
  readonly windows: ReceiveWindows;
  readonly peer = new PeerSettings();
  /** By which rule or limit the session has ended; null: it has not. */
  failure: SessionFailure | null = null;
  readonly #settings: Http2SessionSettings;
  readonly #owner: SessionOwner;
  readonly #reader: FrameReader;
  readonly #decoder = new HpackDecoder(h2Limits.headerTableBytes);
  readonly #section: DecodedSection;
  readonly #streams = new OpenStreams<SessionStream>();
  readonly #rates: FrameRates;
  readonly #numbers: StreamNumbers;
  #prefaceAt: number;
  #isOver = false;
  /** Windows of the peer have opened: what waits for them is sent when all frames that have come are read, in few frames instead of many. */
  #hasWidened = false;
  /** Acknowledgements of SETTINGS and PING that have yet to come. */
  #settingsDue = 1;
  /** Frames for streams that were not open, before the first of them came. */
  #unopenedEarly = 0;
  #earlyPriorities: EarlyPriorities | null = null;
  #pongsDue = 0;

  constructor(transport: Transport, section: DecodedSection, settings: Http2SessionSettings, owner: SessionOwner) {
    this.sender = new SessionSender(transport, owner);
    this.windows = new ReceiveWindows(this.sender);
    this.#section = section;
    this.#settings = settings;
    this.#owner = owner;
    this.#reader = new FrameReader(this, blockLimitsOf(settings));
    this.#rates = new FrameRates(settings.now);
    this.#numbers = new StreamNumbers(this.#isServer);
    this.#prefaceAt = this.#isServer ? 0 : clientPreface.length;
    beginSession(this.sender, settings);
  }

  get #isServer(): boolean {
    return this.#settings.role === 'server';
  }

  get streamsOpen(): number {
    return this.#streams.size;
  }

  /** A frame or a header block has begun, and has not ended; or the preface has not come. */
  get isWithinFrame(): boolean {
    return this.#prefaceAt < clientPreface.length || this.#reader.isWithin;
  }

  /** The frame that has ended the session, as far as it came and may be kept; null: no single frame did. */
  get refusedFrame(): Uint8Array | null {
    return this.#reader.refused;
  }

  /** What the peer's frames cost, and whether they come near a limit. */
  get strain(): Strain {
    return this.#rates.strain;
  }

  /**
   * Reads bytes [start, end), but no more than a few frames (`sliceCostMax`); HEADERS cost `headersCost`. Returns the first byte that was not
   * read.
   */
  receive(bytes: Uint8Array, start: number, end: number, headersCost: number = h2Limits.headersCost): number {
    if (this.#isOver) return end;
    let at = start;
    while (this.#prefaceAt < clientPreface.length && at < end) {
      if (bytes[at++] === clientPreface.charCodeAt(this.#prefaceAt++)) continue;
      this.onConnectionError('PROTOCOL_ERROR', 'the preface of the connection is wrong');
      return end;
    }
    if (at === end) return end;
    at = this.#reader.push(bytes, at, end, h2Limits.sliceCostMax, headersCost);
    if (this.#hasWidened) {
      this.#hasWidened = false;
      this.sender.pump();
    }
    return at;
  }

  /** Reads all of the bytes: for peers that are trusted not to waste time. */
  receiveAll(bytes: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end; ) at = this.receive(bytes, at, end);
  }

  /** Each open stream. The callback may end any of them. */
  eachStream(visit: (stream: SessionStream) => void): void {
    for (const stream of this.#streams.all()) visit(stream);
  }

  // Our own streams and frames.

  /** Opens a stream to a server. Its first frame must be sent before the next stream is opened. */
  open(listener: StreamListener): SessionStream {
    const id = this.#numbers.takeOwn();
    const stream = new SessionStream(id, this.peer.windowBytes, h2Limits.firstWindowBytes, listener);
    stream.headStart = h2Limits.headStartBytes;
    this.#streams.add(stream);
    return stream;
  }

  /** How many streams can still be opened on the connection: their numbers are used up once (§5.1.1). */
  get hasStreamNumbers(): boolean {
    return this.#numbers.hasOwn;
  }

  /** For listeners, in `onAllSent`: closes the stream if both sides have ended. */
  closeIfEnded(stream: SessionStream): void {
    if (stream.isSent && stream.peerEnded && !stream.isOver) this.#close(stream);
  }

  /** RST_STREAM; the listener is not called. */
  reset(stream: SessionStream, error: ErrorName): void {
    if (stream.isOver) return;
    this.#sendReset(stream.id, error);
    this.#close(stream);
  }

  #sendReset(streamId: number, error: ErrorName): void {
    this.sender.writer.reset(streamId, errorNumber(error));
    this.sender.touch();
    this.#numbers.noteReset(streamId);
  }

  #close(stream: SessionStream): void {
    this.#forget(stream);
    this.#owner.onStreamClosed(stream);
  }

  /** The owner hears of it last: it may end the connection, and with it requests that have not begun. */
  #lose(stream: SessionStream, loss: StreamLoss): void {
    this.#forget(stream);
    stream.listener.onStreamLost(loss);
    this.#owner.onStreamClosed(stream);
  }

  #forget(stream: SessionStream): void {
    stream.isOver = true;
    this.sender.forget(stream);
    this.#streams.remove(stream.id);
    // What the stream has not consumed goes back to the connection.
    this.windows.consumeOnConnection(stream.unconsumedBytes);
  }

  ping(): void {
    this.#pongsDue++;
    this.sender.writer.ping(false, pingPayload, 0);
    this.sender.touch();
  }

  /** Tells the client that no further request is served here; requests that are on their way still are (§6.8). */
  announceGoAway(): void {
    this.sender.writer.goAway(2 ** 31 - 1, 0, '');
    this.sender.touch();
  }

  /** From now on new streams of the peer are passed over: it repeats their requests elsewhere. */
  goAway(): void {
    if (!this.#numbers.takesMore) return;
    this.sender.writer.goAway(this.#numbers.stopTaking(), 0, '');
    this.sender.touch();
  }

  /** The connection has ended: so have all streams. */
  endAll(): void {
    this.#isOver = true;
    this.windows.stop();
    this.#reader.stop();
    this.#loseStreams(() => true, { by: 'connection' });
    this.sender.stop();
  }

  #loseStreams(isLost: (stream: SessionStream) => boolean, loss: StreamLoss): void {
    this.eachStream((stream) => {
      if (!stream.isOver && isLost(stream)) this.#lose(stream, loss);
    });
  }

  // Frames.

  onData(
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    counted: number,
    endsStream: boolean,
    isEmptyFrame: boolean,
  ): void {
    if (!this.windows.take(counted))
      return this.onConnectionError('FLOW_CONTROL_ERROR', 'more content than the window');
    const stream = this.#streams.get(streamId);
    if (isEmptyFrame && !endsStream && !this.#admits('empty_frames')) return;
    if (stream === undefined || stream.peerEnded) {
      this.windows.consumeOnConnection(counted);
      return this.#onFrameForClosed(streamId, 'DATA');
    }
    if (!this.windows.takeOf(stream, counted))
      return this.#break(stream, 'FLOW_CONTROL_ERROR', 'more content than its window');
    const length = end - start;
    if (counted > length) this.windows.consume(stream, counted - length);
    stream.bodyReceived += length;
    if (length > 0 && length < h2Limits.tinyReceivedFrameBytes && !endsStream) this.#rates.admits('tiny_frames');
    // First: an endpoint gets no body of a request that is known to be malformed.
    if (this.#hasRightLength(stream, endsStream) && length > 0) stream.listener.onBody(bytes, start, end);
    if (endsStream) this.#endPeer(stream);
  }

  /** Whether as much of a body has come as Content-Length says; otherwise the request is refused. */
  #hasRightLength(stream: SessionStream, isWhole: boolean): boolean {
    const { bodyExpected, bodyReceived } = stream;
    const isWrong = isWhole ? bodyReceived !== bodyExpected : bodyReceived > bodyExpected;
    if (bodyExpected < 0 || !isWrong) return true;
    const how = bodyReceived > bodyExpected ? 'more' : 'less';
    this.#refuse(stream, `${how} content than Content-Length`, 'content-length-mismatch');
    return false;
  }

  #endPeer(stream: SessionStream): void {
    if (stream.isOver) return;
    this.#hasRightLength(stream, true);
    if (stream.isOver) return; // It was not answered, but reset.
    stream.peerEnded = true;
    stream.listener.onPeerEnd();
    this.closeIfEnded(stream);
  }

  /** The peer has broken a rule on the stream, which ends. */
  #break(stream: SessionStream, error: ErrorName, why: string, rule: RequestRule = 'http2-stream'): void {
    if (!this.#admits('errors')) return;
    this.#sendReset(stream.id, error);
    this.#lose(stream, { by: 'rule', why, rule, code: error });
  }

  /** For owners: what came on the stream breaks a rule of HTTP (§8.1.1). */
  refuseMalformed(stream: SessionStream, why: string, rule: RequestRule): void {
    if (!stream.isOver) this.#refuse(stream, why, rule);
  }

  /** For owners: a request is refused as it is read. */
  noteRefusal(): void {
    this.#rates.admits('refusals');
  }

  /** A malformed message: its owner may answer before the stream ends. What follows of its body counts no more. */
  #refuse(stream: SessionStream, why: string, rule: RequestRule): void {
    stream.bodyExpected = -1;
    if (stream.listener.onMalformed?.(why, rule) === true) this.noteRefusal();
    else this.#break(stream, 'PROTOCOL_ERROR', why, rule);
  }

  /** DATA or HEADERS on a stream whose peer has ended it, or that does not exist (§5.1). */
  #onFrameForClosed(streamId: number, frame: string): void {
    if (this.#numbers.isIdle(streamId))
      return this.onConnectionError('PROTOCOL_ERROR', `${frame} on a stream that is not open`);
    if (this.#numbers.isPassedOver(streamId)) return;
    const stream = this.#streams.get(streamId);
    if (stream !== undefined) return this.#break(stream, 'STREAM_CLOSED', `${frame} behind the end of the stream`);
    if (frame === 'HEADERS' && this.#numbers.wasSkipped(streamId))
      return this.onConnectionError('PROTOCOL_ERROR', 'a stream with a lower number than another');
    if (frame === 'HEADERS') return this.onConnectionError('STREAM_CLOSED', 'HEADERS on a stream that has ended');
    this.onStreamError(streamId, 'STREAM_CLOSED');
  }

  onHeaderBlock(
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    endsStream: boolean,
    dependsOn: number | null,
  ): void {
    const section = this.#section;
    const stream = this.#streams.get(streamId);
    section.begin(this.#kindOf(stream), this.#settings.sectionLimits);
    // Also of a stream that has ended: the decoder must stay in step with the encoder (RFC 7541 §2.2).
    const error = this.#decoder.decode(bytes, start, end, section);
    if (error !== null) return this.onConnectionError('COMPRESSION_ERROR', `a header block: ${error}`);
    const { listBytes } = section;
    if (listBytes >= h2Limits.bombBytesMin && listBytes >= h2Limits.bombFactor * (end - start))
      if (!this.#admits('hpack_bombs')) return;
    if (this.#isServer && stream === undefined) return this.#openPeerStream(streamId, endsStream, dependsOn);
    if (stream === undefined || stream.peerEnded) return this.#onFrameForClosed(streamId, 'HEADERS');
    if (dependsOn === streamId) return this.#break(stream, 'PROTOCOL_ERROR', 'a stream that depends on itself');
    if (this.#isServer && !endsStream)
      return this.#break(stream, 'PROTOCOL_ERROR', 'trailers that do not end the stream');
    stream.listener.onSection(section, endsStream);
    if (endsStream) this.#endPeer(stream);
  }

  /** Behind the body of a message come trailers; behind its head too, if there is none (§8.1). */
  #kindOf(stream: SessionStream | undefined): HeaderSectionKind {
    if (this.#isServer) return stream === undefined ? 'request' : 'trailers';
    return stream?.hasHead === true ? 'trailers' : 'response';
  }

  #openPeerStream(streamId: number, endsStream: boolean, dependsOn: number | null): void {
    if (!isClientStream(streamId))
      return this.onConnectionError('PROTOCOL_ERROR', 'a request on a stream of the server');
    if (streamId <= this.#numbers.lastOfPeer) return this.#onFrameForClosed(streamId, 'HEADERS');
    this.#numbers.notePeer(streamId);
    if (this.#numbers.isBehindLastTaken(streamId)) return;
    if (this.#streams.size >= h2Limits.streamsMax) return this.onStreamError(streamId, 'REFUSED_STREAM');
    if (dependsOn === streamId) return this.onStreamError(streamId, 'PROTOCOL_ERROR');
    const stream = new SessionStream(streamId, this.peer.windowBytes, h2Limits.firstWindowBytes, noListener);
    this.#streams.add(stream);
    this.#owner.onRequest(stream, this.#section, endsStream);
    const priority = this.#earlyPriorities?.take(streamId) ?? null;
    if (priority !== null) stream.prioritize(priority);
    if (endsStream) this.#endPeer(stream);
  }

  onPriority(): void {
    this.#admits('priorities');
  }

  onPriorityUpdate(streamId: number, value: string): void {
    if (!this.#isServer) return this.onConnectionError('PROTOCOL_ERROR', 'PRIORITY_UPDATE of a server');
    // RFC 9218 §7.1: an idle one, since the gateway pushes nothing.
    if (!isClientStream(streamId))
      return this.onConnectionError('PROTOCOL_ERROR', 'PRIORITY_UPDATE for a stream that was not pushed');
    if (!this.#admits('priorities')) return;
    if (this.#numbers.isIdle(streamId)) return this.#noteEarly(streamId, value);
    this.#streams.get(streamId)?.prioritize(value);
  }

  #noteEarly(streamId: number, value: string): void {
    this.#earlyPriorities ??= new EarlyPriorities();
    if (!this.#earlyPriorities.note(streamId, value, this.#numbers.lastOfPeer + 1, this.#streams.size))
      this.onConnectionError('PROTOCOL_ERROR', 'PRIORITY_UPDATE for more streams than may be open');
  }

  onReset(streamId: number, code: number): void {
    if (this.#numbers.isIdle(streamId))
      return this.onConnectionError('PROTOCOL_ERROR', 'RST_STREAM on a stream that is not open');
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    if (this.#isServer && !this.#admits('resets')) return;
    this.#lose(stream, { by: 'peer', code });
  }

  onSetting(id: number, value: number): void {
    if (id === settingIds.enablePush && value === 1 && !this.#isServer)
      return this.onConnectionError('PROTOCOL_ERROR', 'SETTINGS_ENABLE_PUSH of 1 from a server');
    const windowBefore = this.peer.windowBytes;
    this.peer.apply(id, value);
    const change = this.peer.windowBytes - windowBefore;
    if (id === settingIds.headerTableSize && value < h2Limits.headerTableBytes) this.sender.mustShrinkTable = true;
    if (change !== 0) this.#changeWindows(change);
  }

  #changeWindows(change: number): void {
    for (const stream of this.#streams.all()) {
      stream.sendWindow += change;
      if (stream.sendWindow > windowBytesMax) return this.onConnectionError('FLOW_CONTROL_ERROR', windowTooLarge);
    }
  }

  onSettingsEnd(): void {
    if (!this.#admits('settings')) return;
    this.peer.haveCome = true;
    this.sender.writer.settingsAck();
    this.sender.touch();
    this.#owner.onPeerSettings();
    this.#hasWidened = true;
  }

  onSettingsAck(): void {
    if (this.#settingsDue > 0) this.#settingsDue--;
    else this.#admits('ignored_frames');
  }

  onUnknown(): void {
    this.#admits('ignored_frames');
  }

  #onPong(): void {
    if (this.#pongsDue === 0) return void this.#admits('ignored_frames');
    this.#pongsDue--;
    this.#owner.onPong();
  }

  onPing(isAck: boolean, bytes: Uint8Array, start: number): void {
    if (isAck) return this.#onPong();
    this.#rates.allow('pings', this.sender.pingsEarned);
    this.sender.pingsEarned = 0;
    if (!this.#admits('pings')) return;
    this.sender.writer.ping(true, bytes, start);
    this.sender.touch();
  }

  onGoAway(lastStreamId: number, code: number, text: string): void {
    // First, so that the owner sends lost requests again on another connection.
    this.#owner.onGoAway(lastStreamId, code, text);
    if (!this.#isServer) this.#loseStreams(({ id }) => id > lastStreamId, { by: 'going-away', code, text });
  }

  onWindowUpdate(streamId: number, bytes: number): void {
    this.#rates.allow('window_updates', this.sender.dataFrames * 2);
    this.sender.dataFrames = 0;
    if (!this.#admits('window_updates')) return;
    if (streamId === 0) {
      if (!this.sender.widen(bytes)) return this.onConnectionError('FLOW_CONTROL_ERROR', windowTooLarge);
      this.#hasWidened = true;
      return;
    }
    if (this.#numbers.isIdle(streamId))
      return this.onConnectionError('PROTOCOL_ERROR', 'WINDOW_UPDATE on a stream that is not open');
    const stream = this.#streams.get(streamId);
    if (stream === undefined) return;
    stream.sendWindow += bytes;
    if (stream.sendWindow > windowBytesMax) return this.#break(stream, 'FLOW_CONTROL_ERROR', windowTooLarge);
    this.#hasWidened = true;
  }

  onStreamError(streamId: number, error: ErrorName, why = ''): void {
    const stream = this.#streams.get(streamId);
    if (stream !== undefined) return this.#break(stream, error, why);
    if (this.#numbers.isIdle(streamId)) return this.onConnectionError(error, `${why} on a stream that is not open`);
    if (this.#admitsUnopened()) this.#sendReset(streamId, error);
  }

  /** A frame for a stream that is not open. More are allowed while the peer may not have read how many it may open (§6.5.2). */
  #admitsUnopened(): boolean {
    if (this.#settingsDue === 0 || this.#unopenedEarly === h2Limits.unopenedEarlyMax) return this.#admits('errors');
    this.#unopenedEarly++;
    this.noteRefusal();
    return true;
  }

  onConnectionError(error: ErrorName, why: string, limit: Http2LimitName | null = null): void {
    this.#fail(error, why, limit);
  }

  /** Whether one more such frame is allowed; otherwise the session has ended. */
  #admits(name: FloodName): boolean {
    if (this.#rates.admits(name)) return true;
    this.#failAt(name);
    return false;
  }

  /** For owners: for `nearMs` the peer has been near a limit and has sent faster than it was read. Ends the session if that is too long. */
  endIfNearFor(nearMs: number): void {
    const name = this.#rates.exceeded(nearMs);
    if (name !== null) this.#failAt(name);
  }

  #failAt(name: FloodName): void {
    this.#fail('ENHANCE_YOUR_CALM', `too many: ${name.replaceAll('_', ' ')}`, name);
  }

  #fail(error: ErrorName, why: string, limit: Http2LimitName | null): void {
    if (this.#isOver) return;
    this.failure = {
      error,
      why,
      limit,
      streamId: limit === null || limit === 'header_block' ? this.#reader.frameStream : 0,
    };
    this.sender.writer.goAway(this.#numbers.stopTaking(), errorNumber(error), why.slice(0, 100));
    this.sender.flush();
    this.endAll();
    this.#owner.onSessionFailed(error, why, limit);
  }
}

/** A client's blocks have a limit of their own; an endpoint's depend on what its sections may have. */
function blockLimitsOf({ role, sectionLimits }: Http2SessionSettings): HeaderBlockLimits {
  if (role === 'server') return h2Limits;
  const headerBlockBytesMax = sectionLimits.listBytesMax + h2Limits.headerBlockBytesMax;
  const frames = Math.ceil(headerBlockBytesMax / defaultFrameBytes);
  return { headerBlockBytesMax, continuationsMax: Math.max(h2Limits.continuationsMax, frames) };
}

const pingPayload = Buffer.from('candor\0\0', 'latin1');
