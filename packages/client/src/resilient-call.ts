import { followingFetch } from '#client/redirects.ts';
import { type CallFailure, describeFailure, unsent } from './call-failure.ts';
import { type CallScope, within } from './call-scope.ts';
import type { ClientClock } from './client-clock.ts';
import { failureMessage } from './failure-message.ts';
import { type AttemptOutcome, brokenBody, type FetchAttempt, startAttempt } from './fetch-attempt.ts';
import type { CallTimeouts, FetchInput, FetchOptions, ResilientRequestInit } from './fetch-options.ts';
import { BreakerOpenError, CallTimeoutError, ClientLimitError, GatewayError, type RetryWhy } from './gateway-error.ts';
import { fill } from './fill.ts';
import { asHeader } from './idempotency-key.ts';
import { type AttemptQueue, attemptQueue } from './attempt-queue.ts';
import { headersOf, prepareRequest } from './prepared-request.ts';
import { watchBody } from './response-body.ts';
import { never, overallMsDefault } from './retry-defaults.ts';
import type { ClientRetryPolicy } from './retry-policy.ts';

/** What all calls of a client share. */
export interface ClientParts {
  readonly options: FetchOptions;
  readonly clock: ClientClock;
  readonly policy: ClientRetryPolicy;
  readonly counts: { attempts: number; retries: number; hedges: number; hedgesWon: number };
  readonly notRetried: Partial<Record<RetryWhy, number>>;
  readonly queues: Map<string, AttemptQueue>;
}

/** Of an attempt behind which another one may follow. The others have all the time of the call. */
const attemptMsDefault = 10_000;

const keyHeader = 'idempotency-key';

/** What is known of responses that failed. */
const failures = new WeakMap<Response, CallFailure>();

/** What is known of a response that failed; null for one that did not, or did not come from a client of this package. */
export function failureOf(response: Response): CallFailure | null {
  return failures.get(response) ?? null;
}

