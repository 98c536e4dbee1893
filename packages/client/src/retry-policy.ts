import type { CallFailure } from './call-failure.ts';
import type { CallSubject, ClientHooks } from './client-hooks.ts';
import type { OriginStats } from './client-stats.ts';
import { IdempotencyKeys } from './idempotency-key.ts';
import { failureOfError } from './network-failure.ts';
import { OriginBreaker } from './origin-breaker.ts';
import type { ResponseFacts } from './response-facts.ts';
import { failureOfResponse } from './response-failure.ts';
import { decideNextStep, isFree, type NextStep } from './retry-decision.ts';
import { backoffDefaults, breakerDefaults, budgetDefaults, overallMsDefault } from './retry-defaults.ts';
import type { RetryPolicyOptions } from './retry-options.ts';
import { RetryTokens } from './retry-tokens.ts';
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
  /** Attempts that `admit` has let through. */
  readonly attempts: number;
  /** Null: send it. Else wait and ask again, or give up. */
  admit(): BreakerRefusal | null;
  succeeded(): void;
  /** The attempt failed: whether to make another one, and when. A retry is taken out of the budget. */
  failed(failure: CallFailure): NextStep;
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

export function createRetryPolicy(options: RetryPolicyOptions = {}): ClientRetryPolicy {
  return new Policy(options);
}

interface OriginState {
  readonly origin: string;
  readonly key: string;
  readonly breaker: OriginBreaker | null;
  readonly tokens: RetryTokens;
  callsFailedInRow: number;
}

class Policy implements ClientRetryPolicy {
  readonly clock;
  readonly random;
  readonly keys: IdempotencyKeys;
  readonly backoff;
  readonly breaker;
  readonly hooks: ClientHooks;
  readonly #budget;
  readonly #classify;
  readonly #origins = new Map<string, OriginState>();
  hookErrors = 0;

  constructor(options: RetryPolicyOptions) {
    const { retry = {}, breaker = {}, hooks = {}, classify = () => null } = options;
    this.clock = options.clock ?? systemClientClock;
    this.random = options.random ?? systemClientRandom;
    this.keys = new IdempotencyKeys(options.idempotency ?? {}, this.random);
    this.backoff = { ...backoffDefaults, ...(retry === false ? { attemptsMax: 1 } : retry) };
    this.breaker = breaker === false ? null : { ...breakerDefaults, ...breaker };
    this.hooks = hooks;
    this.#budget = { ...budgetDefaults, ...options.budget };
    this.#classify = classify;
  }

  begin(facts: CallFacts): PolicyCall {
    const url = new URL(facts.url);
    const state = this.#stateOf(url.origin, facts.key ?? '');
    state.tokens.addCall(this.clock.now());
    return new OpenCall(this, state, facts, url);
  }

  failureOfResponse(facts: ResponseFacts): CallFailure | null {
    return failureOfResponse(facts, this.#classify, this.clock.wallTime());
  }

  failureOfError(error: unknown): CallFailure {
    return failureOfError(error);
  }

  idempotencyKeyFor(method: string, url: string | URL): string | null {
    return this.keys.headerFor(method, new URL(url));
  }

  origins(): readonly OriginStats[] {
    return [...this.#origins.values()].map(({ origin, key, breaker, tokens, callsFailedInRow }) => ({
      origin,
      key,
      breaker: breaker?.state ?? 'closed',
      failuresInRow: callsFailedInRow,
      retriesLeft: tokens.left(this.clock.now()),
    }));
  }

  /** What a hook throws is the hook's, not the call's. */
  notify<E>(hook: ((event: E) => void) | undefined, event: E): void {
    try {
      hook?.(event);
    } catch {
      this.hookErrors++;
    }
  }

  #stateOf(origin: string, key: string): OriginState {
    const id = `${origin} ${key}`;
    const state = this.#origins.get(id) ?? this.#newState(origin, key);
    // The last in the order of the map is the one that was used last.
    this.#origins.delete(id);
    this.#origins.set(id, state);
    if (this.#origins.size > originsMax) this.#origins.delete(this.#origins.keys().next().value as string);
    return state;
  }

  #newState(origin: string, key: string): OriginState {
    const breaker =
      this.breaker &&
      new OriginBreaker(this.breaker, (change) => this.notify(this.hooks.breaker, { origin, key, ...change }));
    return { origin, key, breaker, tokens: new RetryTokens(this.#budget, this.clock.now()), callsFailedInRow: 0 };
  }
}

