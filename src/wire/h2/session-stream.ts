import type { Ownership } from '../../core/message.ts';
import type { RequestRule } from '#failures/rules.ts';
import type { DecodedSection } from './decoded-section.ts';
import type { ErrorName } from './protocol.ts';
import { h2Limits } from './limits.ts';

/** Far more than urgency and `i` take. */
const valueCharactersMax = 64;

/** What a client has said of the priority of streams before it opened them (RFC 9218 §7.1). */
export class EarlyPriorities {
  readonly #values = new Map<number, string | null>();

  /**
   * False: these streams and the `open` ones are more than a client may have (§7.1). Streams before `firstIdle` have been passed by.
   */
  note(streamId: number, value: string, firstIdle: number, open: number): boolean {
    this.#values.delete(streamId);
    this.#values.set(streamId, value.length > valueCharactersMax ? null : value);
    if (this.#values.size + open <= h2Limits.streamsMax) return true;
    for (const id of this.#values.keys()) if (id < firstIdle) this.#values.delete(id);
    return this.#values.size + open <= h2Limits.streamsMax;
  }

  /** Null: nothing. */
  take(streamId: number): string | null {
    if (this.#values.size === 0) return null; // Nearly always.
    const value = this.#values.get(streamId) ?? null;
    this.#values.delete(streamId);
    return value;
  }
}

/** What one stream reports to its owner. Bytes are valid during the call only. */
export interface StreamListener {
  /** A header section: a response, an interim one, or trailers. A request comes with its stream, by `SessionOwner.onRequest`. */
  onSection(section: DecodedSection, endsStream: boolean): void;
  /** Content. It counts against the windows until `SessionStream.consume`. */
  onBody(bytes: Uint8Array, start: number, end: number): void;
  /** The peer sends no more, and has sent as many bytes as it announced. */
  onPeerEnd(): void;
  /**
   * What came breaks `rule` of HTTP (RFC 9113 §8.1.1). True: the owner answers that, and the stream stays open until then. False: the
   * stream is reset, and `onStreamLost` follows, as without this method.
   */
  onMalformed?(why: string, rule: RequestRule): boolean;
  /** The stream has ended without END_STREAM: nothing more comes, and nothing more is sent. */
  onStreamLost(loss: StreamLoss): void;
  /** All that waited for windows or for the system has been sent, as far as it can be known. */
  onRoom(): void;
  /** The connection was full and takes more again; what of the stream still waits, waits for windows. */
  onUncongested?(): void;
  /** END_STREAM has been handed to the system, with all before it. */
  onAllSent(): void;
}

/** Why a stream has ended before its time. */
export type StreamLoss =
  /** RST_STREAM of the peer. */
  | { readonly by: 'peer'; readonly code: number }
  /** The peer has sent what may not be sent; the stream has been reset. */
  | { readonly by: 'rule'; readonly why: string; readonly rule: RequestRule; readonly code: ErrorName }
  /** GOAWAY of the peer: the stream is behind its last one, and has not been processed (RFC 9113 §6.8). */
  | { readonly by: 'going-away'; readonly code: number; readonly text: string }
  /** The connection has ended. */
  | { readonly by: 'connection' };

/** Bytes that wait for a window or for the system. */
interface Waiting {
  readonly bytes: Uint8Array;
  start: number;
  readonly end: number;
}

/** RFC 9218 §4: a low urgency number goes first. */
const defaultUrgency = 3;

/**
 * One stream of a session: its state (RFC 9113 §5.1) and windows (§5.2), and the body that waits. `session.ts` and
 * `session-sender.ts` work on it; owners read it.
 */
export class SessionStream {
  readonly id: number;
  listener: StreamListener;
  peerEnded = false;
  ended = false;
  /** END_STREAM is with the system. */
  isSent = false;
  /** Set by the owner of a client's stream: the final response head has come. */
  hasHead = false;
  /** Reset by one of the two, or lost with the connection. */
  isOver = false;
  /** What the peer may still take. */
  sendWindow: number;
  /** What we may still get, and what of it has been consumed and not been given back. */
  receiveWindow: number;
  consumedBytes = 0;
  /** Received and not consumed. */
  unconsumedBytes = 0;
  /** The window that the peer is to have. */
  windowBytes: number;
  /** Of Content-Length; −1: any number of bytes. */
  bodyExpected = -1;
  bodyReceived = 0;
  readonly waiting: Waiting[] = [];
  waitingBytes = 0;
  /** Of its body, that will never be sent: the stream ended while they waited for a window. */
  forgottenBytes = 0;
  /** END_STREAM follows what waits; before it `trailers`, a header block. */
  endsAfterWaiting = false;
  trailers: Uint8Array | null = null;
  /** Somebody waits for `onRoom`. */
  wantsRoom = false;
  urgency = defaultUrgency;
  #serverPriority = '';
  incremental = false;
  /** So many bytes of its body go before that of older streams. */
  headStart = 0;
  /** Of its last frame that is composed and may get END_STREAM: the composition and the place. */
  lastGeneration = -1;
  lastFrameAt = 0;
  /** How many bytes the connection had composed before the stream's first frame. */
  firstByteAt = -1;
  /** As above, behind the last one. */
  lastByteAt = -1;

  constructor(id: number, sendWindow: number, receiveWindow: number, listener: StreamListener) {
    this.id = id;
    this.sendWindow = sendWindow;
    this.receiveWindow = receiveWindow;
    this.windowBytes = receiveWindow;
    this.listener = listener;
  }

  /** Keeps bytes until they can be sent. Borrowed ones are copied. */
  keep(bytes: Uint8Array, start: number, end: number, ownership: Ownership): void {
    const own = ownership === 'owned' ? bytes : Buffer.from(bytes.subarray(start, end));
    this.waiting.push(ownership === 'owned' ? { bytes, start, end } : { bytes: own, start: 0, end: own.length });
    this.waitingBytes += end - start;
  }

  /** Takes the urgency and `i` of a Priority field of the client (RFC 9218 §4). What it does not say, or says wrongly, has its default (§6). */
  prioritize(value: string): void {
    this.urgency = defaultUrgency;
    this.incremental = false;
    this.#takePriority(value);
    if (this.#serverPriority !== '') this.#takePriority(this.#serverPriority);
  }

  /** Takes the Priority field of the response (§8): what it says counts more than what the client says, also later; the rest stays. */
  mergePriority(value: string): void {
    this.#serverPriority = value;
    this.#takePriority(value);
  }

  #takePriority(value: string): void {
    for (const member of value.split(',')) {
      const [key, text = '?1'] = member.trim().split('=');
      if (key === 'u' && /^[0-7]$/.test(text)) this.urgency = Number(text);
      if (key === 'i' && (text === '?0' || text === '?1')) this.incremental = text === '?1';
    }
  }

  /** Forgets what waits. */
  forgetWaiting(): void {
    this.waiting.length = 0;
    this.forgottenBytes += this.waitingBytes;
    this.waitingBytes = 0;
    this.endsAfterWaiting = false;
    this.trailers = null;
  }
}

/** Until the owner has set the stream's own. */
export const noListener: StreamListener = {
  onSection() {},
  onBody() {},
  onPeerEnd() {},
  onStreamLost() {},
  onRoom() {},
  onAllSent() {},
};
