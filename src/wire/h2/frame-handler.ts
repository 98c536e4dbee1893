import type { Http2LimitName } from '../../core/http2-limit.ts';
import { type ErrorName, frameHeaderBytes, frameTypes } from './protocol.ts';
import { unparsedBytesMax } from '../../core/unparsed-bytes.ts';

/** Header blocks hold credentials in a form in which they are not recognized: of such a frame only its header is kept. */
const { headers, continuation, pushPromise } = frameTypes;
const ofHeaderBlocks: ReadonlySet<number> = new Set([headers, continuation, pushPromise]);

/** As much of the frame at `frame` as may be kept. Bytes up to `end` are there. */
export function refusedPart(bytes: Uint8Array, frame: number, end: number): Uint8Array {
  const bytesMax = ofHeaderBlocks.has(bytes[frame + 3] ?? 0) ? frameHeaderBytes : unparsedBytesMax;
  return Uint8Array.from(bytes.subarray(frame, Math.min(end, frame + bytesMax)));
}

/** Of GOAWAY: what is kept of its text. */
const debugTextMax = 256;

/** 31 bits: the first is reserved, and ignored (§4.1). */
export function streamAt(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) & 0x7f) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}

export function wordAt(bytes: Uint8Array, at: number): number {
  return streamAt(bytes, at) + ((bytes[at] as number) >= 0x80 ? 2 ** 31 : 0);
}

/** What a peer says, for people: bytes that are not visible ASCII become "?". */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  const shown = bytes.subarray(start, Math.min(end, start + debugTextMax));
  return String.fromCharCode(...shown).replace(/[^\x20-\x7e]/g, '?');
}

/**
 * What the frames of a connection say, one call for each, in order. Bytes are valid during the call only. `onConnectionError` is
 * the last call.
 */
export interface FrameHandler {
  /**
   * Bytes [start, end) of a DATA frame, without padding; a frame may come in several parts. `counted` bytes, with the padding, count
   * against the windows (RFC 9113 §6.9). `endsStream` only with the frame's last part.
   */
  onData(
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    counted: number,
    endsStream: boolean,
    isEmptyFrame: boolean,
  ): void;
  /** A whole header block, with those of its CONTINUATION frames. `dependsOn`: of its priority fields (§5.3.2); null: it has none. */
  onHeaderBlock(
    streamId: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    endsStream: boolean,
    dependsOn: number | null,
  ): void;
  /** A PRIORITY frame, which is deprecated and says nothing to us (§5.3.2). */
  onPriority(streamId: number): void;
  /** PRIORITY_UPDATE (RFC 9218 §7.1): the stream's new priority, as the value of a Priority field. */
  onPriorityUpdate(streamId: number, value: string): void;
  onReset(streamId: number, code: number): void;
  /** One setting of a SETTINGS frame. */
  onSetting(id: number, value: number): void;
  onSettingsEnd(): void;
  onSettingsAck(): void;
  /** `payload`: the 8 bytes at `start`. */
  onPing(isAck: boolean, bytes: Uint8Array, start: number): void;
  /** `text`: the debug data, at most 256 characters of visible ASCII. */
  onGoAway(lastStreamId: number, code: number, text: string): void;
  onWindowUpdate(streamId: number, bytes: number): void;
  /** A frame of a type that we do not know, which is passed over (§5.5). */
  onUnknown(): void;
  /** The stream must be reset with this error (§5.4.2). */
  onStreamError(streamId: number, error: ErrorName, why: string): void;
  /** The connection must end with this error (§5.4.1): nothing more is read. `limit`: one of ours was reached. */
  onConnectionError(error: ErrorName, why: string, limit?: Http2LimitName | null): void;
}

/** A header block's limits. */
export interface HeaderBlockLimits {
  readonly headerBlockBytesMax: number;
  readonly continuationsMax: number;
}