class OpenCall implements PolicyCall {
  readonly subject: CallSubject;
  attempts = 0;
  readonly #policy: Policy;
  readonly #state: OriginState;
  readonly #facts: CallFacts;
  readonly #keyHonoured: boolean;
  readonly #endsAt: number;
  #breakerWaitMs = 0;
  #isProbe = false;

  constructor(policy: Policy, state: OriginState, facts: CallFacts, url: URL) {
    const { origin, key } = state;
    this.#policy = policy;
    this.#state = state;
    this.#facts = facts;
    this.subject = { method: facts.method, url: origin + url.pathname, origin, key };
    this.#keyHonoured = facts.hasIdempotencyKey === true && policy.keys.isHonouredBy(url);
    const { overallMs = overallMsDefault } = facts;
    this.#endsAt = policy.clock.now() + (overallMs ?? Number.POSITIVE_INFINITY);
  }

  admit(): BreakerRefusal | null {
    const { breaker } = this.#state;
    const { clock, random } = this.#policy;
    const now = clock.now();
    const answer = breaker?.admit(now) ?? 'send';
    if (typeof answer !== 'number') {
      this.#isProbe = answer === 'probe';
      this.attempts++;
      return null;
    }
    const { waitMs, openMs } = this.#policy.breaker as { waitMs: number; openMs: number };
    const delayMs = answer + (random.next() * openMs) / 2;
    const failure: CallFailure = { ...(breaker?.lastFailure as CallFailure), ...unsent, retryAfterMs: answer };
    this.#breakerWaitMs += delayMs;
    if (this.#breakerWaitMs <= waitMs && now + delayMs < this.#endsAt)
      return { failure, next: { retry: true, delayMs, reason: 'breaker_open' } };
    this.#ended(failure);
    return { failure, next: { retry: false, reason: 'breaker_open' } };
  }

  succeeded(): void {
    this.#state.breaker?.succeeded(this.#isProbe);
    this.#isProbe = false;
    this.#state.callsFailedInRow = 0;
  }

  failed(failure: CallFailure): NextStep {
    this.#countFailure(failure);
    const next = this.#decide(failure);
    if (next.retry) {
      const { delayMs, reason } = next;
      const event = { ...this.subject, attempt: this.attempts, failure, reason, delayMs };
      this.#policy.notify(this.#policy.hooks.retry, event);
    } else this.#ended(failure);
    return next;
  }

  mayHedge(): boolean {
    return this.#state.tokens.take(this.#policy.clock.now());
  }

  cancelled(): void {
    if (this.#isProbe) this.#state.breaker?.probeLost(this.#policy.clock.now());
    this.#isProbe = false;
  }

  #countFailure(failure: CallFailure): void {
    const { clock, random } = this.#policy;
    const { breaker } = this.#state;
    // A 4xx is the caller's, and a quota that is spent is no sign of a service that is down.
    if (failure.status !== null && failure.status < 500) breaker?.succeeded(this.#isProbe);
    else breaker?.failed(failure, this.#isProbe, clock.now(), random.next());
    this.#isProbe = false;
  }

  #decide(failure: CallFailure): NextStep {
    const { clock, random, backoff } = this.#policy;
    const { method, idempotent = false, replayable = true, attemptsMax = backoff.attemptsMax } = this.#facts;
    const now = clock.now();
    const ceilingMs = Math.min(backoff.capMs, backoff.baseMs * 2 ** (this.attempts - 1));
    const next = decideNextStep({
      failure,
      method,
      attempts: this.attempts,
      attemptsMax,
      idempotent,
      keyHonoured: this.#keyHonoured,
      replayable,
      statuses: backoff.statuses,
      leftMs: this.#endsAt - now,
      backoffMs: random.next() * ceilingMs,
    });
    if (next.retry && !isFree(failure) && !this.#state.tokens.take(now))
      return { retry: false, reason: 'budget_spent' };
    return next;
  }

  #ended(failure: CallFailure): void {
    const { hooks } = this.#policy;
    const failures = ++this.#state.callsFailedInRow;
    const times = failures / (hooks.failuresInRow ?? 5);
    // At n, 2n, 4n …: a long outage is told a few times, and not once per call.
    if (times >= 1 && Number.isInteger(Math.log2(times)))
      this.#policy.notify(hooks.failures, { ...this.subject, failures, failure });
  }
}

/** The client did not send it: what it knows is of the attempt that opened the breaker. */
const unsent = {
  writer: 'client',
  cause: 'breaker_open',
  delivery: 'not_sent',
  mayHaveBeenExecuted: false,
  status: null,
  requestId: null,
} as const;
