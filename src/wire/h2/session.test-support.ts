import assert from 'node:assert/strict';
import type { Ownership } from '../../core/message.ts';
import type { Transport, TurnEndListener } from '../../core/transport.ts';
import { HeadStorage } from '../head-storage.ts';
import { DecodedSection } from './decoded-section.ts';
import { FrameReader } from './frame-reader.ts';
import { h2Limits } from './limits.ts';
import { clientPreface, frameFlags, frameTypes, type ErrorName } from './protocol.ts';
import { Session } from './session.ts';
import type { SessionOwner } from './session-owner.ts';
import type { SessionStream, StreamListener, StreamLoss } from './session-stream.ts';
import type { Http2LimitName } from '../../core/http2-limit.ts';
import type { FrameHandler } from './frame-handler.ts';

/** A frame with any type, flags, stream and payload, and a length that may be a lie: what a hostile peer may send. */
export function frame(
  type: number,
  flags: number,
  streamId: number,
  payload: Uint8Array | string = '',
  length?: number,
): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
  const head = Buffer.alloc(9);
  head.writeUIntBE(length ?? bytes.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, bytes]);
}

/** Writes down what a reader says, a line for each call; DATA that comes in parts is one line. */
export class FrameLog implements FrameHandler {
  readonly lines: string[] = [];
  #data: { streamId: number; bytes: Buffer; counted: number; ends: boolean } | null = null;

  /** All calls so far. */
  calls(): readonly string[] {
    this.#flush();
    return this.lines;
  }

  #flush(): void {
    const data = this.#data;
    this.#data = null;
    if (data === null) return;
    const { streamId, bytes, counted, ends } = data;
    this.lines.push(`DATA ${streamId} ${bytes.toString('hex')} counts ${counted}${ends ? ' END' : ''}`);
  }

  #add(line: string): void {
    this.#flush();
    this.lines.push(line);
  }

  onData(
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    counted: number,
    ends: boolean,
    isEmpty: boolean,
  ): void {
    if (isEmpty) return this.#add(`DATA ${streamId} empty counts ${counted}${ends ? ' END' : ''}`);
    if (this.#data?.streamId !== streamId || this.#data.ends) this.#flush();
    const data = this.#data ?? { streamId, bytes: Buffer.alloc(0), counted: 0, ends };
    data.bytes = Buffer.concat([data.bytes, bytes.subarray(start, end)]);
    data.counted += counted;
    data.ends = ends;
    this.#data = data;
  }

  onHeaderBlock(
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    ends: boolean,
    dependsOn: number | null,
  ): void {
    const block = Buffer.from(bytes.subarray(start, end)).toString('hex');
    this.#add(
      `HEADERS ${streamId} ${block}${dependsOn === null ? '' : ` depends on ${dependsOn}`}${ends ? ' END' : ''}`,
    );
  }

  onPriority(streamId: number): void {
    this.#add(`PRIORITY ${streamId}`);
  }

  onPriorityUpdate(streamId: number, value: string): void {
    this.#add(`PRIORITY_UPDATE ${streamId} ${value}`);
  }

  onReset(streamId: number, code: number): void {
    this.#add(`RST_STREAM ${streamId} ${code}`);
  }

  onSetting(id: number, value: number): void {
    this.#add(`SETTING ${id} ${value}`);
  }

  onSettingsEnd(): void {
    this.#add('SETTINGS');
  }

  onSettingsAck(): void {
    this.#add('SETTINGS ACK');
  }

  onPing(isAck: boolean, bytes: Uint8Array, start: number): void {
    this.#add(`PING${isAck ? ' ACK' : ''} ${Buffer.from(bytes.subarray(start, start + 8)).toString('hex')}`);
  }

  onGoAway(lastStreamId: number, code: number, text: string): void {
    this.#add(`GOAWAY ${lastStreamId} ${code} ${text}`);
  }

  onWindowUpdate(streamId: number, bytes: number): void {
    this.#add(`WINDOW_UPDATE ${streamId} ${bytes}`);
  }

  onUnknown(): void {}

  onStreamError(streamId: number, error: ErrorName, _why: string): void {
    this.#add(`stream ${streamId}: ${error}`);
  }

  onConnectionError(error: ErrorName, _why: string, limit: Http2LimitName | null = null): void {
    this.#add(`connection: ${error}${limit === null ? '' : ` by ${limit}`}`);
  }
}

/** What a reader says of `bytes` behind SETTINGS, in slices of `sliceBytes`. */
export function callsOf(bytes: Buffer, sliceBytes: number = bytes.length): readonly string[] {
  const cuts = Array.from({ length: Math.floor(bytes.length / sliceBytes) }, (_, index) => (index + 1) * sliceBytes);
  return callsOfParts(bytes, cuts);
}

/** The same of bytes that are cut at the given places. */
export function callsOfParts(bytes: Buffer, cuts: readonly number[]): readonly string[] {
  const log = new FrameLog();
  const reader = new FrameReader(log, h2Limits);
  const settings = frame(4, 0, 0);
  reader.push(settings, 0, settings.length);
  const places = [...new Set([0, ...cuts, bytes.length])].toSorted((a, b) => a - b);
  for (const [index, at] of places.entries()) {
    const part = bytes.subarray(at, places[index + 1] ?? at);
    if (part.length === 0) continue;
    // Bytes are lent during the call only, and seldom begin at 0.
    const lent = Buffer.concat([Buffer.from('..'), part]);
    reader.push(lent, 2, lent.length);
    lent.fill(0xdb);
  }
  return log.calls().slice(1);
}

