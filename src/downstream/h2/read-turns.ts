import { after, type Clock, type Instant } from '../../core/time.ts';
import type { NextTurnListener, Transport } from '../../core/transport.ts';
import type { Strain } from '../../wire/h2/frame-rates.ts';

/** So many turns must have ended near a limit: for how long the turns of other connections take, a client is not to blame. */
const nearTurnsMin = 4;

/** A client that floods is near its limit again after fewer unstrained turns: each reads several frames, and half of a burst is enough. */
const unstrainedTurnsMax = 64;

/**
 * How long a connection has been near a limit and has had unread bytes all the time. Connections near a limit are read in shared turns, each the
 * more slowly the more they are. Three of them are read below their limits, however fast they send, and would go on until the last byte.
 *
 * An honest client is not in this state for long. A client that is near a limit at the beginning and at the end of a time has used all that was allowed
 * meanwhile, and has sent more, since bytes wait. A burst alone leaves the limit behind sooner, and one that goes on below the allowed rate is
 * read to its last byte then.
 */
class FloodBacklog {
  readonly #since: Instant;
  #nearTurns = 0;
  #unstrainedTurns = 0;

  /** `since`: a turn has ended near a limit, with bytes unread. */
  constructor(since: Instant) {
    this.#since = since;
  }

  /** A turn has ended near a limit. Returns for how long this has been so; 0: in too few turns. */
  noteNear(now: Instant): number {
    this.#unstrainedTurns = 0;
    return ++this.#nearTurns < nearTurnsMin ? 0 : now - this.#since;
  }

  /** A turn has ended near no limit. Returns whether the connection has left the limit behind. */
  noteUnstrained(): boolean {
    return ++this.#unstrainedTurns >= unstrainedTurnsMax;
  }
}

/** How long one connection may be read in a turn of the event loop, while others wait. */
const turnMs = 0.5;

/** How many slices of it are read in a turn at most. */
const slicesMax = 8;

/** The part of a worker's time that all strained connections have. Exchanges of lost connections have another one, see `lost-exchanges.ts`. */
const strainedShare = 0.1;

/** The least pause between two slices of strained connections. */
const strainedPauseMsMin = 2;

/**
 * The shares of connections near a limit, and of those whose address has flooded not long ago: small, so that about one in a hundred requests of
 * other clients meets one of their slices.
 */
const smallShares: Readonly<Partial<Record<ConnectionStrain, number>>> = { near_limit: 0.01, after_flood: 0.02 };

/** The longest pause for these: with longer ones, four requests or 16 frames at a time, a flood would never be faster than its limit allows, and so would not end. */
const smallSharePauseMsMax = 25;

/** What an exchange takes behind the slice that it begins in: a connection to an endpoint, what is read of a response, the end of both. */
const exchangeMs = 0.25;

/** So many connections that are not served any more are read beside each slice. A read takes some microseconds, and nothing comes of it. */
const forgottenMax = 8;

/** `after_flood`: another connection of its address was closed for a flood not long ago, and it is near no limit itself. */
export type ConnectionStrain = Strain | 'after_flood';

/** The connection, as its turns see it. */
export interface ReadTurnsOwner {
  readonly transport: Transport;
  readonly isServing: boolean;
  /** Nothing more is read, not even to be forgotten. */
  readonly isClosed: boolean;
  readonly strain: ConnectionStrain;
  /** The client does not read what it has asked for. */
  readonly isCongested: boolean;
  /** What has been read makes enough work for one turn. */
  readonly isTurnFull: boolean;
  /** Exchanges that have begun so far, of requests that had not been lost by then. */
  readonly begun: number;
  /** Reads some frames of bytes [start, end). Returns the first byte that was not read. */
  readSlice(bytes: Uint8Array, start: number, end: number): number;
  /** For so long the connection has been near a limit again and again, and had unread bytes all the time. May end it. */
  onBacklog(nearMs: number): void;
  /** The turn is over. */
  onTurnRead(): void;
  /** Sends what is composed, and ends what is complete: the work for it belongs to the turn. */
  flush(): void;
}

