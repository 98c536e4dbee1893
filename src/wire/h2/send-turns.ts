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
