import type { CallFailure } from './call-failure.ts';
import type { CallScope } from './call-scope.ts';
import { failureMessage } from './failure-message.ts';
import { type AttemptOutcome, cutBody, FetchAttempt, stalledBody } from './fetch-attempt.ts';
import {
  BreakerOpenError,
  CallTimeoutError,
  ClientLimitError,
  GatewayError,
  type GatewayErrorFacts,
  type RetryWhy,
} from './gateway-error.ts';
import type { AttemptQueue } from './attempt-queue.ts';
import { watchBody } from './response-body.ts';
import type { PolicyCall } from './retry-policy.ts';

/** What a call needs of its client. */
export interface CallParts {
  readonly call: PolicyCall;
  readonly scope: CallScope;
  readonly queue: AttemptQueue | null;
  readonly hedgeMs: number | null;
  readonly throwsGatewayAnswers: boolean;
  startAttempt(attempt: number, isHedge: boolean): FetchAttempt;
  /** The response as its caller gets it. */
  readonly bodyIdleMs: number | null;
  readonly keepsDeadline: boolean;
  readonly clock: Parameters<typeof watchBody>[1]['clock'];
  failureOfError(error: unknown): CallFailure;
  countHedge(won: boolean): void;
  countFailed(reason: RetryWhy): void;
}

/** What is known of responses that failed. */
const failures = new WeakMap<Response, CallFailure>();

/** What is known of a response that failed; null for one that did not, or did not come from a client of this package. */
export function failureOf(response: Response): CallFailure | null {
  return failures.get(response) ?? null;
}

/** One call of `fetch`: its attempts one after the other, and the waits between them. */
export class ResilientCall {
  readonly #parts: CallParts;
  /** An attempt that failed may have been executed; a later one that was not sent does not change that. */
  #maybeExecuted = false;
  #isSending = false;

  constructor(parts: CallParts) {
    this.#parts = parts;
  }

  /** Whatever ends the call, the breaker learns what it can of it. */
  async run(): Promise<Response> {
    const { call, scope } = this.#parts;
    try {
      return await this.#runAttempts();
    } catch (error) {
      const { reason } = scope.signal;
      // An attempt for which there was no time left is one that failed.
      if (this.#isSending && reason instanceof CallTimeoutError) this.#parts.countFailed(this.#lateReason(reason));
      else call.cancelled();
      throw error;
    }
  }

  #lateReason(failure: GatewayError): RetryWhy {
    return this.#parts.call.failed(failure).reason;
  }

