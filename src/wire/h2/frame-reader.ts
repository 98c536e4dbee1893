import type { Http2LimitName } from '../../core/http2-limit.ts';
import { type FrameHandler, type HeaderBlockLimits, streamAt, textOf, wordAt, refusedPart } from './frame-handler.ts';
import {
  defaultFrameBytes,
  frameBytesMax,
  type ErrorName,
  frameFlags,
  frameHeaderBytes,
  frameTypes,
  settingIds,
  windowBytesMax,
} from './protocol.ts';

const { endStream, ack, endHeaders, padded, priority } = frameFlags;
const types = frameTypes;

/**
 * Reads frames from the bytes of a connection (RFC 9113 §4 and §6), however they are split. A frame is read where it lies; it is copied only
 * if it is split, and not a DATA frame, whose bytes go on as they come.
 *
 * Everything that a frame alone can break is found here. What depends on the state of its stream or on earlier frames is
 * the handler's.
 */
export class FrameReader {
  readonly #handler: FrameHandler;
  readonly #limits: HeaderBlockLimits;
  /** A part of a frame, which continues with the next bytes; empty between frames. */
  #held: Buffer = nothing;
  #heldBytes = 0;
  /** Of a DATA frame that is being read: what is left of it. */
  #dataLeft = 0;
  #padLeft = 0;
  #dataEnds = false;
  #inData = false;
  /** The stream whose header block is not complete; 0: none is. */
  #blockStream = 0;
  #blockEnds = false;
  #blockDependsOn: number | null = null;
  #block: Buffer = nothing;
  #blockBytes = 0;
  #continuations = 0;
  #isFirst = true;
  #isOver = false;
  /** The stream of the frame that was read last, whole or in part; 0: it belongs to none. */
  frameStream = 0;
  /** The frame that has ended the connection, or its beginning; null: none has. */
  refused: Uint8Array | null = null;
  #costLeft = 0;
  #headersCost = 0;

  constructor(handler: FrameHandler, limits: HeaderBlockLimits) {
    this.#handler = handler;
    this.#limits = limits;
  }

  /** Whether a frame or a header block has begun and not ended. */
  get isWithin(): boolean {
    return this.#heldBytes > 0 || this.#inData || this.#blockStream !== 0;
  }

  /** Nothing more is read. */
  stop(): void {
    this.#isOver = true;
    this.#held = nothing;
    this.#heldBytes = 0;
    this.#block = nothing;
  }

