import type { CallFailure } from '../call-failure.ts';
import { ignore } from '../call-scope.ts';
import type { ClientClock, ClientRandom } from '../client-clock.ts';
import type { FetchFunction, FetchInput, HeadersSource, ResilientRequestInit } from '../fetch-options.ts';
import { asHeader, honoursKeys, randomKey } from '../idempotency-key.ts';
import { systemClientClock, systemClientRandom } from '../system.ts';
import { CallStore, type StoredCall } from './call-store.ts';
import type { IdbFactory } from './indexed-db.ts';
import { type CallOutcome, judgeOutcome, outcomeOfError, outcomeOfResponse } from './judge-outcome.ts';

export { OfflineQueueFullError, type StoredCall } from './call-store.ts';
export type { IdbFactory } from './indexed-db.ts';

/** Why a call left the queue without having been answered well. */
export type DropReason =
  | 'refused' // the service answered with a 4xx, which another attempt would not change
  | 'fails_anywhere' // another attempt would fail in the same way
  | 'maybe_executed' // an attempt may have been executed, and the origin is not declared to honour keys
  | 'too_old'
  | 'attempts_spent';

export interface DroppedCall {
  readonly call: StoredCall;
  readonly reason: DropReason;
  readonly failure: CallFailure | null;
  /** Where there was one. Its body can be read. */
  readonly response: Response | null;
}

export interface OfflineQueueHooks {
  readonly queued?: (call: StoredCall) => void;
  readonly sent?: (event: { readonly call: StoredCall; readonly response: Response }) => void;
  readonly dropped?: (event: DroppedCall) => void;
}

export interface OfflineQueueOptions {
  /** What sends: the result of `createFetch`. */
  readonly fetch: FetchFunction;
  /** The name of the database. Pages of one origin with the same name share a queue. Default 'candor-offline'. */
  readonly name?: string;
  /** Default: the platform's. */
  readonly indexedDB?: IdbFactory;
  /** Default 100. */
  readonly callsMax?: number;
  /** Of all bodies together. Default 5 MiB. */
  readonly bytesMax?: number;
  /** An older call is dropped. Default 24 hours. */
  readonly ageMaxMs?: number;
  /** Replays of one call before it is dropped. Default 20. */
  readonly attemptsMax?: number;
  /** Origins that execute a request once per Idempotency-Key: only there is a POST repeated that may have been executed. */
  readonly honouredBy?: readonly string[] | ((url: URL) => boolean);
  /** Headers for each attempt, such as Authorization, which is never stored. */
  readonly headers?: (
    call: Pick<StoredCall, 'method' | 'url'>,
  ) => HeadersSource | undefined | Promise<HeadersSource | undefined>;
  readonly hooks?: OfflineQueueHooks;
  /** Default: `navigator.onLine`. False proves that nothing can be sent. */
  readonly isOnline?: () => boolean;
  readonly clock?: ClientClock;
  readonly random?: ClientRandom;
}

export type SendOutcome =
  | { readonly state: 'answered'; readonly response: Response }
  | { readonly state: 'queued'; readonly call: StoredCall };

interface OnlineEvents {
  addEventListener?(type: 'online', listener: () => void): void;
  removeEventListener?(type: 'online', listener: () => void): void;
  readonly indexedDB?: IdbFactory;
  readonly navigator?: { readonly onLine?: boolean; readonly locks?: LocksLike };
}

interface LocksLike {
  request(name: string, options: { readonly signal: AbortSignal }, run: () => Promise<void>): Promise<unknown>;
}

const platform = globalThis as OnlineEvents;

/** Never stored: they prove who the caller is, and pages keep the store for as long as they like. */
const secretHeaders: readonly string[] = ['authorization', 'cookie', 'proxy-authorization'];

/** The wait after the n-th replay that failed, at most a minute. */
const replayWaitMs = (failed: number): number => Math.min(60_000, 1000 * 2 ** failed);

/**
 * Calls that wait in the browser until they can be sent, in order, and over reloads. Only what is given to `send` is ever stored. Each call
 * has one idempotency key for all its attempts. What the queue gives up, it tells by `hooks.dropped`.
 */