/** One call of `fetch`: its attempts one after the other, and the waits between them. */
export async function runCall(
  { options, clock, policy, counts, notRetried, queues }: ClientParts,
  input: FetchInput,
  init: ResilientRequestInit,
  scope: CallScope,
): Promise<Response> {
  const { resilience = {} } = init;
  const timeouts = fill<CallTimeouts>(options.timeouts, resilience.timeouts);
  const { overallMs = overallMsDefault, bodyIdleMs = 30_000, overallCoversBody = false } = timeouts;
  const endsAt = clock.now() + (overallMs ?? never);
  let isPrepared = false;
  if (overallMs !== null)
    scope.stopAfter(overallMs, () => (isPrepared ? timeoutError() : new DOMException('', 'TimeoutError')));
  const request = await prepareRequest(input, init, scope.signal);
  const { method, url, headers, replayable } = request;
  const key = resilience.key ?? options.key?.(input, init) ?? '';
  const made = resilience.idempotencyKey;
  const keyMade = made === undefined ? policy.idempotencyKeyFor(method, url) : asHeader(made);
  if (keyMade !== null && !headers.has(keyHeader)) headers.set(keyHeader, keyMade);
  const hasIdempotencyKey = headers.has(keyHeader);
  const call = policy.begin({ ...resilience, method, url, key, replayable, overallMs, hasIdempotencyKey });
  const { hedge = options.hedge } = resilience;
  const { attemptMs = call.isRepeatable ? attemptMsDefault : null } = timeouts;
  const queue = queueOf(url.origin + key);
  /** An attempt that failed may have been executed; a later one that was not sent does not change that. */
  let maybeExecuted = false;
  let isSending = false;
  /** Attempts that were aborted because another one was faster. */
  const lost = new Set<FetchAttempt>();
  isPrepared = true;

  try {
    for (;;) {
      const outcome = await nextOutcome();
      if (outcome === null) continue;
      const { failure, attempt } = outcome;
      if (failure === null) {
        call.succeeded();
        return deliver(outcome);
      }
      maybeExecuted ||= failure.mayHaveBeenExecuted;
      const next = call.failed(failure);
      if (!next.retry) return finish(outcome, failure, next.reason);
      attempt.discard();
      await scope.sleep(next.delayMs);
    }
  } catch (error) {
    // The breaker learns of an attempt for which no time was left.
    if (isSending && error instanceof CallTimeoutError) countFailed(call.failed(error).reason);
    else call.cancelled();
    throw error;
  } finally {
    if (queue?.isIdle()) queues.delete(url.origin + key);
  }

  /** Null: the breaker was open, and the call has waited. */
  async function nextOutcome(): Promise<AttemptOutcome | null> {
    if (queue !== null && !(await queue.acquire(scope))) throw refused(ClientLimitError, 'queue_full');
    let delayMs: number;
    try {
      const refusal = call.admit();
      if (refusal === null) {
        isSending = true;
        const outcome = await (hedge == null || method !== 'GET' ? send(false).outcome : hedged(hedge.afterMs));
        isSending = false;
        return outcome;
      }
      if (!refusal.next.retry) throw refused(BreakerOpenError, refusal.next.reason, refusal.failure);
      ({ delayMs } = refusal.next);
    } finally {
      queue?.release();
    }
    await scope.sleep(delayMs);
    return null;
  }

  function send(isHedge: boolean): FetchAttempt {
    const { fetch = globalThis.fetch as NonNullable<FetchOptions['fetch']>, holdBytesMax = 65_536 } = options;
    const startedAt = clock.now();
    const leftMs = endsAt - startedAt;
    counts.attempts++;
    if (isHedge) counts.hedges++;
    else if (call.attempts > 1) counts.retries++;
    const headers = headersOf(request, options, call.attempts, Math.min(leftMs, attemptMs ?? leftMs));
    const attempt = startAttempt({
      fetch: followingFetch(fetch, !call.isRepeatable),
      request,
      headers,
      stopped: scope.signal,
      clock,
      policy,
      // The time of the whole call runs out by itself.
      timeoutMs: attemptMs !== null && attemptMs < leftMs ? attemptMs : null,
      // HEAD has the length of a body that does not come.
      holdBytesMax: method === 'HEAD' ? 0 : holdBytesMax,
    });
    const tell = ({ response, failure }: AttemptOutcome): void => {
      const durationMs = clock.now() - startedAt;
      if (!lost.has(attempt)) call.attempted({ status: response?.status ?? null, failure, durationMs, isHedge });
    };
    // An attempt that was stopped with its call says nothing.
    attempt.outcome.then(tell, () => {});
    return attempt;
  }

  /** The first good answer wins; the other attempt is aborted. */
  async function hedged(afterMs: number): Promise<AttemptOutcome> {
    const first = send(false);
    const early = await within(clock, afterMs, (late) => Promise.race([first.outcome, late]));
    if (early !== undefined || !call.mayHedge()) return first.outcome;
    const second = send(true);
    const good = [first, second].map(async ({ outcome }) =>
      (await outcome).failure === null ? outcome : Promise.reject(),
    );
    // Where both failed, the first one's failure is the answer; where the call was stopped, its reason.
    const winner = await Promise.any(good).catch(() => first.outcome);
    const loser = winner.attempt === second ? first : second;
    if (loser === first) counts.hedgesWon++;
    lost.add(loser);
    loser.abort();
    loser.discard();
    return winner;
  }

  function finish(outcome: AttemptOutcome, failure: CallFailure, reason: RetryWhy): Response {
    const { response, attempt, error: underlying } = outcome;
    countFailed(reason);
    const delivered = response && deliver(outcome);
    if (delivered === null) attempt.detach();
    else if (!(options.throwGatewayAnswers && failure.writer === 'gateway')) return delivered;
    const Type = failure.cause === 'attempt_timeout' ? CallTimeoutError : GatewayError;
    throw asError(Type, failure, reason, { response: delivered, underlying });
  }

  function deliver({ attempt, response, isHeld, failure }: AttemptOutcome): Response {
    if (!overallCoversBody) scope.dropDeadline();
    const ended = (): void => {
      attempt.detach();
      scope.close();
    };
    if (isHeld) ended();
    const delivered = isHeld
      ? (response as Response)
      : watchBody(response as Response, {
          clock,
          attempt,
          idleMs: bodyIdleMs,
          ended,
          asError: (isIdle, underlying) =>
            asError(
              isIdle ? CallTimeoutError : GatewayError,
              brokenBody(isIdle, policy.failureOfError(underlying)),
              'response_started',
              { underlying },
            ),
        });
    if (failure !== null) failures.set(delivered, failure);
    return delivered;
  }

  function timeoutError(): GatewayError {
    const delivery = isSending || maybeExecuted ? 'sent_unknown' : 'not_sent';
    const failure = describeFailure({ writer: 'client', shape: 'too_slow', cause: 'overall_timeout', delivery });
    return asError(CallTimeoutError, failure, 'no_time_left');
  }

  function refused(Type: typeof GatewayError, reason: RetryWhy, failure?: CallFailure): GatewayError {
    countFailed(reason);
    return asError(Type, failure ?? describeFailure(unsent(reason)), reason);
  }

  function asError(
    Type: typeof GatewayError,
    known: CallFailure,
    retryReason: RetryWhy,
    more: object = {},
  ): GatewayError {
    const failure = { ...known, mayHaveBeenExecuted: known.mayHaveBeenExecuted || maybeExecuted };
    const { attempts, subject } = call;
    return new Type(failureMessage(subject, failure, attempts, retryReason), {
      failure,
      attempts,
      retryReason,
      ...more,
    });
  }

  function countFailed(reason: RetryWhy): void {
    notRetried[reason] = (notRetried[reason] ?? 0) + 1;
  }

  function queueOf(id: string): AttemptQueue | null {
    const { concurrency } = options;
    if (concurrency == null) return null;
    const queue = queues.get(id) ?? attemptQueue(concurrency.max, concurrency.queueMax ?? 1000);
    queues.set(id, queue);
    return queue;
  }
}