  /** Reads bytes [start, end), until frames that cost `costMax` have been read: HEADERS cost `headersCost`, all others 1. Returns the first byte that was not read. */
  push(bytes: Uint8Array, start: number, end: number, costMax = Number.POSITIVE_INFINITY, headersCost = 1): number {
    this.#costLeft = costMax;
    this.#headersCost = headersCost;
    let at = start;
    while (at < end && !this.#isOver && (this.#costLeft > 0 || this.#inData)) {
      if (this.#inData) at = this.#readData(bytes, at, end);
      else if (this.#heldBytes > 0) at = this.#completeHeld(bytes, at, end);
      else at = this.#readFrame(bytes, at, end);
    }
    return this.#isOver ? end : at;
  }

  /** Reads the frame at `at`, or holds what there is of it. Returns the first byte behind. */
  #readFrame(bytes: Uint8Array, at: number, end: number): number {
    if (end - at < frameHeaderBytes) return this.#hold(bytes, at, end, frameHeaderBytes);
    const length = ((bytes[at] as number) << 16) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number);
    if (!this.#admits(length, bytes, at, end)) return end;
    const payload = at + frameHeaderBytes;
    if (bytes[at + 3] === types.data) {
      const pad = (bytes[at + 4] as number) & padded;
      if (pad !== 0 && length > 0 && end === payload) return this.#hold(bytes, at, end, frameHeaderBytes + 1);
      return this.#beginData(bytes, at, payload, length);
    }
    const frameEnd = payload + length;
    if (frameEnd > end) return this.#hold(bytes, at, end, frameHeaderBytes + length);
    this.#read(bytes, at, payload, frameEnd);
    return frameEnd;
  }

  #hold(bytes: Uint8Array, at: number, end: number, wanted: number): number {
    if (this.#held.length < wanted) this.#held = Buffer.allocUnsafeSlow(Math.max(wanted, heldBytesMin));
    this.#held.set(bytes.subarray(at, end), 0);
    this.#heldBytes = end - at;
    return end;
  }

  /** Adds to the held part as much as is missing: first the rest of the frame's header, then its payload. */
  #completeHeld(bytes: Uint8Array, start: number, end: number): number {
    let at = this.#addToHeld(bytes, start, end, frameHeaderBytes);
    if (this.#heldBytes < frameHeaderBytes) return at;
    const header = this.#held;
    const length = header.readUIntBE(0, 3);
    if (!this.#admits(length, header, 0, this.#heldBytes)) return end;
    const isData = header[3] === types.data;
    const wanted = frameHeaderBytes + (isData ? Math.min(length, ((header[4] as number) & padded) >> 3) : length);
    at = this.#addToHeld(bytes, at, end, wanted);
    if (this.#heldBytes < wanted) return at;
    const held = this.#held; // Perhaps a larger one than that of the header.
    this.#heldBytes = 0;
    if (isData) this.#beginData(held, 0, frameHeaderBytes, length);
    else this.#read(held, 0, frameHeaderBytes, wanted);
    if (held.length > heldBytesMin) this.#held = nothing;
    return at;
  }

  #addToHeld(bytes: Uint8Array, start: number, end: number, wanted: number): number {
    const missing = wanted - this.#heldBytes;
    if (missing <= 0) return start;
    const stop = Math.min(end, start + missing);
    if (this.#held.length < wanted) {
      const larger = Buffer.allocUnsafeSlow(wanted);
      this.#held.copy(larger, 0, 0, this.#heldBytes);
      this.#held = larger;
    }
    this.#held.set(bytes.subarray(start, stop), this.#heldBytes);
    this.#heldBytes += stop - start;
    return stop;
  }

  /** Whether a frame with the header at `at` may come now; otherwise the connection has ended. */
  #admits(length: number, bytes: Uint8Array, at: number, end: number): boolean {
    const type = bytes[at + 3] as number;
    if (length > defaultFrameBytes)
      return this.#refuse(bytes, at + frameHeaderBytes, end, 'FRAME_SIZE_ERROR', `a frame of ${length} bytes`);
    if (this.#isFirst) {
      if (type !== types.settings || ((bytes[at + 4] as number) & ack) !== 0)
        return this.#refuse(bytes, at + frameHeaderBytes, end, 'PROTOCOL_ERROR', 'the first frame is not SETTINGS');
      this.#isFirst = false;
    }
    if (this.#blockStream !== 0 && (type !== types.continuation || streamAt(bytes, at + 5) !== this.#blockStream))
      return this.#refuse(bytes, at + frameHeaderBytes, end, 'PROTOCOL_ERROR', 'another frame within a header block');
    return true;
  }

  /** The frame whose payload begins at `payload`, and of which bytes up to `end` are there, ends the connection. */
  #refuse(bytes: Uint8Array, payload: number, end: number, error: ErrorName, why: string): false {
    const frame = payload - frameHeaderBytes;
    this.frameStream = streamAt(bytes, frame + 5);
    this.refused = refusedPart(bytes, frame, end);
    return this.#fail(error, why);
  }

  #fail(error: ErrorName, why: string, limit: Http2LimitName | null = null): false {
    this.stop();
    this.#handler.onConnectionError(error, why, limit);
    return false;
  }

  // DATA.

