import type { Http2LimitName } from '../../core/http2-limit.ts';
import type { FrameHandler } from './frame-handler.ts';
import { FrameReader } from './frame-reader.ts';
import { h2Limits } from './limits.ts';
import type { ErrorName } from './protocol.ts';

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
