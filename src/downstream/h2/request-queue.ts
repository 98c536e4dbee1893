import { after, type Clock, type Timer } from '../../core/time.ts';
import type { LostExchange } from './lost-exchanges.ts';
import type { StartingStream } from './stream-owner.ts';

/** So often a queued request begins, even if none has ended: event streams and responses that are not read end late. */
const queueIntervalMs = 100;

/** So many queued requests begin in one turn of the event loop at most, also when the bound on them is lifted. */
const begunInTurnMax = 8;

/** The connection, as the queue of its requests sees it. */
export interface RequestQueueOwner {
  /** How many requests may be in progress now. */
  readonly activeMax: number;
  beginRequest(stream: StartingStream): void;
  /** The connection is lost: calls `lost.endLost`, now or in a later turn of the event loop. */
  endInTurn(lost: LostExchange): void;
  /** `endLost` has returned. */
  onLostEnded(): void;
}

/**
 * When the requests of an HTTP/2 connection begin: at the end of the slice that they were read in, so that what came together is judged
 * together. Where only a few of them may be in progress, the others are queued: some begin in the turn after one has ended, and one begins every
 * 100 ms, so that none waits for more than 12 s. At that interval the queue also asks again how many may be in progress. A request that is lost
 * before it has begun still begins: only its exchange can write its record.
 */
export class RequestQueue {
  readonly #owner: RequestQueueOwner;
  readonly #clock: Clock;
  #active = 0;
  readonly #ofSlice: StartingStream[] = [];
  /** The oldest first. */
  readonly #queue: StartingStream[] = [];
  /** Null: the queue is empty. */
  #interval: Timer | null = null;
  #next: Timer | null = null;

  constructor(owner: RequestQueueOwner, clock: Clock) {
    this.#owner = owner;
    this.#clock = clock;
  }

  add(stream: StartingStream): void {
    this.#ofSlice.push(stream);
  }

  /** Begins the request before the end of its slice, because of its body; not one that is queued. */
  beginEarly(stream: StartingStream): void {
    if (this.#hasRoom && this.#ofSlice.includes(stream)) this.#begin(stream);
  }

  /** Whether a request may begin that was not queued. */
  get #hasRoom(): boolean {
    return this.#queue.length === 0 && this.#active < this.#owner.activeMax;
  }

  /** `isLastOpen`: the frames behind the last head may be its own, such as RST_STREAM, so that it begins with the next slice. */
  onSliceRead(isLastOpen: boolean): void {
    if (this.#queue.length > 0) this.#settleLost();
    if (this.#ofSlice.length === 0) return;
    for (const stream of this.#ofSlice.splice(0, this.#ofSlice.length - (isLastOpen ? 1 : 0))) {
      if (stream.isLost || this.#hasRoom) this.#begin(stream);
      else if (!stream.hasBegun) this.#enqueue(stream);
    }
  }

  #enqueue(stream: StartingStream): void {
    stream.queuedForMs = 0;
    this.#queue.push(stream);
    this.#interval ??= this.#clock.schedule(after(this.#clock.now(), queueIntervalMs), onIntervalOver, this);
  }

  /** Requests that have been reset while they were queued begin, and end with it. */
  #settleLost(): void {
    for (const stream of this.#queue.splice(0)) {
      if (stream.isLost) this.#begin(stream);
      else this.#queue.push(stream);
    }
    this.#cancelIfEmpty();
  }

  /** The exchange of a request that had begun has ended. The next one begins in a turn of its own, not within the end of this one. */
  onEnded(): void {
    this.#active--;
    this.#beginNextSoon();
  }

  #beginNextSoon(): void {
    if (this.#queue.length === 0 || this.#active >= this.#owner.activeMax) return;
    this.#next ??= this.#clock.schedule(this.#clock.now(), onNextTurn, this);
  }

  /** For `onNextTurn` alone. */
  beginNext(): void {
    this.#next = null;
    const { activeMax } = this.#owner;
    for (let begun = 0; begun < begunInTurnMax && this.#active < activeMax; begun++) this.#beginFirst();
    this.#cancelIfEmpty();
    this.#beginNextSoon();
  }

  /** For `onIntervalOver` alone. */
  beginLate(): void {
    this.#interval = null;
    this.#beginFirst();
    if (this.#queue.length === 0) return this.#cancelIfEmpty();
    this.#interval = this.#clock.schedule(after(this.#clock.now(), queueIntervalMs), onIntervalOver, this);
    this.#beginNextSoon();
  }

  #beginFirst(): void {
    const first = this.#queue.shift();
    if (first !== undefined) this.#begin(first);
  }

  #cancelIfEmpty(): void {
    if (this.#queue.length > 0) return;
    this.#interval?.cancel();
    this.#next?.cancel();
    this.#interval = null;
    this.#next = null;
  }

  /** The connection is lost: the requests that have not begun begin in turns, and end with it. */
  abandonAll(): void {
    const owner = this.#owner;
    const unbegun = [...this.#queue.splice(0), ...this.#ofSlice.splice(0)];
    this.#cancelIfEmpty();
    for (const stream of unbegun) {
      if (stream.hasBegun) continue;
      const endLost = (): void => {
        this.#begin(stream);
        owner.onLostEnded();
      };
      owner.endInTurn({ endLost });
    }
  }

  #begin(stream: StartingStream): void {
    if (stream.hasBegun) return;
    this.#active++;
    this.#owner.beginRequest(stream);
  }
}

function onNextTurn(queue: RequestQueue): void {
  queue.beginNext();
}

function onIntervalOver(queue: RequestQueue): void {
  queue.beginLate();
}