  /** `frame`: its header. The byte at `payload` is the length of the padding, if it has any. */
  #beginData(bytes: Uint8Array, frame: number, payload: number, length: number): number {
    this.#costLeft--;
    const flags = bytes[frame + 4] as number;
    const streamId = streamAt(bytes, frame + 5);
    if (streamId === 0) {
      this.#refuse(bytes, payload, payload, 'PROTOCOL_ERROR', 'DATA without a stream');
      return payload;
    }
    this.frameStream = streamId;
    this.#dataEnds = (flags & endStream) !== 0;
    this.#padLeft = 0;
    this.#dataLeft = length;
    let at = payload;
    let counted = 0;
    if ((flags & padded) !== 0) {
      const padBytes = length === 0 ? 0 : (bytes[payload] as number);
      if (length === 0 || padBytes >= length) {
        this.#refuse(bytes, payload, payload + 1, 'PROTOCOL_ERROR', 'padding longer than its DATA frame');
        return payload;
      }
      this.#padLeft = padBytes;
      this.#dataLeft = length - 1 - padBytes;
      counted = 1;
      at++;
    }
    if (this.#dataLeft === 0) {
      // Padding that has yet to come counts now, too: the frame has said how much it is.
      counted += this.#padLeft;
      this.#inData = this.#padLeft > 0;
      this.#handler.onData(streamId, bytes, at, at, counted, this.#dataEnds, length === counted);
    } else {
      this.#inData = true;
      if (counted > 0) this.#handler.onData(streamId, bytes, at, at, counted, false, false);
    }
    return at;
  }

  #readData(bytes: Uint8Array, at: number, end: number): number {
    if (this.#dataLeft === 0) {
      const stop = Math.min(end, at + this.#padLeft);
      this.#padLeft -= stop - at;
      this.#inData = this.#padLeft > 0;
      return stop;
    }
    const stop = Math.min(end, at + this.#dataLeft);
    this.#dataLeft -= stop - at;
    const isLast = this.#dataLeft === 0;
    this.#inData = !isLast || this.#padLeft > 0;
    const counted = stop - at + (isLast ? this.#padLeft : 0);
    this.#handler.onData(this.frameStream, bytes, at, stop, counted, isLast && this.#dataEnds, false);
    return stop;
  }

  // The other frames, whole.

  #read(bytes: Uint8Array, frame: number, start: number, end: number): void {
    this.#costLeft -= (bytes[frame + 3] === types.headers ? this.#headersCost : 1) + ((end - start) >> 10);
    const flags = bytes[frame + 4] as number;
    const streamId = streamAt(bytes, frame + 5);
    this.frameStream = streamId;
    switch (bytes[frame + 3]) {
      case types.headers:
        return this.#readHeaders(flags, streamId, bytes, start, end);
      case types.continuation:
        return this.#readContinuation(flags, bytes, start, end);
      case types.priority:
        return this.#readPriority(streamId, bytes, start, end);
      case types.rstStream:
        return this.#readReset(streamId, bytes, start, end);
      case types.settings:
        return this.#readSettings(flags, streamId, bytes, start, end);
      case types.ping:
        return this.#readPing(flags, streamId, bytes, start, end);
      case types.goAway:
        return this.#readGoAway(streamId, bytes, start, end);
      case types.windowUpdate:
        return this.#readWindowUpdate(streamId, bytes, start, end);
      case types.priorityUpdate:
        return this.#readPriorityUpdate(streamId, bytes, start, end);
      case types.pushPromise:
        return void this.#refuse(bytes, start, end, 'PROTOCOL_ERROR', 'PUSH_PROMISE, which the gateway does not allow');
      default:
        return this.#handler.onUnknown();
    }
  }

  #readHeaders(flags: number, streamId: number, bytes: Uint8Array, payload: number, frameEnd: number): void {
    let start = payload;
    let end = frameEnd;
    let dependsOn: number | null = null;
    if (streamId === 0)
      return void this.#refuse(bytes, payload, frameEnd, 'PROTOCOL_ERROR', 'HEADERS without a stream');
    if ((flags & padded) !== 0) {
      if (start === end)
        return void this.#refuse(
          bytes,
          payload,
          frameEnd,
          'FRAME_SIZE_ERROR',
          'HEADERS without the length of its padding',
        );
      end -= bytes[start++] as number;
    }
    if ((flags & priority) !== 0) {
      if (end - start < 5)
        return void this.#refuse(bytes, payload, frameEnd, 'FRAME_SIZE_ERROR', 'HEADERS shorter than its priority');
      dependsOn = streamAt(bytes, start);
      start += 5;
    }
    if (start > end)
      return void this.#refuse(bytes, payload, frameEnd, 'PROTOCOL_ERROR', 'padding longer than its HEADERS frame');
    const endsStream = (flags & endStream) !== 0;
    if ((flags & endHeaders) !== 0)
      return this.#handler.onHeaderBlock(streamId, bytes, start, end, endsStream, dependsOn);
    this.#blockStream = streamId;
    this.#blockEnds = endsStream;
    this.#blockDependsOn = dependsOn;
    this.#blockBytes = 0;
    this.#continuations = 0;
    this.#addToBlock(bytes, start, end);
  }

  #readContinuation(flags: number, bytes: Uint8Array, start: number, end: number): void {
    const streamId = this.#blockStream;
    if (streamId === 0)
      return void this.#refuse(bytes, start, end, 'PROTOCOL_ERROR', 'CONTINUATION without a header block');
    if (++this.#continuations > this.#limits.continuationsMax)
      return void this.#fail(
        'ENHANCE_YOUR_CALM',
        `more than ${this.#limits.continuationsMax} CONTINUATION frames`,
        'continuations',
      );
    if (!this.#addToBlock(bytes, start, end) || (flags & endHeaders) === 0) return;
    const block = this.#block;
    this.#blockStream = 0;
    this.#block = nothing;
    this.#handler.onHeaderBlock(streamId, block, 0, this.#blockBytes, this.#blockEnds, this.#blockDependsOn);
  }

  #addToBlock(bytes: Uint8Array, start: number, end: number): boolean {
    const length = this.#blockBytes + end - start;
    const { headerBlockBytesMax } = this.#limits;
    if (length > headerBlockBytesMax)
      return this.#fail(
        'ENHANCE_YOUR_CALM',
        `a header block of more than ${headerBlockBytesMax} bytes`,
        'header_block',
      );
    if (this.#block.length < length) {
      const larger = Buffer.allocUnsafeSlow(Math.min(headerBlockBytesMax, Math.max(2 * length, heldBytesMin)));
      this.#block.copy(larger, 0, 0, this.#blockBytes);
      this.#block = larger;
    }
    this.#block.set(bytes.subarray(start, end), this.#blockBytes);
    this.#blockBytes = length;
    return true;
  }

  #readPriority(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (streamId === 0) return void this.#refuse(bytes, start, end, 'PROTOCOL_ERROR', 'PRIORITY without a stream');
    if (end - start !== 5)
      return this.#handler.onStreamError(streamId, 'FRAME_SIZE_ERROR', 'PRIORITY is not 5 bytes long');
    if (streamAt(bytes, start) === streamId)
      return this.#handler.onStreamError(streamId, 'PROTOCOL_ERROR', 'a stream that depends on itself');
    this.#handler.onPriority(streamId);
  }

  #readPriorityUpdate(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (streamId !== 0) return void this.#refuse(bytes, start, end, 'PROTOCOL_ERROR', 'PRIORITY_UPDATE with a stream');
    if (end - start < 4)
      return void this.#refuse(bytes, start, end, 'FRAME_SIZE_ERROR', 'PRIORITY_UPDATE shorter than 4 bytes');
    const prioritized = streamAt(bytes, start);
    if (prioritized === 0)
      return void this.#refuse(bytes, start, end, 'PROTOCOL_ERROR', 'PRIORITY_UPDATE for no stream');
    this.#handler.onPriorityUpdate(prioritized, textOf(bytes, start + 4, end));
  }

  #readReset(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (streamId === 0) return void this.#refuse(bytes, start, end, 'PROTOCOL_ERROR', 'RST_STREAM without a stream');
    if (end - start !== 4)
      return void this.#refuse(bytes, start, end, 'FRAME_SIZE_ERROR', 'RST_STREAM is not 4 bytes long');
    this.#handler.onReset(streamId, wordAt(bytes, start));
  }

  #readSettings(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (streamId !== 0) return void this.#refuse(bytes, start, end, 'PROTOCOL_ERROR', 'SETTINGS with a stream');
    if ((flags & ack) !== 0) {
      if (end > start)
        return void this.#refuse(bytes, start, end, 'FRAME_SIZE_ERROR', 'an acknowledgement of SETTINGS with settings');
      return this.#handler.onSettingsAck();
    }
    if ((end - start) % 6 !== 0)
      return void this.#refuse(bytes, start, end, 'FRAME_SIZE_ERROR', 'SETTINGS with a part of a setting');
    for (let at = start; at < end && !this.#isOver; at += 6) {
      const id = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
      const value = wordAt(bytes, at + 2);
      if (this.#isLawful(id, value)) this.#handler.onSetting(id, value);
    }
    if (!this.#isOver) this.#handler.onSettingsEnd();
  }

  /** §6.5.2. */
  #isLawful(id: number, value: number): boolean {
    if (zeroOrOne.has(id) && value > 1)
      return this.#fail('PROTOCOL_ERROR', `a setting that is 0 or 1 has the value ${value}`);
    if (id === settingIds.initialWindowSize && value > windowBytesMax)
      return this.#fail('FLOW_CONTROL_ERROR', `an initial window of ${value} bytes`);
    if (id === settingIds.maxFrameSize && (value < defaultFrameBytes || value > frameBytesMax))
      return this.#fail('PROTOCOL_ERROR', `a maximum frame size of ${value} bytes`);
    return true;
  }

  #readPing(flags: number, streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (streamId !== 0) return void this.#refuse(bytes, start, end, 'PROTOCOL_ERROR', 'PING with a stream');
    if (end - start !== 8) return void this.#refuse(bytes, start, end, 'FRAME_SIZE_ERROR', 'PING is not 8 bytes long');
    this.#handler.onPing((flags & ack) !== 0, bytes, start);
  }

  #readGoAway(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (streamId !== 0) return void this.#refuse(bytes, start, end, 'PROTOCOL_ERROR', 'GOAWAY with a stream');
    if (end - start < 8) return void this.#refuse(bytes, start, end, 'FRAME_SIZE_ERROR', 'GOAWAY shorter than 8 bytes');
    this.#handler.onGoAway(streamAt(bytes, start), wordAt(bytes, start + 4), textOf(bytes, start + 8, end));
  }

  #readWindowUpdate(streamId: number, bytes: Uint8Array, start: number, end: number): void {
    if (end - start !== 4)
      return void this.#refuse(bytes, start, end, 'FRAME_SIZE_ERROR', 'WINDOW_UPDATE is not 4 bytes long');
    const increment = streamAt(bytes, start);
    if (increment > 0) return this.#handler.onWindowUpdate(streamId, increment);
    if (streamId === 0) this.#refuse(bytes, start, end, 'PROTOCOL_ERROR', 'a WINDOW_UPDATE of 0 bytes');
    else this.#handler.onStreamError(streamId, 'PROTOCOL_ERROR', 'a WINDOW_UPDATE of 0 bytes');
  }
}

const zeroOrOne: ReadonlySet<number> = new Set([
  settingIds.enablePush,
  settingIds.enableConnectProtocol,
  settingIds.noRfc7540Priorities,
]);

const nothing = Buffer.alloc(0);
const heldBytesMin = 256;
