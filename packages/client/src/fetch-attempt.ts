import { answeredBefore, type CallFailure, describeFailure } from './call-failure.ts';
import { callAfter, follow, ignore, untilAborted } from './call-scope.ts';
import type { ClientClock } from './client-clock.ts';
import type { FetchFunction, FetchInput } from './fetch-options.ts';
import { discardBody, holdBody, isHoldable, readStart } from './response-body.ts';
import { mayHaveFailed } from './response-failure.ts';
import type { ClientRetryPolicy } from './retry-policy.ts';

interface AttemptPlan {
  readonly fetch: FetchFunction;
  readonly toArguments: (signal: AbortSignal) => [input: FetchInput, init: RequestInit];
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
  discard(): Promise<void>;
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
      controller.abort(new DOMException('late', 'TimeoutError'));
    };
    const cancel = timeoutMs === null ? null : callAfter(clock, timeoutMs, expire);
    let response: Response | null = null;
    try {
      // What these arguments throw is the caller's mistake, and would be thrown again.
      const sent = plan.toArguments(signal);
      try {
        response = await untilAborted(fetch(...sent), signal, (late) => void discardBody(late, clock));
        return await judge(response);
      } catch (error) {
        if (stopped.aborted) throw stopped.reason;
        const known = policy.failureOfError(error);
        const late = { writer: 'client', shape: 'too_slow', cause: 'attempt_timeout' } as const;
        const failure = response !== null ? brokenBody(isLate, known) : isLate ? describeFailure(late) : known;
        return { attempt, response, failure, error, isHeld: false };
      }
    } finally {
      cancel?.();
    }
  }

  async function judge(response: Response): Promise<AttemptOutcome> {
    const { status, headers } = response;
    const header = (name: string): string | null => headers.get(name);
    const isDoubtful = mayHaveFailed(status, header);
    const bodyStart = isDoubtful ? await readStart(response, clock) : '';
    const failure = isDoubtful ? policy.failureOfResponse({ status, header, bodyStart }) : null;
    const isHeld = !isDoubtful && isHoldable(response, holdBytesMax);
    if (isHeld) await untilAborted(holdBody(response), signal);
    const known = response.redirected ? answeredBefore : null;
    return { attempt, response, failure: failure && describeFailure(failure, known), isHeld };
  }

  const attempt: FetchAttempt = {
    outcome: Promise.resolve().then(run),
    signal,
    abort: () => controller.abort(),
    async discard() {
      detach();
      await ignore(attempt.outcome.then(({ response }) => discardBody(response, clock)));
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
