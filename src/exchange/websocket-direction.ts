import type { Ownership } from '../core/message.ts';
import {
  closePayload,
  controlFrame,
  controlOpcodes,
  type FrameSender,
  WebSocketFrames,
} from '../wire/websocket-frames.ts';

/** Where a direction of a tunnel leads. */
export interface TunnelReceiver {
  /** False: the receiver takes no more for now. */
  send(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean;
  flush(): void;
}

/** Fills the bytes with values that a peer cannot foresee. */
export type FillRandomly = (target: Uint8Array) => void;

/**
 * One direction of a WebSocket. It passes the sender's bytes on as they are, and puts frames of the gateway where one frame of the
 * sender has ended and the next one has not begun. Bytes that are not frames pass too; then the gateway adds nothing any more.
 *
 *     sender ──bytes──▶ forward ──▶ receiver        ping, close ──at the end of a frame──▶ receiver
 */
export class WebSocketDirection {
  /** The frames of the sender. */
  readonly frames: WebSocketFrames;
  /** The receiver has got a close frame of the gateway. Nothing follows it. */
  isClosed = false;
  /** A ping of the sender has been passed on. The tunnel sets it back. */
  hasPassedPing = false;
  readonly #receiver: TunnelReceiver;
  readonly #fill: FillRandomly;
  /** The gateway's frames look like those of the sender, which speaks to the same receiver. */
  readonly #masked: boolean;
  /** The payload of a ping that waits for the end of a frame. */
  #ping: Uint8Array | null = null;
  /** The code of a close frame that waits for the end of a frame; 0: none waits. */
  #closeCode = 0;
  /** The payload of the gateway's pings to the sender; null before the first of them. */
  #ownPayload: Uint8Array | null = null;
  /** The frame that is being read is a pong, and may answer the gateway. It is kept until it is whole. */
  #holds = false;
  /** The direction has ended by FIN. */
  #hasEnded = false;

  constructor(sender: FrameSender, receiver: TunnelReceiver, fill: FillRandomly) {
    this.frames = new WebSocketFrames(sender);
    this.#receiver = receiver;
    this.#fill = fill;
    this.#masked = sender.masked;
  }

  /** Passes bytes of the sender on. False: the receiver takes no more for now. */
  forward(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    let hasRoom = true;
    /** The first byte that has neither been sent nor is kept. */
    let from = start;
    let at = start;
    while (at < end && !this.isClosed) {
      const isNewFrame = this.frames.isBetween;
      const next = this.frames.read(bytes, at, end);
      if (isNewFrame) this.#holds = this.#ownPayload !== null && this.frames.isPong && !this.frames.isOver;
      if (this.#holds) {
        if (!this.#send(bytes, from, at, ownership)) hasRoom = false;
        from = next;
        if (!this.#endHeld()) hasRoom = false;
      }
      at = next;
      if (!this.frames.isBetween) continue;
      if (this.frames.isPing) this.hasPassedPing = true;
      if (!this.#isAnythingWaiting) continue;
      if (!this.#send(bytes, from, at, ownership)) hasRoom = false;
      from = at;
      this.#sendWaiting();
    }
    // Bytes behind a close frame of the gateway are dropped.
    if (!this.isClosed && !this.#send(bytes, from, end, ownership)) hasRoom = false;
    return hasRoom;
  }

  #send(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    return start >= end || this.#receiver.send(bytes, start, end, ownership);
  }

  /** Drops the pong that is kept if it answers the gateway, else passes it on. While it is not whole, it stays. */
  #endHeld(): boolean {
    const { frames } = this;
    if (!frames.isBetween && !frames.lost) return true;
    this.#holds = false;
    const answersGateway = frames.isBetween && this.#ownPayload !== null && frames.carries(this.#ownPayload);
    return answersGateway || this.#sendHeld();
  }

  #sendHeld(): boolean {
    const { controlBytes } = this.frames;
    return this.#send(controlBytes, 0, controlBytes.length, 'borrowed');
  }

  /** The sender has sent FIN: what is kept is passed on, and nothing of the gateway follows. */
  end(): void {
    if (this.#holds && !this.isClosed) this.#sendHeld();
    this.#holds = false;
    this.#hasEnded = true;
  }

  /** Sends the receiver a ping, at once or at the end of the frame that is under way. `flush` follows. */
  ping(payload: Uint8Array): void {
    this.#ping = payload;
    this.#sendIfBetween();
  }

  /** The gateway pings the sender with this payload, from now on. Pongs that have it are not passed on. */
  dropPongs(payload: Uint8Array): void {
    this.#ownPayload = payload;
  }

  /** Sends the receiver a close frame, at once or at the end of the frame that is under way. `flush` follows. */
  close(code: number): void {
    this.#closeCode = code;
    this.#sendIfBetween();
  }

  flush(): void {
    this.#receiver.flush();
  }

  get #isAnythingWaiting(): boolean {
    return this.#ping !== null || this.#closeCode !== 0;
  }

  #sendIfBetween(): void {
    if (this.frames.isBetween) this.#sendWaiting();
  }

  #sendWaiting(): void {
    if (this.frames.isOver || this.#hasEnded || this.isClosed) return;
    if (this.#ping !== null) this.#sendFrame(controlOpcodes.ping, this.#ping);
    this.#ping = null;
    if (this.#closeCode === 0) return;
    this.#sendFrame(controlOpcodes.close, closePayload(this.#closeCode));
    this.isClosed = true;
  }

  /** The receiver's answer to "has room" is left aside: a control frame is small, and bytes of the sender ask again. */
  #sendFrame(opcode: 8 | 9, payload: Uint8Array): void {
    let mask: Uint8Array | null = null;
    if (this.#masked) {
      mask = new Uint8Array(4);
      this.#fill(mask);
    }
    const frame = controlFrame(opcode, payload, mask);
    this.#receiver.send(frame, 0, frame.length, 'owned');
  }
}