  async #runAttempts(): Promise<Response> {
    const { call, scope } = this.#parts;
    for (;;) {
      const outcome = await this.#nextOutcome();
      if (outcome === null) continue;
      const { failure, attempt } = outcome;
      if (failure === null) {
        call.succeeded();
        return this.#deliver(outcome, null);
      }
      this.#maybeExecuted ||= failure.mayHaveBeenExecuted;
      const next = call.failed(failure);
      if (!next.retry) return this.#finish(outcome, failure, next.reason);
      void attempt.discard();
      await scope.sleep(next.delayMs);
    }
  }

  /** Of a call that was stopped while it waited, or while an attempt was under way. */
  timeoutError(ms: number): GatewayError {
    const { call } = this.#parts;
    const delivery = call.attempts === 0 ? 'not_sent' : 'sent_unknown';
    const failure = {
      ...this.#parts.failureOfError(null),
      ...({ shape: 'too_slow', cause: 'overall_timeout', delivery } as const),
      mayHaveBeenExecuted: call.attempts > 0,
    };
    return new CallTimeoutError(`no answer within ${ms} ms: ${this.#message(failure, 'no_time_left')}`, {
      failure,
      attempts: call.attempts,
      retryReason: 'no_time_left',
    });
  }

  /** Null: the breaker was open, and the call has waited. */
  async #nextOutcome(): Promise<AttemptOutcome | null> {
    const { call, scope, queue } = this.#parts;
    if (queue !== null && !(await queue.acquire(scope))) throw this.#refused(ClientLimitError, 'queue_full');
    let delayMs: number;
    try {
      const refusal = call.admit();
      if (refusal === null) {
        this.#isSending = true;
        const outcome = await this.#attempt();
        this.#isSending = false;
        return outcome;
      }
      const { failure, next } = refusal;
      if (!next.retry) throw this.#refused(BreakerOpenError, next.reason, failure);
      delayMs = next.delayMs;
    } finally {
      queue?.release();
    }
    await scope.sleep(delayMs);
    return null;
  }

  #attempt(): Promise<AttemptOutcome> {
    const { call, hedgeMs } = this.#parts;
    const first = this.#parts.startAttempt(call.attempts, false);
    return hedgeMs === null ? first.outcome : this.#hedged(first, hedgeMs);
  }

  /** The first good answer wins; the other attempt is aborted. */
  async #hedged(first: FetchAttempt, hedgeMs: number): Promise<AttemptOutcome> {
    const { clock, call } = this.#parts;
    let timer: { cancel(): void } | undefined;
    const late = new Promise<null>((resolve) => {
      timer = clock.schedule(clock.now() + hedgeMs, resolve, null);
    });
    try {
      const early = await Promise.race([first.outcome, late]);
      if (early !== null) return early;
    } finally {
      timer?.cancel();
    }
    if (!call.mayHedge()) return first.outcome;
    const second = this.#parts.startAttempt(call.attempts + 1, true);
    const winner = await firstGood(first, second);
    this.#parts.countHedge(winner.attempt === second);
    (winner.attempt === second ? first : second).abort();
    return winner;
  }

  #finish(outcome: AttemptOutcome, failure: CallFailure, reason: RetryWhy): Response {
    const { response, error } = outcome;
    this.#parts.countFailed(reason);
    if (response !== null && !(this.#parts.throwsGatewayAnswers && failure.writer === 'gateway'))
      return this.#deliver(outcome, failure);
    const Type = failure.cause === 'attempt_timeout' ? CallTimeoutError : GatewayError;
    const delivered = response === null ? (outcome.attempt.detach(), null) : this.#deliver(outcome, failure);
    throw this.#error(Type, failure, reason, { response: delivered, underlying: error });
  }

  #refused(Type: typeof GatewayError, reason: RetryWhy, failure?: CallFailure): GatewayError {
    this.#parts.countFailed(reason);
    const own = {
      ...this.#parts.failureOfError(null),
      cause: reason,
      delivery: 'not_sent',
      mayHaveBeenExecuted: false,
    } as const;
    return this.#error(Type, failure ?? own, reason);
  }

  #error(
    Type: typeof GatewayError,
    failure: CallFailure,
    retryReason: RetryWhy,
    more: Partial<GatewayErrorFacts> = {},
  ): GatewayError {
    const mayHaveBeenExecuted = failure.mayHaveBeenExecuted || this.#maybeExecuted;
    const whole = { ...failure, mayHaveBeenExecuted };
    const { attempts } = this.#parts.call;
    return new Type(this.#message(whole, retryReason), { failure: whole, attempts, retryReason, ...more });
  }

  #message(failure: CallFailure, reason: RetryWhy): string {
    const { call } = this.#parts;
    return failureMessage(call.subject, failure, call.attempts, reason);
  }

  #deliver({ attempt, response, isHeld }: AttemptOutcome, failure: CallFailure | null): Response {
    const { scope, clock, bodyIdleMs, keepsDeadline, failureOfError } = this.#parts;
    if (!keepsDeadline || isHeld) scope.dropDeadline();
    const ended = (): void => {
      attempt.detach();
      scope.close();
    };
    if (isHeld) ended();
    const delivered = isHeld
      ? (response as Response)
      : watchBody(response as Response, {
          scope,
          clock,
          signal: attempt.signal,
          idleMs: bodyIdleMs,
          ended,
          asError: (kind, error) => {
            const known = failureOfError(error);
            const broken = kind === 'idle' ? stalledBody(known) : cutBody(known);
            const Type = kind === 'idle' ? CallTimeoutError : GatewayError;
            return this.#error(Type, broken, 'response_started', { underlying: error });
          },
        });
    if (failure !== null) failures.set(delivered, failure);
    return delivered;
  }
}

async function firstGood(first: FetchAttempt, second: FetchAttempt): Promise<AttemptOutcome> {
  const both = [first.outcome, second.outcome];
  const good = both.map(async (outcome) => {
    const { failure } = await outcome;
    return failure === null ? outcome : Promise.reject(new Error('failed'));
  });
  // Both failed: the first one's failure is the answer, and where the call was stopped, its reason.
  return Promise.any(good).catch(() => first.outcome);
}
