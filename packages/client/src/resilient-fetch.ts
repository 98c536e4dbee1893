import { AttemptQueue } from './attempt-queue.ts';
import { CallScope } from './call-scope.ts';
import type { ClientClock } from './client-clock.ts';
import type { ClientStats } from './client-stats.ts';
import { FetchAttempt } from './fetch-attempt.ts';
import type {
  CallOptions,
  ClientTimeouts,
  FetchFunction,
  FetchInput,
  FetchOptions,
  ResilientFetch,
  ResilientRequestInit,
} from './fetch-options.ts';
import { ClientLimitError, GatewayError, type RetryWhy } from './gateway-error.ts';
import { asHeader } from './idempotency-key.ts';
import { type OutgoingRequest, prepareRequest } from './outgoing-request.ts';
import { failureOfError } from './network-failure.ts';
import { failureOf, ResilientCall } from './resilient-call.ts';
import { overallMsDefault } from './retry-defaults.ts';
import { type ClientRetryPolicy, createRetryPolicy, type PolicyCall } from './retry-policy.ts';
import { systemClientClock } from './system.ts';

/** A fetch that survives. Without options it never sends a POST twice that may have been executed, and ends within 30 s. */
export function createFetch(options: FetchOptions = {}): ResilientFetch {
  const client = new FetchClient(options);
  const fetch = (input: FetchInput, init: ResilientRequestInit = {}): Promise<Response> => client.fetch(input, init);
  return Object.assign(fetch, { stats: () => client.stats(), close: () => client.close() });
}