export class OfflineQueue {
  readonly #options: OfflineQueueOptions;
  readonly #store: CallStore;
  readonly #clock: ClientClock;
  readonly #onOnline = (): void => void this.replay();
  #timer: { cancel(): void } | null = null;
  #replaying: Promise<void> | null = null;
  #isAskedAgain = false;
  #failedReplays = 0;
  /** Ends attempts, and gives up the lock for another queue of the same name. */
  readonly #closing = new AbortController();
  readonly #closed = new Promise<void>((resolve) => {
    this.#closing.signal.addEventListener('abort', () => resolve(), { once: true });
  });

  constructor(options: OfflineQueueOptions) {
    const factory = options.indexedDB ?? platform.indexedDB;
    if (factory === undefined)
      throw new TypeError(
        'there is no IndexedDB here: give one as the option `indexedDB`, or use `fetch` without a queue',
      );
    this.#options = options;
    this.#clock = options.clock ?? systemClientClock;
    this.#store = new CallStore(factory, options.name ?? 'candor-offline');
    platform.addEventListener?.('online', this.#onOnline);
    // What an earlier page has left.
    void this.replay();
  }

  /**
   * Sends the call, or stores it if it cannot be sent now, or if others wait before it. Rejects as `fetch` does where the call may have been
   * executed and must not be repeated, and with OfflineQueueFullError where there is no place.
   */
  async send(input: FetchInput, init: ResilientRequestInit = {}): Promise<SendOutcome> {
    if (this.#closing.signal.aborted) throw new TypeError('the queue was closed: nothing would send the call');
    const { resilience, ...plain } = init;
    const request = new Request(input, plain);
    request.signal.throwIfAborted();
    const call = await this.#callOf(request, resilience?.idempotencyKey);
    const waiting = await this.#store.list().catch(() => []);
    if (!this.#isOnline() || waiting.length > 0) return this.#enqueue(call);
    const outcome = await this.#attempt(call, request.headers, request.signal);
    const isProven = outcome.response === null || outcome.failure?.mayHaveBeenExecuted === false;
    // An answer of the service is the caller's to read, even a bad one.
    if (request.signal.aborted || !isProven || judgeOutcome(outcome, this.#isRepeatable(call)) !== 'wait') {
      if (outcome.response === null) throw outcome.error as Error;
      return { state: 'answered', response: outcome.response };
    }
    void outcome.response?.body?.cancel().catch(() => undefined);
    return this.#enqueue(call, outcome);
  }

  /** Sends what waits, as far as it can now, in order and one at a time. Resolves when it has ended. */
  replay(): Promise<void> {
    if (this.#closing.signal.aborted || !this.#isOnline()) return Promise.resolve();
    this.#isAskedAgain = this.#replaying !== null;
    this.#replaying ??= this.#locked(() => this.#replayAll())
      // The store cannot be read: the next call or the next time online tries it again.
      .catch(() => undefined)
      .finally(() => {
        this.#replaying = null;
        // A call came after the queue was read for the last time.
        if (this.#isAskedAgain) void this.replay();
      });
    return this.#replaying;
  }

  /** What waits, in order. */
  list(): Promise<readonly StoredCall[]> {
    return this.#store.list();
  }

  /** Takes a call out of the queue, as the caller wishes. */
  remove(id: number): Promise<void> {
    return this.#store.delete(id);
  }

  close(): void {
    this.#closing.abort();
    this.#timer?.cancel();
    platform.removeEventListener?.('online', this.#onOnline);
    this.#store.close();
  }

  async #callOf(request: Request, givenKey: string | undefined): Promise<Omit<StoredCall, 'id'>> {
    const key =
      request.headers.get('idempotency-key') ??
      asHeader(givenKey ?? randomKey(this.#options.random ?? systemClientRandom));
    const body = request.body == null ? null : await request.clone().arrayBuffer();
    return {
      method: request.method,
      url: request.url,
      headers: [...request.headers].filter(([name]) => !secretHeaders.includes(name) && name !== 'idempotency-key'),
      body,
      credentials: request.credentials,
      idempotencyKey: key,
      queuedAt: this.#clock.wallTime(),
      attempts: 0,
      isSending: false,
    };
  }

  async #enqueue(call: Omit<StoredCall, 'id'>, outcome: CallOutcome | null = null): Promise<SendOutcome> {
    const { callsMax = 100, bytesMax = 5 * 1024 * 1024 } = this.#options;
    const stored = await this.#store.add(call, { callsMax, bytesMax });
    this.#tell(this.#options.hooks?.queued, stored);
    if (outcome === null) void this.replay();
    else this.#replayLater(outcome.failure?.retryAfterMs ?? 0);
    return { state: 'queued', call: stored };
  }

  async #replayAll(): Promise<void> {
    this.#timer?.cancel();
    this.#isAskedAgain = false;
    for (const call of await this.#store.list())
      if (this.#closing.signal.aborted || !(await this.#replayOne(call))) return;
    this.#failedReplays = 0;
  }

  /** True: the call has left the queue, and the next one may follow. */
  async #replayOne(call: StoredCall): Promise<boolean> {
    const { ageMaxMs = 24 * 3_600_000, attemptsMax = 20, hooks } = this.#options;
    if (this.#clock.wallTime() - call.queuedAt > ageMaxMs) return this.#drop(call, 'too_old');
    if (call.isSending && !this.#isRepeatable(call)) return this.#drop(call, 'maybe_executed');
    await this.#store.put({ ...call, isSending: true });
    const outcome = await this.#attempt(call, null, null);
    if (this.#closing.signal.aborted) return false;
    const next = judgeOutcome(outcome, this.#isRepeatable(call));
    if (next === 'sent') {
      await this.#store.delete(call.id);
      this.#tell(hooks?.sent, { call, response: outcome.response as Response });
      return true;
    }
    if (next !== 'wait') return this.#drop(call, next, outcome);
    if (call.attempts + 1 >= attemptsMax) return this.#drop(call, 'attempts_spent', outcome);
    await this.#store.put({ ...call, attempts: call.attempts + 1, isSending: false });
    this.#replayLater(outcome.failure?.retryAfterMs ?? 0);
    return false;
  }

  async #drop(call: StoredCall, reason: DropReason, outcome: CallOutcome | null = null): Promise<true> {
    await this.#store.delete(call.id);
    const { failure = null, response = null } = outcome ?? {};
    this.#tell(this.#options.hooks?.dropped, { call, reason, failure, response });
    return true;
  }

  async #attempt(
    call: Omit<StoredCall, 'id'>,
    given: Headers | null,
    signal: AbortSignal | null,
  ): Promise<CallOutcome> {
    const { method, url, body, credentials, idempotencyKey } = call;
    const headers = new Headers(given ?? call.headers.map(([name, value]): [string, string] => [name, value]));
    new Headers(await this.#options.headers?.(call)).forEach((value, name) => headers.set(name, value));
    headers.set('idempotency-key', idempotencyKey);
    const init: ResilientRequestInit = {
      method,
      headers,
      credentials,
      ...(body === null ? {} : { body }),
      signal: signal === null ? this.#closing.signal : AbortSignal.any([signal, this.#closing.signal]),
      resilience: { idempotent: this.#isRepeatable(call) },
    };
    return this.#options
      .fetch(url, init)
      .then((response) => outcomeOfResponse(response, this.#clock.wallTime()), outcomeOfError);
  }

  #isRepeatable({ method, url }: Pick<StoredCall, 'method' | 'url'>): boolean {
    return /^(?:GET|HEAD|OPTIONS|PUT|DELETE)$/.test(method) || honoursKeys(this.#options, new URL(url));
  }

  #replayLater(atLeastMs: number): void {
    this.#timer?.cancel();
    const waitMs = Math.max(atLeastMs, replayWaitMs(this.#failedReplays));
    this.#failedReplays++;
    this.#timer = this.#clock.schedule(this.#clock.now() + waitMs, () => void this.replay(), null);
  }

  #isOnline(): boolean {
    return this.#options.isOnline?.() ?? platform.navigator?.onLine !== false;
  }

  /** Of several pages with the same queue one replays at a time. */
  async #locked(run: () => Promise<void>): Promise<void> {
    const locks = platform.navigator?.locks;
    if (locks === undefined) return run();
    await locks.request(this.#options.name ?? 'candor-offline', { signal: this.#closing.signal }, () =>
      Promise.race([run(), this.#closed]),
    );
  }

  /** What a hook throws is the hook's: the queue goes on. */
  #tell<E>(hook: ((event: E) => unknown) | undefined, event: E): void {
    void ignore((async () => hook?.(event))());
  }
}
