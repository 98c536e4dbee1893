import type { Ownership } from '../../core/message.ts';
import type { Transport, TurnEndListener } from '../../core/transport.ts';
import { FrameWriter } from './frame-writer.ts';
import { h2Limits } from './limits.ts';
import { defaultFrameBytes, defaultWindowBytes, windowBytesMax } from './protocol.ts';
import type { SessionStream } from './session-stream.ts';

/**
 * Whose turn it is among the streams that have something to send (RFC 9218 §10): the most urgent first. Of streams of the same urgency
 * those that say that they can be used in parts take turns with all others; of the rest, the oldest goes first.
 *
 * The streams of a connection to an endpoint are of many clients: in the order of their age a small upload would wait for all large ones
 * before it. So every other turn is for those that have a head start. Large ones still end one after the other: if all shared the
 * window of the connection equally, all would take as long as the last, and the endpoint would hold all of them.
 */
export class SendTurns {
  readonly #streams: SessionStream[] = [];
  #isOfHeadStarts = false;

  add(stream: SessionStream): void {
    if (!this.#streams.includes(stream)) this.#streams.push(stream);
  }

  remove(stream: SessionStream): void {
    const at = this.#streams.indexOf(stream);
    if (at >= 0) this.#streams.splice(at, 1);
  }

  /** The stream that sends next, among those that `canSend`; null: none can. */
  next(canSend: (stream: SessionStream) => boolean): SessionStream | null {
    this.#isOfHeadStarts = !this.#isOfHeadStarts;
    let best: SessionStream | null = null;
    for (const stream of this.#streams) {
      if (!canSend(stream)) continue;
      if (best === null || goesBefore(stream, best, this.#isOfHeadStarts)) best = stream;
    }
    return best;
  }

  each(visit: (stream: SessionStream) => void): void {
    for (const stream of this.#streams) visit(stream);
  }

  /** The stream has had its turn: others of its urgency are next. */
  endTurn(stream: SessionStream): void {
    if (!stream.incremental) return;
    this.remove(stream);
    this.#streams.push(stream);
  }
}

/** `other` stands before `stream` in the list. */
function goesBefore(stream: SessionStream, other: SessionStream, isOfHeadStarts: boolean): boolean {
  if (stream.urgency !== other.urgency) return stream.urgency < other.urgency;
  const [isAhead, isOtherAhead] = [stream.headStart > 0, other.headStart > 0];
  if (isOfHeadStarts && isAhead !== isOtherAhead) return isAhead;
  return !stream.incremental && !other.incremental && stream.id < other.id;
}

const noBytes = Buffer.alloc(0);

function onUncongested({ listener }: SessionStream): void {
  listener.onUncongested?.();
}

/** RFC 7541 §6.3: a dynamic table of size 0. */
const noTable = 0x20;

/** The part of `SessionOwner` that hears of the sender. */
interface SenderOwner {
  onCongested?(): void;
}

/**
 * The sending half of a session: composes the frames of all streams, within the peer's windows (RFC 9113 §5.2), and sends those
 * of a turn of the event loop together. What a window or a busy connection holds up waits with its stream.
 */
export class SessionSender implements TurnEndListener {
  readonly writer = new FrameWriter();
  /** The next header block must begin with a dynamic table of size 0. */
  mustShrinkTable = false;
  readonly #transport: Transport;
  readonly #owner: SenderOwner;
  readonly #turns = new SendTurns();
  /** What the peer still takes on all streams together. */
  #window = defaultWindowBytes;
  /** Bytes are pending in the transport: until they are sent, a body waits with its stream. */
  isCongested = false;
  #awaitsTurnEnd = false;
  #isPumping = false;
  #isOver = false;
  /** Streams that have ended, and whose last frames are not with the system yet. */
  #unsent: SessionStream[] = [];
  /** Bytes of compositions that were taken. */
  #takenBytes = 0;
  /** Bytes of a body in the DATA frames of all streams. */
  bodyBytes = 0;
  /** DATA frames since the last question. */
  dataFrames = 0;
  /** As above, for PING: gRPC measures the connection by one PING for each DATA frame that it gets. */
  pingsEarned = 0;

  constructor(transport: Transport, owner: SenderOwner = {}) {
    this.#transport = transport;
    this.#owner = owner;
  }

  /** Composed bytes since the connection began: `Transport.sentBytes` reaches this when all have been sent. */
  get composedBytes(): number {
    return this.#takenBytes + this.writer.length;
  }

  /** So much is composed for a peer that does not read that nothing more should be read from it. */
  get isOverfull(): boolean {
    return this.isCongested && this.writer.length > h2Limits.unreadBytesMax;
  }

  /** Frames have been composed: they leave at the end of the turn. */
  touch(): void {
    if (this.#awaitsTurnEnd || this.#isOver) return;
    this.#awaitsTurnEnd = true;
    this.#transport.notifyAtTurnEnd(this);
  }

  onTurnEnd(): void {
    this.#awaitsTurnEnd = false;
    this.flush();
  }

  /** Sends what is composed, unless the connection is congested. */
  flush(): void {
    if (this.isCongested || this.#isOver) return;
    const { length } = this.writer;
    const bytes = this.writer.take();
    if (bytes === null) return;
    this.#takenBytes += length;
    if (this.#transport.write(bytes, 0, length, 'owned')) {
      this.writer.giveBack(bytes);
      this.#settle();
    } else {
      this.isCongested = true;
      this.#owner.onCongested?.();
    }
  }

  /** Tells the streams whose last frame the system has taken, also while bytes of other streams are pending. For owners that end the connection. */
  settleSent(): void {
    const sentBytes = this.#transport.sentBytes - this.#transport.pendingBytes;
    const pending = this.#unsent.filter(({ lastByteAt }) => lastByteAt > sentBytes);
    this.#unsent = this.#unsent.filter(({ lastByteAt }) => lastByteAt <= sentBytes);
    this.#settle();
    this.#unsent.push(...pending);
  }

  /** Everything composed so far is with the system. */
  #settle(): void {
    if (this.#unsent.length === 0) return;
    const unsent = this.#unsent;
    this.#unsent = [];
    for (const stream of unsent) {
      if (stream.isOver) continue;
      stream.isSent = true;
      stream.listener.onAllSent();
    }
  }

  /** The transport has sent everything. */
  onWritten(): void {
    this.isCongested = false;
    if (this.writer.length === 0) this.#settle();
    else this.flush();
    this.pump();
    if (!this.isCongested) this.#turns.each(onUncongested);
  }

  /** Nothing more is sent. */
  stop(): void {
    this.#isOver = true;
    this.writer.discard();
  }

  // Streams.

  headers(stream: SessionStream, block: Uint8Array, start: number, end: number, endsStream: boolean): void {
    const { writer } = this;
    // A block near its limit, behind others: the buffer would grow.
    if (end - start > defaultFrameBytes) this.flush();
    if (stream.firstByteAt < 0) stream.firstByteAt = this.composedBytes;
    stream.lastGeneration = writer.generation;
    stream.lastFrameAt = writer.position;
    writer.headers(stream.id, block, start, end, endsStream);
    this.touch();
  }

  /** Sends or keeps a body. False: the sender must wait for `onRoom`. */
  body(stream: SessionStream, bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    if (stream.isOver || this.#isOver) return true;
    let at = start;
    if (stream.waitingBytes === 0 && !this.isCongested) at = this.#data(stream, bytes, start, end);
    if (at === end && !this.isCongested) return true;
    if (at < end) stream.keep(bytes, at, end, ownership);
    stream.wantsRoom = true;
    this.#turns.add(stream);
    return false;
  }

  /** Ends the stream with END_STREAM, behind what waits. `trailers`: their header block, which the stream may keep; null: none. */
  end(stream: SessionStream, trailers: Uint8Array | null): void {
    if (stream.isOver || this.#isOver) return;
    stream.trailers = trailers;
    if (stream.waitingBytes > 0) stream.endsAfterWaiting = true;
    else this.#end(stream);
  }

  #end(stream: SessionStream): void {
    const { writer } = this;
    const { id, trailers } = stream;
    this.#turns.remove(stream);
    if (trailers !== null) this.#trailers(stream, trailers);
    else if (stream.lastGeneration === writer.generation) writer.endStreamAt(stream.lastFrameAt);
    else writer.data(id, noBytes, 0, 0, true);
    this.touch();
    stream.ended = true;
    stream.trailers = null;
    stream.lastByteAt = this.composedBytes;
    this.#unsent.push(stream);
  }

  #trailers(stream: SessionStream, trailers: Uint8Array): void {
    // They were composed earlier than they are sent.
    const block = this.mustShrinkTable ? Buffer.concat([Buffer.of(noTable), trailers]) : trailers;
    this.mustShrinkTable = false;
    this.headers(stream, block, 0, block.length, true);
  }

  /** Nothing more is sent on the stream. */
  forget(stream: SessionStream): void {
    stream.forgetWaiting();
    this.#turns.remove(stream);
    stream.lastGeneration = -1;
  }

  /** Composes DATA frames as far as the windows and the connection allow. Returns where it has stopped. */
  #data(stream: SessionStream, bytes: Uint8Array, start: number, end: number): number {
    const { writer } = this;
    let at = start;
    while (at < end) {
      const allowed = Math.min(end - at, stream.sendWindow, this.#window, defaultFrameBytes);
      if (allowed <= 0) break;
      if (writer.roomForData < allowed) {
        this.flush();
        if (this.isCongested) break;
      }
      stream.lastGeneration = writer.generation;
      stream.lastFrameAt = writer.position;
      writer.data(stream.id, bytes, at, at + allowed, false);
      stream.sendWindow -= allowed;
      this.#window -= allowed;
      if (allowed === end - at || allowed >= h2Limits.smallSentFrameBytes) {
        this.dataFrames++;
        this.pingsEarned++;
      }
      at += allowed;
    }
    if (at > start) this.touch();
    this.bodyBytes += at - start;
    stream.headStart -= at - start;
    return at;
  }

  // Windows.

  /** Whether the window stays within what RFC 9113 §6.9.1 allows. */
  widen(bytes: number): boolean {
    this.#window += bytes;
    return this.#window <= windowBytesMax;
  }

  /** Sends what waits, as far as it can be sent, the streams in turns. */
  pump(): void {
    if (this.#isPumping) return;
    this.#isPumping = true;
    try {
      while (!this.isCongested && !this.#isOver) {
        const stream = this.#turns.next(this.#canSend);
        if (stream === null) return;
        this.#turn(stream);
      }
    } finally {
      this.#isPumping = false;
    }
  }

  readonly #canSend = (stream: SessionStream): boolean =>
    stream.waitingBytes === 0 || (stream.sendWindow > 0 && this.#window > 0);

  #turn(stream: SessionStream): void {
    let left: number = h2Limits.quantumBytes;
    while (left > 0) {
      const [first] = stream.waiting;
      if (first === undefined) break;
      const stop = Math.min(first.end, first.start + left);
      const at = this.#data(stream, first.bytes, first.start, stop);
      const sent = at - first.start;
      stream.waitingBytes -= sent;
      left -= sent;
      first.start = at;
      if (at === first.end) stream.waiting.shift();
      if (at < stop) break;
    }
    if (stream.waitingBytes > 0) return this.#turns.endTurn(stream);
    if (stream.endsAfterWaiting) return this.#end(stream);
    this.#turns.remove(stream);
    if (!stream.wantsRoom) return;
    stream.wantsRoom = false;
    stream.listener.onRoom();
  }
}
