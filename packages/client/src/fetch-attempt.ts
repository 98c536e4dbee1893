import { type CallFailure, describeFailure } from './call-failure.ts';
import { callAfter, follow, untilAborted } from './call-scope.ts';
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
      const [input, init] = plan.toArguments(signal);
      try {
        response = await untilAborted(fetch(input, init), signal, (late) => void discardBody(late, clock));
        return await judge(response);
      } catch (error) {
        if (stopped.aborted) throw stopped.reason;
        return { attempt, response, failure: failureOf(response !== null, error), error, isHeld: false };
      }
    } finally {
      cancel?.();
    }
  }

  async function judge(response: Response): Promise<AttemptOutcome> {
    const { status, headers } = response;
    const header = (name: string): string | null => headers.get(name);
    const outcome = { attempt, response, failure: null, isHeld: false };
    if (mayHaveFailed(status, header)) {
      const bodyStart = await readStart(response, clock);
      return { ...outcome, failure: policy.failureOfResponse({ status, header, bodyStart }) };
    }
    if (!isHoldable(response, holdBytesMax)) return outcome;
    await untilAborted(holdBody(response), signal);
    return { ...outcome, isHeld: true };
  }

  function failureOf(hasHead: boolean, error: unknown): CallFailure {
    const known = policy.failureOfError(error);
    if (hasHead) return brokenBody(isLate, known);
    return isLate ? describeFailure({ writer: 'client', shape: 'too_slow', cause: 'attempt_timeout' }) : known;
  }

  const attempt: FetchAttempt = {
    outcome: Promise.resolve().then(run),
    signal,
    abort: () => controller.abort(),
    async discard() {
      detach();
      try {
        await discardBody((await attempt.outcome).response, clock);
      } catch {
        // It was aborted.
      }
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
