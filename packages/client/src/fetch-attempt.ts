import type { CallFailure } from './call-failure.ts';
import { type CallScope, untilAborted } from './call-scope.ts';
import type { ClientClock } from './client-clock.ts';
import type { FetchFunction } from './fetch-options.ts';
import type { OutgoingRequest } from './outgoing-request.ts';
import { discardBody, holdBody, isHoldable, readStart } from './response-body.ts';
import { mayHaveFailed } from './response-failure.ts';
import type { ClientRetryPolicy } from './retry-policy.ts';

export interface AttemptPlan {
  readonly request: OutgoingRequest;
  readonly headers: Headers;
  readonly scope: CallScope;
  readonly clock: ClientClock;
  readonly fetch: FetchFunction;
  readonly policy: ClientRetryPolicy;
  readonly timeoutMs: number | null;
  readonly holdBytesMax: number;
}

export interface AttemptOutcome {
  readonly attempt: FetchAttempt;
  readonly response: Response | null;
  readonly failure: CallFailure | null;
  /** What the platform threw. */
  readonly error?: unknown;
  /** The body is in memory. */
  readonly isHeld: boolean;
}

/** One request and its answer. The outcome rejects with the reason for which the whole call ends, or with what is wrong with the request. */
export class FetchAttempt {
  readonly outcome: Promise<AttemptOutcome>;
  readonly #plan: AttemptPlan;
  readonly #controller = new AbortController();
  readonly #onStop = (): void => this.#controller.abort(this.#plan.scope.signal.reason);
  #isLate = false;

  constructor(plan: AttemptPlan) {
    this.#plan = plan;
    const { signal } = plan.scope;
    if (signal.aborted) this.#onStop();
    else signal.addEventListener('abort', this.#onStop);
    this.outcome = this.#run();
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** What is left of it is of no use: its body is drained or cancelled, and it no longer listens. */
  async discard(): Promise<void> {
    this.detach();
    try {
      const { response } = await this.outcome;
      await discardBody(response, this.#plan.clock);
    } catch {
      // It was aborted.
    }
  }

  /** For the loser of two: its answer is not waited for. */
  abort(): void {
    this.#controller.abort(new DOMException('another attempt was faster', 'AbortError'));
    void this.discard();
  }

  detach(): void {
    this.#plan.scope.signal.removeEventListener('abort', this.#onStop);
  }

  async #run(): Promise<AttemptOutcome> {
    const { clock, timeoutMs } = this.#plan;
    const expire = (): void => {
      this.#isLate = true;
      this.#controller.abort(new DOMException(`no answer within ${timeoutMs} ms`, 'TimeoutError'));
    };
    const timer = timeoutMs === null ? null : clock.schedule(clock.now() + timeoutMs, expire, undefined);
    try {
      return await this.#exchange();
    } finally {
      timer?.cancel();
    }
  }

  async #exchange(): Promise<AttemptOutcome> {
    const { request, headers, fetch, clock } = this.#plan;
    // What these arguments throw is the caller's mistake, and would be thrown again.
    const [input, init] = request.toArguments(headers, this.signal);
    let response: Response;
    try {
      response = await untilAborted(fetch(input, init), this.signal, (late) => void discardBody(late, clock));
    } catch (error) {
      return this.#failed(null, error);
    }
    return this.#judge(response);
  }

  async #judge(response: Response): Promise<AttemptOutcome> {
    const { policy, clock, holdBytesMax } = this.#plan;
    const { status, headers } = response;
    const header = (name: string): string | null => headers.get(name);
    if (mayHaveFailed(status, header)) {
      const bodyStart = await readStart(response, clock);
      const failure = policy.failureOfResponse({ status, header, bodyStart });
      return { attempt: this, response, failure, isHeld: false };
    }
    if (!isHoldable(response, holdBytesMax)) return { attempt: this, response, failure: null, isHeld: false };
    try {
      await untilAborted(holdBody(response), this.signal);
      return { attempt: this, response, failure: null, isHeld: true };
    } catch (error) {
      return this.#failed(response, error);
    }
  }

  #failed(response: Response | null, error: unknown): AttemptOutcome {
    const { scope, policy } = this.#plan;
    if (scope.signal.aborted) throw scope.signal.reason;
    const failure = this.#isLate
      ? { ...policy.failureOfError(null), ...(response === null ? lateHead : lateBody) }
      : response === null
        ? policy.failureOfError(error)
        : cutBody(policy.failureOfError(error));
    return { attempt: this, response, failure, error, isHeld: false };
  }
}

const lateHead = { shape: 'too_slow', cause: 'attempt_timeout' } as const;
const lateBody = { shape: 'too_slow', cause: 'response_body_stalled', delivery: 'response_started' } as const;

/** The answer had begun, so that whatever broke it was a reset. */
export function cutBody(failure: CallFailure): CallFailure {
  const cause = failure.cause === 'response_body_short' ? failure.cause : 'response_body_reset';
  return { ...failure, shape: 'reset', cause, delivery: 'response_started', mayHaveBeenExecuted: true };
}

export function stalledBody(failure: CallFailure): CallFailure {
  return { ...failure, ...lateBody, mayHaveBeenExecuted: true };
}