class FetchClient {
  readonly #options: FetchOptions;
  readonly #clock: ClientClock;
  readonly #policy: ClientRetryPolicy;
  readonly #queues = new Map<string, AttemptQueue>();
  readonly #scopes = new Set<CallScope>();
  readonly #counts = {
    calls: 0,
    callsSucceeded: 0,
    callsFailed: 0,
    callsCancelled: 0,
    attempts: 0,
    retries: 0,
    hedges: 0,
    hedgesWon: 0,
    hookErrors: 0,
  };
  readonly #notRetried: Partial<Record<RetryWhy, number>> = {};
  #isClosed = false;

  constructor(options: FetchOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClientClock;
    this.#policy = createRetryPolicy(options);
  }

  async fetch(input: FetchInput, init: ResilientRequestInit): Promise<Response> {
    const caller = init.signal ?? (input instanceof Request && init.signal === undefined ? input.signal : null);
    const scope = new CallScope(this.#clock, caller);
    this.#counts.calls++;
    this.#scopes.add(scope);
    try {
      if (this.#isClosed) scope.stop(closedError());
      scope.signal.throwIfAborted();
      const response = await this.#run(input, init, scope);
      if (failureOf(response) === null) this.#counts.callsSucceeded++;
      else this.#counts.callsFailed++;
      return response;
    } catch (error) {
      if (scope.isStoppedByCaller) this.#counts.callsCancelled++;
      else this.#counts.callsFailed++;
      // A body that the error has goes on to listen.
      if (!(error instanceof GatewayError && error.response !== null)) scope.close();
      throw error;
    } finally {
      this.#scopes.delete(scope);
    }
  }

  stats(): ClientStats {
    let queued = 0;
    for (const queue of this.#queues.values()) queued += queue.length;
    return {
      ...this.#counts,
      hookErrors: this.#counts.hookErrors + this.#policy.hookErrors,
      notRetried: { ...this.#notRetried },
      inFlight: this.#scopes.size,
      queued,
      origins: this.#policy.origins(),
    };
  }

  close(): void {
    this.#isClosed = true;
    for (const scope of this.#scopes) scope.stop(closedError());
  }

  async #run(input: FetchInput, init: ResilientRequestInit, scope: CallScope): Promise<Response> {
    const { resilience = {} } = init;
    const timeouts = { ...timeoutDefaults, ...this.#options.timeouts, ...resilience.timeouts };
    const { overallMs } = timeouts;
    const endsAt = this.#clock.now() + (overallMs ?? Number.POSITIVE_INFINITY);
    let call: ResilientCall | null = null;
    if (overallMs !== null)
      scope.stopAfter(overallMs, () => call?.timeoutError(overallMs) ?? new DOMException('timed out', 'TimeoutError'));
    const request = await prepareRequest(input, init, scope.signal);
    const key = resilience.key ?? this.#options.key?.(input, init) ?? '';
    const sending = this.#begin(request, resilience, key, overallMs);
    const id = `${request.url.origin} ${key}`;
    const queue = this.#queueOf(id);
    const { hedge = this.#options.hedge } = resilience;
    call = new ResilientCall({
      call: sending,
      scope,
      queue,
      clock: this.#clock,
      hedgeMs: hedge != null && request.method === 'GET' ? hedge.afterMs : null,
      throwsGatewayAnswers: this.#options.throwGatewayAnswers === true,
      bodyIdleMs: timeouts.bodyIdleMs,
      keepsDeadline: timeouts.overallCoversBody,
      startAttempt: (attempt, isHedge) =>
        this.#startAttempt({ request, scope, sending, attempt, isHedge, attemptMs: timeouts.attemptMs, endsAt }),
      failureOfError: (error) => this.#policy.failureOfError(error),
      countHedge: (won) => void (this.#counts.hedgesWon += won ? 1 : 0),
      countFailed: (reason) => void (this.#notRetried[reason] = (this.#notRetried[reason] ?? 0) + 1),
    });
    try {
      return await call.run();
    } finally {
      if (queue?.isIdle === true) this.#queues.delete(id);
    }
  }

  #begin(
    { method, url, headers, replayable }: OutgoingRequest,
    { idempotencyKey, idempotent, attemptsMax }: CallOptions,
    key: string,
    overallMs: number | null,
  ): PolicyCall {
    const made = idempotencyKey === undefined ? this.#policy.idempotencyKeyFor(method, url) : asHeader(idempotencyKey);
    if (made !== null && !headers.has(keyHeader)) headers.set(keyHeader, made);
    return this.#policy.begin({
      method,
      url,
      key,
      replayable,
      overallMs,
      hasIdempotencyKey: headers.has(keyHeader),
      ...(idempotent === undefined ? {} : { idempotent }),
      ...(attemptsMax === undefined ? {} : { attemptsMax }),
    });
  }

  #queueOf(id: string): AttemptQueue | null {
    const { concurrency } = this.#options;
    if (concurrency == null) return null;
    const queue = this.#queues.get(id) ?? new AttemptQueue(concurrency.max, concurrency.queueMax ?? 1000);
    this.#queues.set(id, queue);
    return queue;
  }

  #startAttempt({ request, scope, sending, attempt, isHedge, attemptMs, endsAt }: StartedAttempt): FetchAttempt {
    const { fetch = globalThis.fetch as FetchFunction, holdBytesMax = 65_536 } = this.#options;
    const startedAt = this.#clock.now();
    const leftMs = endsAt - startedAt;
    // The time of the whole call runs out by itself.
    const timeoutMs = attemptMs !== null && attemptMs < leftMs ? attemptMs : null;
    const headers = this.#headersFor(request, attempt, Math.min(leftMs, attemptMs ?? leftMs));
    this.#counts.attempts++;
    if (isHedge) this.#counts.hedges++;
    else if (attempt > 1) this.#counts.retries++;
    const started = new FetchAttempt({
      request,
      headers,
      scope,
      clock: this.#clock,
      // Browsers want their own fetch to be called without a receiver.
      fetch: (input, init) => fetch(input, init),
      policy: this.#policy,
      timeoutMs,
      // HEAD has the length of a body that does not come.
      holdBytesMax: request.method === 'HEAD' ? 0 : holdBytesMax,
    });
    void this.#observe(started, sending, attempt, isHedge, startedAt);
    return started;
  }

  async #observe(
    { outcome }: FetchAttempt,
    { subject }: PolicyCall,
    attempt: number,
    isHedge: boolean,
    startedAt: number,
  ): Promise<void> {
    try {
      const { response, failure } = await outcome;
      const durationMs = this.#clock.now() - startedAt;
      const status = response?.status ?? null;
      try {
        this.#options.hooks?.attempt?.({ ...subject, attempt, durationMs, status, failure, isHedge });
      } catch {
        this.#counts.hookErrors++;
      }
    } catch {
      // The call was stopped, and says so itself.
    }
  }

  #headersFor(request: OutgoingRequest, attempt: number, timeoutMs: number): Headers {
    const { method, url } = request;
    const finite = Number.isFinite(timeoutMs) ? Math.max(1, Math.floor(timeoutMs)) : null;
    const headers = new Headers(this.#options.headers?.({ url: url.href, method, attempt, timeoutMs: finite }));
    request.headers.forEach((value, name) => headers.set(name, value));
    const name = this.#options.deadlineHeader === undefined ? ownDeadlineHeader(url) : this.#options.deadlineHeader;
    if (name !== null && finite !== null && !headers.has(name)) headers.set(name, String(finite));
    return headers;
  }
}

interface StartedAttempt {
  readonly request: OutgoingRequest;
  readonly scope: CallScope;
  readonly sending: PolicyCall;
  readonly attempt: number;
  readonly isHedge: boolean;
  readonly attemptMs: number | null;
  readonly endsAt: number;
}

const keyHeader = 'idempotency-key';

const timeoutDefaults: Required<ClientTimeouts> = {
  attemptMs: 10_000,
  overallMs: overallMsDefault,
  bodyIdleMs: 30_000,
  overallCoversBody: false,
};

/** A page that asks another origin pays for each header with a preflight request. */
function ownDeadlineHeader(url: URL): string | null {
  const page = (globalThis as { location?: { origin: string } }).location?.origin;
  return page === undefined || page === url.origin ? 'x-envoy-expected-rq-timeout-ms' : null;
}

function closedError(): ClientLimitError {
  const failure = {
    ...failureOfError(null),
    cause: 'client_closed',
    delivery: 'not_sent',
    mayHaveBeenExecuted: false,
  } as const;
  return new ClientLimitError('the client is closed', { failure, attempts: 0, retryReason: 'client_closed' });
}
