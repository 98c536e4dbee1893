import { answeredBefore, type CallFailure, describeFailure } from './call-failure.ts';
import { callAfter, follow, ignore, untilAborted } from './call-scope.ts';
import type { ClientClock } from './client-clock.ts';
import type { FetchFunction } from './fetch-options.ts';
import type { PreparedRequest } from './prepared-request.ts';
import { discardBody, holdBody, isHoldable, readStart } from './response-body.ts';
import { mayHaveFailed } from './response-failure.ts';
import type { ClientRetryPolicy } from './retry-policy.ts';

interface AttemptPlan {
  readonly fetch: FetchFunction;
  readonly request: PreparedRequest;
  readonly headers: Headers;
  /** Aborted when the whole call ends. */
  readonly stopped: AbortSignal;
  readonly clock: ClientClock;
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

export interface FetchAttempt {
  /** Rejects with the reason for which the whole call ends, or with what is wrong with the request. */
  readonly outcome: Promise<AttemptOutcome>;
  readonly signal: AbortSignal;
  /** Its answer, or the rest of it, is not waited for. */
  readonly abort: () => void;
  /** It is of no use any more: its body is drained or cancelled, and it no longer listens. */
  discard(): void;
  detach(): void;
}

/** Sends one request. */
export function startAttempt(plan: AttemptPlan): FetchAttempt {
  const { fetch, stopped, clock, policy, timeoutMs, holdBytesMax } = plan;
  const controller = new AbortController();
  const { signal } = controller;
  let isLate = false;
  const detach = follow(stopped, (reason) => controller.abort(reason));

  async function run(): Promise<AttemptOutcome> {
    const expire = (): void => {
      isLate = true;
      controller.abort(new DOMException('', 'TimeoutError'));
    };
    const cancel = timeoutMs === null ? null : callAfter(clock, timeoutMs, expire);
    const header = (name: string): string | null => (response as Response).headers.get(name);
    let response: Response | null = null;
    let bodyStart = '';
    let isHeld = false;
    try {
      // What these arguments throw is the caller's mistake, and would be thrown again.
      const sent = plan.request.toArguments(plan.headers, signal);
      try {
        response = await untilAborted(fetch(...sent), signal, (late) => void discardBody(late, clock));
        if (mayHaveFailed(response.status, header)) bodyStart = await readStart(response, clock);
        else if (isHoldable(response, holdBytesMax)) {
          await untilAborted(holdBody(response), signal);
          isHeld = true;
        }
      } catch (error) {
        if (stopped.aborted) throw stopped.reason;
        const known = policy.failureOfError(error);
        const late = { writer: 'client', shape: 'too_slow', cause: 'attempt_timeout' } as const;
        const failure = response !== null ? brokenBody(isLate, known) : isLate ? describeFailure(late) : known;
        return { attempt, response, failure, error, isHeld };
      }
      const { status, redirected } = response;
      // What `classify` throws is a mistake of the caller too.
      const failure = policy.failureOfResponse({ status, header, bodyStart });
      return {
        attempt,
        response,
        failure: failure && describeFailure(failure, redirected ? answeredBefore : null),
        isHeld,
      };
    } finally {
      cancel?.();
    }
  }

  const attempt: FetchAttempt = {
    outcome: Promise.resolve().then(run),
    signal,
    abort: () => controller.abort(),
    discard() {
      detach();
      void ignore(attempt.outcome.then(({ response }) => discardBody(response, clock)));
    },
    detach,
  };
  return attempt;
}

/** The answer had begun, so that whatever broke it was a reset, if it was not too slow. */
export function brokenBody(isLate: boolean, { cause }: CallFailure): CallFailure {
  return describeFailure({
    writer: 'client',
    shape: isLate ? 'too_slow' : 'reset',
    cause: isLate ? 'response_body_stalled' : cause === 'response_body_short' ? cause : 'response_body_reset',
    delivery: 'response_started',
  });
}