/** Takes bytes at once, or holds them up: the part of a transport that a session uses. */
export class HeldTransport {
  /** What has left, in parts. */
  readonly sent: Buffer[] = [];
  isBusy = false;
  sentBytes = 0;
  #pending: { readonly bytes: Uint8Array; readonly copy: Buffer } | null = null;
  #turnEnds: TurnEndListener[] = [];

  get pendingBytes(): number {
    return this.#pending?.copy.length ?? 0;
  }

  write(bytes: Uint8Array, start: number, end: number, _ownership: Ownership): boolean {
    assert.equal(this.#pending, null, 'nothing is written while bytes are pending');
    const copy = Buffer.from(bytes.subarray(start, end));
    if (this.isBusy) {
      this.#pending = { bytes: bytes.subarray(start, end), copy };
      return false;
    }
    this.#leave(copy);
    return true;
  }

  #leave(bytes: Buffer): void {
    this.sent.push(bytes);
    this.sentBytes += bytes.length;
  }

  notifyAtTurnEnd(listener: TurnEndListener): void {
    this.#turnEnds.push(listener);
  }

  endTurn(): void {
    const due = this.#turnEnds;
    this.#turnEnds = [];
    for (const listener of due) listener.onTurnEnd();
  }

  /** The kernel takes what is pending, and everything from now on. */
  release(onWritten: () => void): void {
    this.isBusy = false;
    const pending = this.#pending;
    if (pending === null) return;
    assert.ok(pending.copy.equals(pending.bytes), 'bytes that are pending do not change');
    this.#pending = null;
    this.#leave(pending.copy);
    onWritten();
  }
}

/** The end of a stream that writes down what it gets. */
export class StreamLog implements StreamListener {
  body: Buffer = Buffer.alloc(0);
  peerEnded = false;
  allSent = false;
  rooms = 0;
  loss: StreamLoss | null = null;
  onRoomToo: () => void = () => {};

  onSection(): void {}

  onBody(bytes: Uint8Array, start: number, end: number): void {
    this.body = Buffer.concat([this.body, bytes.subarray(start, end)]);
  }

  onPeerEnd(): void {
    this.peerEnded = true;
  }

  onStreamLost(loss: StreamLoss): void {
    this.loss = loss;
  }

  onRoom(): void {
    this.rooms++;
    this.onRoomToo();
  }

  onAllSent(): void {
    this.allSent = true;
  }
}

/** A server's session, its streams, and what it sends to a peer that the test plays. */
export class ServerUnderTest implements SessionOwner {
  readonly transport = new HeldTransport();
  readonly session: Session;
  readonly streams = new Map<number, SessionStream>();
  readonly logs = new Map<number, StreamLog>();
  readonly closed: number[] = [];
  readonly goAways: string[] = [];
  pongs = 0;
  failed: string | null = null;
  now = 0;
  readonly #log = new FrameLog();
  readonly #reader = new FrameReader(this.#log, h2Limits);
  #read = 0;
  #seen = 0;

  constructor() {
    const section = new DecodedSection(new HeadStorage());
    this.session = new Session(
      this.transport as unknown as Transport,
      section,
      { role: 'server', sectionLimits: { headersMax: 100, listBytesMax: 16_384 }, now: () => this.now },
      this,
    );
    this.push(Buffer.from(clientPreface, 'latin1'), frame(frameTypes.settings, 0, 0));
  }

  /** Bytes of the peer, and the end of the turn. */
  push(...parts: readonly Buffer[]): void {
    const bytes = Buffer.concat(parts);
    this.session.receiveAll(bytes, 0, bytes.length);
    this.transport.endTurn();
  }

  open(streamId: number, ends = true): StreamLog {
    const flags = frameFlags.endHeaders | (ends ? frameFlags.endStream : 0);
    this.push(frame(frameTypes.headers, flags, streamId, '\0\x01a\x01b'));
    return this.logs.get(streamId) ?? assert.fail(`stream ${streamId} is open`);
  }

  stream(streamId: number): SessionStream {
    return this.streams.get(streamId) ?? assert.fail(`stream ${streamId} is open`);
  }

  /** The frames that have left since the last call, as `FrameLog` writes them; DATA is not joined. */
  sent(): readonly string[] {
    for (; this.#read < this.transport.sent.length; this.#read++) {
      const bytes = this.transport.sent[this.#read] as Buffer;
      for (let at = 0; at < bytes.length; ) {
        const end = at + 9 + bytes.readUIntBE(at, 3);
        this.#reader.push(bytes, at, end);
        this.#log.calls();
        at = end;
      }
    }
    const lines = this.#log.lines.slice(this.#seen);
    this.#seen += lines.length;
    return lines;
  }

  onRequest(stream: SessionStream): void {
    const log = new StreamLog();
    stream.listener = log;
    this.streams.set(stream.id, stream);
    this.logs.set(stream.id, log);
  }

  onStreamClosed(stream: SessionStream): void {
    this.closed.push(stream.id);
  }

  onPeerSettings(): void {}

  onPong(): void {
    this.pongs++;
  }

  onGoAway(lastStreamId: number, code: number, text: string): void {
    this.goAways.push(`${lastStreamId} ${code} ${text}`);
  }

  onSessionFailed(error: string, why: string, limit: string | null): void {
    this.failed = `${error}: ${why}${limit === null ? '' : ` (${limit})`}`;
  }
}