/**
 * Which bytes of an HTTP/2 connection are read when. A connection reads on until its turn of 0.5 ms is over; then others go first. A connection
 * that is strained reads a slice at a time, in turns with all strained connections of the worker, and nothing of its socket in between. So
 * does one that is not served any more: what its client goes on sending is read and forgotten.
 */
export class ReadTurns implements StrainedConnection {
  readonly #owner: ReadTurnsOwner;
  readonly #clock: Clock;
  readonly #strained: StrainedTurns;
  /** Received, and left for the next turn. */
  #unread: Uint8Array = nothing;
  #waits = false;
  /** Nearly always null: no turn has ended near a limit. */
  #backlog: FloodBacklog | null = null;

  constructor(owner: ReadTurnsOwner, clock: Clock, strained: StrainedTurns) {
    this.#owner = owner;
    this.#clock = clock;
    this.#strained = strained;
  }

  get isServing(): boolean {
    return this.#owner.isServing;
  }

  get isClosed(): boolean {
    return this.#owner.isClosed;
  }

  get begun(): number {
    return this.#owner.begun;
  }

  get strain(): ConnectionStrain {
    return this.#owner.strain;
  }

  flush(): void {
    this.#owner.flush();
  }

  get hasUnread(): boolean {
    return this.#unread.length > 0;
  }

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    const owner = this.#owner;
    if (!owner.isServing) this.#forget();
    else if (this.#waits) this.#unread = Buffer.concat([this.#unread, bytes.subarray(start, end)]);
    else if (isStrained(owner)) this.#wait(Buffer.from(bytes.subarray(start, end)));
    else this.#read(bytes, start, end, false);
  }

  #forget(): void {
    this.#owner.transport.pause();
    if (this.#waits) return;
    this.#waits = true;
    this.#strained.add(this, this.#clock);
  }

