import type { Failure } from '#failures/failure.ts';
import { hasNoBody } from '../core/message.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import type { LatencyQuantile } from '../policy/latency-quantile.ts';
import { Attempt, type AttemptOwner, furthest } from './attempt.ts';
import { hasBoundCredentials } from './connection-authentication.ts';
import { attemptsMaxOf, endpointsTried, hasUntried } from './retry.ts';
import type { ExchangeState } from './state.ts';

export interface HedgeOwner extends ExchangeState, Omit<AttemptOwner, keyof ExchangeState> {
  /** From now on this attempt is the one whose response is used. */
  useAttempt(attempt: Attempt): void;
  /** Runs a callback of a timer. An exception in it ends only this exchange. */
  protect(step: () => void): void;
}

/**
 * A second attempt beside the first one of a GET or HEAD, made at another endpoint when the first has taken longer than most. The
 * response that begins first is used, and the other attempt is cancelled.
 *
 *     first alone ──takes long──▶ first and second ──response──▶ one of them        any ──▶ closed
 */
export class Hedge {
  readonly #latency: LatencyQuantile;
  readonly #owner: HedgeOwner;
  readonly #clock: Clock;
  #first: Attempt | null = null;
  #second: Attempt | null = null;
  #timer: Timer | null = null;
  #isNoted = false;

  private constructor(latency: LatencyQuantile, owner: HedgeOwner, clock: Clock) {
    this.#latency = latency;
    this.#owner = owner;
    this.#clock = clock;
  }

  /** Null where the route does not hedge, and for requests that are not cheap to send twice. */
  static of(latency: LatencyQuantile | null, owner: HedgeOwner, clock: Clock): Hedge | null {
    const { method, request } = owner;
    const isSafe = (method === 'GET' || method === 'HEAD') && hasNoBody(request.framing) && request.upgrade === null;
    return latency === null || !isSafe || hasBoundCredentials(request.headers)
      ? null
      : new Hedge(latency, owner, clock);
  }

  onAttemptBegins(attempt: Attempt): void {
    if (this.#first !== null) return;
    this.#first = attempt;
    const delayMs = this.#latency.valueMs;
    if (delayMs !== null) this.#timer = this.#clock.schedule(after(this.#clock.now(), delayMs), due, this);
  }

  /** For the timer alone. */
  onDue(): void {
    this.#owner.protect(() => this.#begin());
  }

  #begin(): void {
    const owner = this.#owner;
    const upstream = owner.requireUpstream();
    const first = this.#first;
    if (first === null || first.isOver || first.headMs >= 0) return;
    if (owner.attempts.length >= attemptsMaxOf(owner) || !hasUntried(owner) || !upstream.mayRetry()) return;
    const endpoint = upstream.choose(endpointsTried(owner.attempts), owner);
    // The connection of its client has a private one there, which the first attempt uses.
    if (endpoint === null || endpoint === first.chosenEndpoint) return;
    const second = new Attempt(endpoint, owner);
    this.#second = second;
    owner.attempts = [...owner.attempts, second];
    first.retry = true;
    first.retryReason = 'hedged';
    second.begin(owner.requireRoute().timeouts, 'any');
  }

  /** The head of a response has come: the other attempt is cancelled. */
  onResponse(attempt: Attempt): void {
    this.#noteLatency();
    const other = attempt === this.#first ? this.#second : this.#first;
    if (this.#second === null || other === null) return;
    if (!other.isOver) {
      other.giveUp(null);
      if (other === this.#second) other.retryReason = 'superseded';
    }
    this.#use(attempt);
  }

  /** An attempt has failed. True if the other one is still running: its response is waited for. */
  outlives(attempt: Attempt): boolean {
    this.#timer?.cancel();
    const other = attempt === this.#first ? this.#second : this.#first;
    if (this.#second === null || other === null || other.isOver) return false;
    this.#noteLatency();
    attempt.retry = true;
    attempt.retryReason = 'hedged';
    this.#use(other);
    return true;
  }

  /** The attempt that decides is the last one of the record. */
  #use(attempt: Attempt): void {
    const owner = this.#owner;
    owner.attempts = [...owner.attempts.filter((one) => one !== attempt), attempt];
    attempt.retry = false;
    attempt.retryReason = 'accepted';
    owner.useAttempt(attempt);
    this.#second = null;
  }

  /** Counts how long the first attempt has taken, or has taken so far: once. */
  #noteLatency(): void {
    this.#timer?.cancel();
    if (this.#first === null || this.#isNoted) return;
    this.#isNoted = true;
    this.#latency.note(this.#owner.elapsedMs() - this.#first.startedMs);
  }

  /** No attempt is needed any more. The exchange gives up the first one itself. */
  close(failure: Failure | null): void {
    this.#timer?.cancel();
    const second = this.#second;
    this.#second = null;
    if (second === null || second.isOver) return;
    second.giveUp(failure);
    this.#owner.delivery = furthest(this.#owner.delivery, second.delivery);
  }
}

function due(hedge: Hedge): void {
  hedge.onDue();
}
