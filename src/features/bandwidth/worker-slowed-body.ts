import type { BodySink, BodyTransform } from '../../core/filter.ts';
import type { MessageHeaders, Ownership } from '../../core/message.ts';
import { after, type Clock, type Timer } from '../../core/time.ts';

/** How many bytes may be sent now. */
export interface Speed {
  /** Takes up to `wanted` bytes; 0: none may be sent for `waitMs`. */
  take(wanted: number): number;
  readonly waitMs: number;
}

/** Timers that come more often cost more than they smooth. */
const waitMsMin = 10;

interface Held {
  readonly bytes: Uint8Array;
  start: number;
  readonly end: number;
  readonly ownership: Ownership;
}

/** Sends a body no faster than a speed allows, and lets its sender wait meanwhile. It holds no more than one read. */
export class SlowedBody implements BodyTransform {
  readonly #speed: Speed;
  readonly #sink: BodySink;
  readonly #clock: Clock;
  readonly #held: Held[] = [];
  #hasRoom = true;
  #senderWaits = false;
  #ending: { readonly trailers: MessageHeaders | null } | null = null;
  #timer: Timer | null = null;

  constructor(speed: Speed, sink: BodySink, clock: Clock) {
    this.#speed = speed;
    this.#sink = sink;
    this.#clock = clock;
  }

  push(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean {
    const one = { bytes, start, end, ownership };
    if (this.#held.length === 0 && this.#hasRoom) this.#send(one);
    const isSent = one.start === end;
    // Borrowed bytes are valid during the call alone. Not by `slice`: of a Buffer, as connections lend it, that is a view.
    if (!isSent && ownership === 'borrowed') {
      const kept = Buffer.from(bytes.subarray(one.start, end));
      this.#held.push({ bytes: kept, start: 0, end: kept.length, ownership: 'owned' });
    } else if (!isSent) this.#held.push(one);
    if (isSent && this.#hasRoom) return true;
    this.#senderWaits = true;
    if (!isSent) this.#wait();
    return false;
  }

  end(trailers: MessageHeaders | null): void {
    if (this.#held.length === 0) return this.#sink.end(trailers);
    this.#ending = { trailers };
  }

  onRoom(): void {
    this.#hasRoom = true;
    if (this.#timer === null) this.#goOn();
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#held.length = 0;
  }

  /** Sends of these bytes what may be sent now. */
  #send(one: Held): void {
    while (one.start < one.end && this.#hasRoom) {
      const count = this.#speed.take(one.end - one.start);
      if (count === 0) return;
      const { start } = one;
      one.start += count;
      this.#hasRoom = this.#sink.write(one.bytes, start, one.start, one.ownership);
    }
  }

  #wait(): void {
    if (this.#timer !== null || !this.#hasRoom) return;
    const at = after(this.#clock.now(), Math.max(waitMsMin, this.#speed.waitMs));
    this.#timer = this.#clock.schedule(at, fire, this);
  }

  fired(): void {
    this.#timer = null;
    this.#goOn();
  }

  #goOn(): void {
    for (let one = this.#held[0]; one !== undefined; one = this.#held[0]) {
      this.#send(one);
      if (one.start < one.end) return this.#wait();
      this.#held.shift();
    }
    if (this.#ending !== null) {
      const { trailers } = this.#ending;
      this.#ending = null;
      this.#sink.end(trailers);
    } else if (this.#senderWaits && this.#hasRoom) {
      this.#senderWaits = false;
      this.#sink.resumeSender();
    }
  }
}

function fire(body: SlowedBody): void {
  body.fired();
}