  /** `isOwn`: the bytes stay as they are. */
  #read(bytes: Uint8Array, start: number, end: number, isOwn: boolean): void {
    const owner = this.#owner;
    const at = this.#readTurn(bytes, start, end);
    if (!owner.isServing) return;
    owner.onTurnRead();
    if (!owner.isServing) return;
    if (at < end || isStrained(owner)) {
      const rest = bytes.subarray(at, end);
      this.#wait(isOwn ? rest : Buffer.from(rest));
      return;
    }
    this.#watchBacklog(false);
    if (owner.isCongested) owner.transport.pause();
  }

  /** At the end of a turn, which may end a connection that floods. */
  #watchBacklog(hasRest: boolean): void {
    const { strain, transport } = this.#owner;
    if (this.#backlog === null && strain !== 'near_limit') return; // Nearly always.
    if (!hasRest && !transport.hasUnread()) {
      this.#backlog = null;
      return;
    }
    this.#backlog ??= new FloodBacklog(this.#clock.now());
    if (strain === 'near_limit') this.#owner.onBacklog(this.#backlog.noteNear(this.#clock.now()));
    else if (strain === 'none' && this.#backlog.noteUnstrained()) this.#backlog = null;
  }

  #readTurn(bytes: Uint8Array, start: number, end: number): number {
    const owner = this.#owner;
    let at = owner.readSlice(bytes, start, end);
    // Nearly always all has been read by now, so that the clock is not asked.
    if (at === end || isStrained(owner)) return at;
    const until = after(this.#clock.now(), turnMs);
    for (let slice = 1; slice < slicesMax && at < end && owner.isServing; slice++) {
      at = owner.readSlice(bytes, at, end);
      if (owner.isTurnFull || this.#clock.now() >= until) break;
    }
    return at;
  }

  #wait(rest: Uint8Array): void {
    const owner = this.#owner;
    this.#watchBacklog(rest.length > 0);
    if (!owner.isServing) return;
    this.#unread = rest;
    this.#waits = true;
    owner.transport.pause();
    if (isStrained(owner)) this.#strained.add(this, this.#clock);
    else owner.transport.notifyNextTurn(this);
  }

  /** For the event loop and `StrainedTurns` alone. */
  onNextTurn(): void {
    const unread = this.#unread;
    this.#unread = nothing;
    this.#waits = false;
    if (!this.#owner.isServing) return this.#owner.transport.resume();
    if (unread.length > 0) this.#read(unread, 0, unread.length, true);
    this.resume();
  }

  /** Reads from the socket again, unless something else is waited for. */
  resume(): void {
    if (!this.#waits && !this.#owner.isCongested) this.#owner.transport.resume();
  }
}

function isStrained({ strain }: ReadTurnsOwner): boolean {
  return strain !== 'none';
}

interface StrainedConnection extends NextTurnListener {
  readonly isServing: boolean;
  readonly isClosed: boolean;
  readonly strain: ConnectionStrain;
  readonly begun: number;
  flush(): void;
}

/**
 * The strained connections of a worker, which have slices one after the other, in the order in which they came: however many they are, and
 * whatever their frames and requests cost, they take at most a tenth of its time, and those that flood less. Those that are not served any more
 * wait beside them, and take no slice of theirs.
 */
export class StrainedTurns {
  readonly #waiting: StrainedConnection[] = [];
  readonly #unserved: StrainedConnection[] = [];
  #isScheduled = false;

  add(connection: StrainedConnection, clock: Clock): void {
    (connection.isServing ? this.#waiting : this.#unserved).push(connection);
    if (!this.#isScheduled) this.#schedule(clock, strainedPauseMsMin);
  }

  #schedule(clock: Clock, pauseMs: number): void {
    this.#isScheduled = true;
    clock.schedule(after(clock.now(), pauseMs), this.#next, clock);
  }

  readonly #next = (clock: Clock): void => {
    const connection = this.#takeServed();
    const unserved = this.#takeUnserved();
    if (connection === null && unserved.length === 0) {
      this.#isScheduled = false;
      return;
    }
    const beganAt = clock.now();
    for (const one of unserved) one.onNextTurn();
    const laterMs = connection === null ? 0 : exchangeMs * readSliceOf(connection);
    // A slice may have added its connection again; what is added later waits for this pause, too.
    const workMs = clock.now() - beganAt + laterMs;
    this.#schedule(clock, pauseBehind(workMs, connection?.strain ?? 'none'));
  };

  /** The one that is next, of those that are still served. */
  #takeServed(): StrainedConnection | null {
    for (;;) {
      const connection = this.#waiting.shift();
      if (connection === undefined) return null;
      if (connection.isServing) return connection;
      this.#unserved.push(connection);
    }
  }

  /** Those that were closed meanwhile take no turn of the others. */
  #takeUnserved(): StrainedConnection[] {
    const taken: StrainedConnection[] = [];
    while (taken.length < forgottenMax) {
      const connection = this.#unserved.shift();
      if (connection === undefined) break;
      if (!connection.isClosed) taken.push(connection);
    }
    return taken;
  }
}

/** Reads a slice, and sends what comes of it. Returns how many exchanges have begun. */
function readSliceOf(connection: StrainedConnection): number {
  const begunBefore = connection.begun;
  connection.onNextTurn();
  connection.flush();
  return connection.begun - begunBefore;
}

function pauseBehind(workMs: number, strain: ConnectionStrain): number {
  const pauseMs = Math.max(strainedPauseMsMin, pauseForShare(workMs, strainedShare));
  const smallShare = smallShares[strain];
  if (smallShare === undefined) return pauseMs;
  return Math.max(pauseMs, Math.min(smallSharePauseMsMax, pauseForShare(workMs, smallShare)));
}

const nothing = new Uint8Array(0);

/** How long to pause behind work that took `tookMs`, so that such work has no more than `share` of a worker's time: for 0.1 nine times as long. */
export function pauseForShare(tookMs: number, share: number): number {
  return tookMs * (1 / share - 1);
}
