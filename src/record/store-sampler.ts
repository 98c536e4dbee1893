import type { EndedExchange } from '../core/exchange.ts';
import type { StoreSelection } from '../core/snapshot.ts';
import type { RecordRingWriter } from './record-ring.ts';

/** Routes come from the configuration; beyond this the buckets are cleared. */
const routesMax = 4096;

/**
 * Chooses the exchanges that the store gets, in the worker: every failure, every slow exchange, and of each route's successes up to a number a second.
 * Their lines go into a ring that the worker shares with the store, `7 {"v":1,…}`: the number says how many exchanges of
 * the route the line stands for, those included that were not chosen since the last one.
 */
export class StoreSampler {
  readonly #ring: RecordRingWriter;
  readonly #selection: StoreSelection;
  readonly #buckets = new Map<string, Bucket>();

  constructor(ring: RecordRingWriter, selection: StoreSelection) {
    this.#ring = ring;
    this.#selection = selection;
  }

  /** How many exchanges the stored one stands for; 0: it is not stored. */
  choose(exchange: EndedExchange, isOrdinary: boolean): number {
    if (!isOrdinary || exchange.endedAt - exchange.startedAt >= this.#selection.slowMs) return 1;
    let bucket = this.#buckets.get(exchange.route);
    if (bucket === undefined) {
      if (this.#buckets.size >= routesMax) this.#buckets.clear();
      bucket = new Bucket(this.#selection.successesPerSecond, exchange.endedAt);
      this.#buckets.set(exchange.route, bucket);
    }
    return bucket.take(exchange.endedAt);
  }

  /** Passes a line on, which ends with LF. The ring counts it if it does not fit. */
  pass(line: string, standsFor: number): void {
    this.#ring.append(`${standsFor} ${line}`, false);
  }

  /** Passes on a line of `UnparsedLines`. */
  passUnparsed(line: string): void {
    this.#ring.append(line, false);
  }

  /** The same as `pass` for a line that has been written as bytes. */
  passBytes(line: Uint8Array, standsFor: number): void {
    this.#ring.appendBytes(`${standsFor} `, line);
  }
}

/** A token bucket that holds the tokens of one second. */
class Bucket {
  readonly #perSecond: number;
  #tokens: number;
  #at: number;
  #skipped = 0;

  constructor(perSecond: number, at: number) {
    this.#perSecond = perSecond;
    this.#tokens = Math.max(1, perSecond);
    this.#at = at;
    if (perSecond === 0) this.#tokens = 0;
  }

  take(now: number): number {
    if (now > this.#at) {
      const earned = ((now - this.#at) * this.#perSecond) / 1000;
      this.#tokens = Math.min(Math.max(1, this.#perSecond), this.#tokens + earned);
      this.#at = now;
    }
    if (this.#tokens < 1) {
      this.#skipped += 1;
      return 0;
    }
    this.#tokens -= 1;
    const standsFor = 1 + this.#skipped;
    this.#skipped = 0;
    return standsFor;
  }
}
