import { type CallFailure, describeFailure, unsent } from './call-failure.ts';
import type { AttemptEvent, CallSubject } from './client-hooks.ts';
import type { OriginStats } from './client-stats.ts';
import { fill } from './fill.ts';
import { honoursKeys, keyFor } from './idempotency-key.ts';
import { failureOfError } from './network-failure.ts';
import { type OriginBreaker, originBreaker } from './origin-breaker.ts';
import type { ResponseFacts } from './response-facts.ts';
import { failureOfResponse } from './response-failure.ts';
import { decideNextStep, isFree, isIdempotent, type NextStep } from './retry-decision.ts';
import { backoffDefaults, breakerDefaults, budgetDefaults, never, overallMsDefault } from './retry-defaults.ts';
import type { RetryPolicyOptions } from './retry-options.ts';
import { type RetryTokens, retryTokens } from './retry-tokens.ts';
import { systemClientClock, systemClientRandom } from './system.ts';

/** What the policy must know of a call. */
export interface CallFacts {
  readonly method: string;
  readonly url: string | URL;
  /** Divides the origin; see `FetchOptions.key`. */
  readonly key?: string;
  /** The request carries an Idempotency-Key. */
  readonly hasIdempotencyKey?: boolean;
  /** The caller's word that executing it twice does no harm. */
  readonly idempotent?: boolean;
  /** Whether the body can be sent again. Default true. */
  readonly replayable?: boolean;
  readonly attemptsMax?: number;
  /** How long the call may take from now; null: without end. Default 30 s. */
  readonly overallMs?: number | null;
}

/** The breaker is open: nothing may be sent now. */
export interface BreakerRefusal {
  readonly failure: CallFailure;
  readonly next: NextStep;
}

/** One call: `begin`, then for each attempt `admit`, then `succeeded` or `failed`; `cancelled` if the caller gives up. */
export interface PolicyCall {
  readonly subject: CallSubject;
  /** Whether it may be sent again although it may have been executed. */
  readonly isRepeatable: boolean;
  /** Attempts that `admit` has let through. */
  readonly attempts: number;
  /** Null: send it. Else wait and ask again, or give up. */
  admit(): BreakerRefusal | null;
  succeeded(): void;
  /** The attempt failed: whether to make another one, and when. A retry is taken out of the budget. */
  failed(failure: CallFailure): NextStep;
  /** For the hook: an attempt ended. */
  attempted(attempt: Omit<AttemptEvent, keyof CallSubject | 'attempt'>): void;
  /** Takes a hedge out of the budget. False: send none. */
  mayHedge(): boolean;
  /** Also after `failed` where the caller does not do what it says. */
  cancelled(): void;
}

/** The brain of the client, without any I/O: adapters of other HTTP clients use the same one. */
export interface ClientRetryPolicy {
  begin(call: CallFacts): PolicyCall;
  /** Null: the answer is no failure (below 400, or a 4xx that is about the request). */
  failureOfResponse(facts: ResponseFacts): CallFailure | null;
  failureOfError(error: unknown): CallFailure;
  /** A key to send in `Idempotency-Key`, in the form of the header; null where the options say that there is none. */
  idempotencyKeyFor(method: string, url: string | URL): string | null;
  origins(): readonly OriginStats[];
  readonly hookErrors: number;
}

/** Origins, with their keys, of which a policy knows the state. The one that was used longest ago is forgotten first. */
const originsMax = 1000;

interface OriginState {
  readonly origin: string;
  readonly key: string;
  readonly breaker: OriginBreaker;
  readonly tokens: RetryTokens;
  failuresInRow: number;
}

