import { withTimeout } from '../core/condition.ts';
import type { OtlpDropReason, OtlpSignal } from '../core/otlp-counts.ts';
import type { Random } from '../core/random.ts';
import { after, type Clock, type Instant, type Timer } from '../core/time.ts';
import { backoffMs } from '../policy/retry-backoff.ts';
import type { CollectorResponse, ExportVerdict } from './judge-response.ts';
import { judgeResponse } from './judge-response.ts';

/** What one signal needs of its exporter. */
interface SignalParts<Item> {
  readonly signal: OtlpSignal;
  readonly clock: Clock;
  readonly random: Random;
  /** As many spans, log records or data points an item counts. */
  readonly weigh: (item: Item) => number;
  readonly encode: (items: readonly Item[]) => Uint8Array;
  readonly post: (body: Uint8Array, timeoutMs?: number) => Promise<CollectorResponse | { readonly why: string }>;
  readonly onExported: (count: number) => void;
  readonly onDropped: (reason: OtlpDropReason, count: number) => void;
  /** The collector has rejected a part of a batch, or all of it. `message`: its words; '' without any. */
  readonly onRejected: (message: string) => void;
  /** As many wait now, those in flight included. */
  readonly onWaiting: (count: number) => void;
  readonly onFailedRequest: () => void;
  /** `why`: in words, what is wrong; null: the last batch was taken. `status`: of the response, if one came. */
  readonly onState: (why: string | null, status: number | null) => void;
}

/** How much waits while the collector does not take it. */
const queueMax = 8192;
const batchMax = 512;
/** How long an item waits for others. */
const gatherMs = 1000;

const backoff = { baseMs: 1000, maxMs: 30_000 };
/** A collector may not hold up everything by a Retry-After of a day. */
const retryAfterMsMax = 60_000;
/** A batch is given up after this time. */
const batchMsMax = 300_000;

/**
 * Sends the items of one signal in batches, one request at a time. What the collector cannot take now is sent again as OTLP allows; meanwhile new
 * items wait in a queue with a limit, and beyond it they are dropped and counted.
 */
export class SignalExporter<Item> {
  readonly #parts: SignalParts<Item>;
  #queue: Item[] = [];
  #queued = 0;
  #timer: Timer | null = null;
  #sending: Promise<void> | null = null;
  /** Ends the pause before a further try. */
  #hurry: (() => void) | null = null;
  #deadline: Instant | null = null;
  /** What was left has been counted as dropped. */
  #isClosed = false;

  constructor(parts: SignalParts<Item>) {
    this.#parts = parts;
  }

  add(item: Item): void {
    const { weigh, onDropped, clock } = this.#parts;
    const weight = weigh(item);
    if (this.#deadline !== null) return onDropped('unavailable', weight);
    if (this.#queued + weight > queueMax) return onDropped('queue_full', weight);
    this.#queue.push(item);
    this.#setQueued(this.#queued + weight);
    if (this.#sending !== null) return;
    if (this.#queued >= batchMax) this.#sendNow();
    else
      this.#timer ??= clock.schedule(
        after(clock.now(), gatherMs),
        SignalExporter.#due,
        this as SignalExporter<unknown>,
      );
  }

  /** Sends what is left, for `limitMs` at most; what could not be sent is dropped and counted. */
  async close(limitMs: number): Promise<void> {
    const { clock, onDropped } = this.#parts;
    this.#deadline = after(clock.now(), limitMs);
    this.#hurry?.();
    this.#sendNow();
    if (this.#sending !== null) await withTimeout(clock, limitMs, this.#sending);
    this.#isClosed = true;
    if (this.#queued > 0) onDropped('unavailable', this.#queued);
    this.#queue = [];
    this.#setQueued(0);
  }

  #setQueued(count: number): void {
    this.#queued = count;
    this.#parts.onWaiting(count);
  }

  static #due(this: void, exporter: SignalExporter<unknown>): void {
    exporter.#sendNow();
  }

  #sendNow(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#sending === null && this.#queue.length > 0)
      this.#sending = this.#sendAll().finally(() => {
        this.#sending = null;
      });
  }

  async #sendAll(): Promise<void> {
    while (this.#queue.length > 0 && !this.#isLate) await this.#sendBatch();
  }

  get #isLate(): boolean {
    return this.#deadline !== null && this.#parts.clock.now() >= this.#deadline;
  }

  /** The next items, one at least. */
  #takeBatch(): { readonly items: readonly Item[]; readonly count: number } {
    const { weigh } = this.#parts;
    let count = 0;
    let end = 0;
    while (end < this.#queue.length && (end === 0 || count + weigh(this.#queue[end] as Item) <= batchMax)) {
      count += weigh(this.#queue[end] as Item);
      end += 1;
    }
    return { items: this.#queue.splice(0, end), count };
  }

  async #sendBatch(): Promise<void> {
    const { clock, onExported, onDropped, onRejected, onState } = this.#parts;
    const { items, count } = this.#takeBatch();
    const giveUpAt = after(clock.now(), batchMsMax);
    for (let tries = 1; ; tries += 1) {
      const { verdict, status } = await this.#try(items);
      if (this.#isClosed) return;
      if (verdict.kind === 'accepted') {
        const rejected = Math.min(count, verdict.rejected);
        onExported(count - rejected);
        onDropped('rejected', rejected);
        if (rejected > 0) onRejected(verdict.message);
        // A part that it rejects is counted; the collector works.
        onState(rejected < count ? null : `it rejects everything${said(verdict.message)}`, status);
        break;
      }
      onState(verdict.why, status);
      const pauseMs = verdict.kind === 'retry' ? this.#pauseMs(tries, verdict.afterMs) : null;
      if (pauseMs === null || this.#isLast(pauseMs, giveUpAt)) {
        onDropped(verdict.kind === 'retry' ? 'unavailable' : 'refused', count);
        break;
      }
      await this.#pause(pauseMs);
    }
    this.#setQueued(this.#queued - count);
  }

  #isLast(pauseMs: number, giveUpAt: Instant): boolean {
    return this.#deadline !== null || after(this.#parts.clock.now(), pauseMs) >= giveUpAt;
  }

  /** Encodes the batch each time: the configuration may have another collector or format since the last try. */
  async #try(items: readonly Item[]): Promise<{ readonly verdict: ExportVerdict; readonly status: number | null }> {
    const { clock, encode, post, signal, onFailedRequest } = this.#parts;
    const leftMs = this.#deadline === null ? undefined : Math.max(1, this.#deadline - clock.now());
    const response = await post(encode(items), leftMs);
    if (!('status' in response)) {
      onFailedRequest();
      return { verdict: { kind: 'retry', afterMs: null, why: response.why }, status: null };
    }
    const verdict = judgeResponse(response, signal, clock.wallTime());
    if (verdict.kind !== 'accepted') onFailedRequest();
    return { verdict, status: response.status };
  }

  #pauseMs(tries: number, afterMs: number | null): number {
    const retryAfterMs = afterMs === null ? null : Math.min(afterMs, retryAfterMsMax);
    const facts = { attemptsMade: tries, elsewhere: false, retryAfterMs, random: this.#parts.random.next() };
    return backoffMs(backoff, facts);
  }

  async #pause(ms: number): Promise<void> {
    const { clock } = this.#parts;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = clock.schedule(after(clock.now(), ms), resolve, undefined);
    this.#hurry = resolve;
    await promise;
    timer.cancel();
    this.#hurry = null;
  }
}

function said(message: string): string {
  return message === '' ? '' : `: ${message}`;
}
