import { fail, type Failure } from '#failures/failure.ts';
import type { Filter, FilterContext, FilterDecision, FilterResponseHead, FilterStage } from '../../core/filter.ts';
import type { Clock } from '../../core/time.ts';
import { refilledAfterMs } from '../../limits/gcra.ts';
import type { Limiter } from './worker-limiter.ts';

/** What exchanges hold of bounds of requests at once, by their ids. */
export type HeldRequests = Map<string, readonly HeldRequest[]>;

interface HeldRequest {
  readonly limiter: Limiter;
  readonly key: string;
}

const none: readonly never[] = [];

/** Nobody can say when one of the requests in flight ends. */
const atOnceRetryAfterS = 1;

/** Refuses requests beyond the limits of one stage. If one of several limits refuses a request, none has counted it. */
export class RateLimitFilter implements Filter {
  readonly name = 'rate_limits';
  readonly stage: FilterStage;
  readonly #limiters: readonly Limiter[];
  readonly #held: HeldRequests;
  readonly #clock: Clock;
  readonly #policies: string;
  readonly #announces: boolean;
  readonly #joins: boolean;

  /** `joins`: a filter of a later stage may have announced its limits before this one sees the response. */
  constructor(stage: FilterStage, limiters: readonly Limiter[], held: HeldRequests, clock: Clock, joins = false) {
    this.stage = stage;
    this.#limiters = limiters;
    this.#held = held;
    this.#clock = clock;
    this.#announces = limiters.some(({ spec }) => spec.announce);
    this.#joins = joins;
    // As draft-ietf-httpapi-ratelimit-headers-10 has it: `q` may come at once, and is refilled in `w` seconds.
    this.#policies = limiters
      .flatMap(({ spec: { name, burst, rate } }) =>
        rate === null
          ? []
          : [`"${name}";q=${burst};w=${Math.max(1, Math.ceil((burst * rate.periodMs) / rate.requests / 1000))}`],
      )
      .join(', ');
  }

  onRequestHead(exchange: FilterContext): FilterDecision {
    const nowMs = this.#clock.now();
    const limiters = this.#limiters;
    for (let index = 0; index < limiters.length; index++) {
      const failure = this.#pass(exchange, limiters[index] as Limiter, nowMs);
      if (failure === null) continue;
      for (const before of limiters.slice(0, index)) this.#giveBack(exchange, before, nowMs);
      return failure;
    }
    for (const [name, value] of this.#announced(exchange)) exchange.addFailureHeader(name, value);
    return 'continue';
  }

  /** A limit in a dry run has counted in any case: it says what would be. */
  #giveBack(exchange: FilterContext, limiter: Limiter, nowMs: number): void {
    if (!limiter.spec.dryRun && !isExempt(limiter, exchange)) limiter.giveBack(limiter.keyOf(exchange), nowMs);
  }

  onResponseHead(exchange: FilterContext, head: FilterResponseHead): void {
    for (const [name, value] of this.#announced(exchange)) {
      if (this.#joins) head.add(name, value);
      else head.set(name, value);
    }
  }

  #announced(exchange: FilterContext): readonly (readonly [name: string, value: string])[] {
    if (!this.#announces || this.#policies === '') return none;
    const nowMs = this.#clock.now();
    const lines = this.#limiters.flatMap((limiter) => {
      const { policy, spec } = limiter;
      if (policy === null || !spec.announce || isExempt(limiter, exchange)) return [];
      // What one more request would use, less that request.
      const used = Math.abs(this.#usedBy(limiter, exchange, nowMs));
      const left = Math.max(0, Math.floor((policy.tolerance - used) / policy.interval));
      const fullAfterMs = refilledAfterMs(used, nowMs, policy.unitMs);
      return [`"${spec.name}";r=${left};t=${Math.ceil(fullAfterMs / 1000)}`];
    });
    if (lines.length === 0) return none;
    return [
      ['RateLimit-Policy', this.#policies],
      ['RateLimit', lines.join(', ')],
    ];
  }

  #usedBy(limiter: Limiter, exchange: FilterContext, nowMs: number): number {
    const { policy, spec } = limiter;
    if (policy === null) return 0;
    const looked = limiter.look(limiter.keyOf(exchange), nowMs);
    const units = spec.cost * policy.interval;
    // Beyond the limit: so many units more than the tolerance.
    return looked >= 0 ? looked - units : policy.tolerance - looked - units;
  }

  /** Null: the request may go on, and is counted. */
  #pass(exchange: FilterContext, limiter: Limiter, nowMs: number): Failure | null {
    if (isExempt(limiter, exchange)) return null;
    const key = limiter.keyOf(exchange);
    const { dryRun, atOnce } = limiter.spec;
    if (atOnce !== null && !this.#hold(exchange, limiter, key, atOnce)) {
      limiter.noteRefused(exchange, key);
      if (!dryRun) return tooManyAtOnce(limiter, key, atOnce);
    }
    const used = limiter.take(key, nowMs);
    if (used < 0) {
      if (!dryRun)
        return this.#refuseRate(exchange, limiter, key, refilledAfterMs(-used, nowMs, limiter.policy?.unitMs ?? 1));
      limiter.noteRefused(exchange, key);
      return null;
    }
    limiter.noteAdmitted();
    return null;
  }

  #hold({ id }: FilterContext, limiter: Limiter, key: string, max: number): boolean {
    const inFlight = limiter.inFlightKey(key);
    const entered = limiter.atOnce?.enter(inFlight, max) ?? null;
    if (entered === true) this.#held.set(id, [...(this.#held.get(id) ?? []), { limiter, key: inFlight }]);
    return entered !== false;
  }

  #refuseRate(exchange: FilterContext, limiter: Limiter, key: string, waitMs: number): Failure {
    limiter.noteRefused(exchange, key);
    const { spec } = limiter;
    // A moment more: the request must not come back too early.
    const retryAfterS = Math.max(1, Math.ceil((waitMs + 1) / 1000));
    return fail('rate_limited', 'filter', {
      policy: spec.name,
      key: limiter.keyText,
      value: limiter.shown(key),
      rate: spec.rate?.written ?? '',
      retryAfterS,
      rateLimit: `"${spec.name}";r=0;t=${retryAfterS}`,
      rateLimitPolicy: this.#policies,
    });
  }
}

function isExempt({ isExempt: exempt }: Limiter, { client }: FilterContext): boolean {
  return exempt !== null && exempt(client.address);
}

function tooManyAtOnce(limiter: Limiter, key: string, limit: number): Failure {
  return fail('too_many_requests_at_once', 'filter', {
    policy: limiter.spec.name,
    key: limiter.keyText,
    value: limiter.shown(key),
    limit,
    retryAfterS: atOnceRetryAfterS,
  });
}

export function releaseHeld(held: HeldRequests, id: string): void {
  const ofExchange = held.get(id);
  if (ofExchange === undefined) return;
  held.delete(id);
  for (const { limiter, key } of ofExchange) limiter.atOnce?.leave(key);
}