export function createRetryPolicy(options: RetryPolicyOptions = {}): ClientRetryPolicy {
  const { retry = {}, breaker = {}, hooks = {}, classify = () => null, idempotency = {} } = options;
  const { clock = systemClientClock, random = systemClientRandom } = options;
  const backoff = fill(backoffDefaults, retry === false ? { attemptsMax: 1 } : retry);
  const breaking = fill(
    breakerDefaults,
    breaker === false ? { failuresInRow: never, failureShare: never, waitMs: 0 } : breaker,
  );
  const budget = fill(budgetDefaults, options.budget);
  const states = new Map<string, OriginState>();
  let hookErrors = 0;

  /** What a hook throws is the hook's, not the call's. */
  async function notify<E>(hook: ((event: E) => unknown) | undefined, event: E): Promise<void> {
    try {
      await hook?.(event);
    } catch {
      hookErrors++;
    }
  }

  function stateOf(origin: string, key: string): OriginState {
    const id = `${origin} ${key}`;
    const state = states.get(id) ?? {
      origin,
      key,
      breaker: originBreaker(breaking, (change) => void notify(hooks.breaker, { origin, key, ...change })),
      tokens: retryTokens(budget, clock),
      failuresInRow: 0,
    };
    // The last in the order of the map is the one that was used last.
    states.delete(id);
    states.set(id, state);
    if (states.size > originsMax) states.delete(states.keys().next().value as string);
    return state;
  }

  function begin(facts: CallFacts): PolicyCall {
    const {
      method,
      key = '',
      overallMs = overallMsDefault,
      idempotent = false,
      replayable = true,
      attemptsMax = backoff.attemptsMax,
    } = facts;
    const url = new URL(facts.url);
    const { origin } = url;
    const keyHonoured = !!facts.hasIdempotencyKey && honoursKeys(idempotency, url);
    const state = stateOf(origin, key);
    const { breaker, tokens } = state;
    const subject = { method, url: origin + url.pathname, origin, key };
    const endsAt = clock.now() + (overallMs ?? never);
    let breakerWaitMs = 0;
    let isProbe = false;

    function end(failure: CallFailure): void {
      const failures = ++state.failuresInRow;
      // At n, 2n, 3n …: a long outage is not told once per call.
      if (failures % (hooks.failuresInRow ?? 5) === 0) void notify(hooks.failures, { ...subject, failures, failure });
    }

    const call = {
      subject,
      attempts: 0,
      isRepeatable: replayable && (idempotent || keyHonoured || isIdempotent(method)),

      admit(): BreakerRefusal | null {
        const now = clock.now();
        const waitMaxMs = Math.min(breaking.waitMs - breakerWaitMs, endsAt - now);
        // A probe that fails and may not be sent again is a call that is lost. The others wait less, and go first.
        const chance = call.isRepeatable ? random.next() : (1 + random.next()) / 2;
        const delayMs = breaker.admit(now, subject.url, waitMaxMs, chance, breakerWaitMs > 0);
        if (delayMs === null) {
          isProbe = breaker.state !== 'closed';
          call.attempts++;
          return null;
        }
        // What the client knows is of the attempt that opened the breaker.
        const { shape, whose } = breaker.failure as CallFailure;
        const failure = describeFailure(unsent('breaker_open'), { shape, whose, retryAfterMs: delayMs });
        breakerWaitMs += delayMs;
        const retry = delayMs <= waitMaxMs;
        if (!retry) end(failure);
        return { failure, next: { retry, delayMs, reason: 'breaker_open' } };
      },

      succeeded(): void {
        breaker.succeeded(isProbe);
        isProbe = false;
        state.failuresInRow = 0;
        tokens.earn();
      },

      failed(failure: CallFailure): NextStep {
        const now = clock.now();
        const { attempts } = call;
        breaker.failed(failure, subject.url, isProbe, now, random.next());
        isProbe = false;
        let next = decideNextStep({
          ...backoff,
          attemptsMax,
          method,
          idempotent,
          replayable,
          failure,
          attempts,
          keyHonoured,
          leftMs: endsAt - now,
          // All that got the same Retry-After would come back at once otherwise.
          backoffMs:
            random.next() *
            Math.min(
              failure.retryAfterMs ? breaking.openMs : backoff.capMs,
              failure.retryAfterMs || backoff.baseMs * 2 ** (attempts - 1),
            ),
        });
        if (next.retry && !isFree(failure) && !tokens.take(failure.retryAfterMs ? 0.9 : 1))
          next = { retry: false, reason: 'budget_spent' };
        if (next.retry) {
          const { delayMs, reason } = next;
          void notify(hooks.retry, { ...subject, attempt: attempts, failure, reason, delayMs });
        } else end(failure);
        return next;
      },

      attempted: (attempt: Parameters<PolicyCall['attempted']>[0]) =>
        void notify(hooks.attempt, { ...subject, attempt: call.attempts, ...attempt }),

      mayHedge: () => tokens.take(1),

      cancelled(): void {
        if (isProbe) breaker.cancelled(clock.now());
        isProbe = false;
      },
    };
    return call;
  }

  return {
    begin,
    failureOfResponse: (facts) => failureOfResponse(facts, classify, clock.wallTime()),
    failureOfError,
    idempotencyKeyFor: (method, url) => keyFor(idempotency, random, method, new URL(url)),
    origins: () =>
      [...states.values()].map(({ origin, key, breaker, tokens, failuresInRow }) => ({
        origin,
        key,
        breaker: breaker.state,
        failuresInRow,
        retriesLeft: tokens.left(),
      })),
    get hookErrors() {
      return hookErrors;
    },
  };
}
