import type { Failure } from '#failures/failure.ts';
import { type MessageHeaders, hasNoBody, type OutgoingRequest, type ResponseHead } from '../core/message.ts';
import { after, type Clock, type Timer } from '../core/time.ts';
import { backoffMs, parseRetryAfter } from '../policy/retry-backoff.ts';
import { AnnouncedRequest } from './announced-request.ts';
import type { Attempt } from './attempt.ts';
import { remainingMs } from './exchange-timeout.ts';
import { Hedge, type HedgeOwner } from './hedge.ts';
import { copyHead, copyHeaders, type RetainedResponse } from './retained-response.ts';
import type { Endpoint, Ids } from './ports.ts';
import { hasPassed, isLoopAnswer } from './loop.ts';
import { processEndMs } from './endpoint-wait.ts';
import {
  asksPrevious,
  hasUntried,
  isRepeatable,
  waitsForProcessEnd,
  mayBeOfConnection,
  statusDecisionFor,
} from './retry.ts';
import type { ResponseHold } from './response-hold.ts';
import { noRetry, type RetryPolicy } from './retry-policy.ts';

export interface RetryOwner extends HedgeOwner {
  /** The next attempt begins now. `failure`: of the last attempt; null if it had a response. */
  onEndpointReady(failure: Failure | null): void;
}

/** What the `retry` of its route, or a release before, adds to an exchange. Exchanges of other routes have none. */
export class RetryState {
  readonly #policy: RetryPolicy;
  readonly #owner: RetryOwner;
  readonly #clock: Clock;
  readonly #ids: Ids;
  readonly #hedge: Hedge | null;
  #timer: Timer | null = null;
  /** The last complete response. */
  #retained: RetainedResponse | null = null;
  /** Of the release before, for the next attempt. */
  #previous: Endpoint | null = null;

  /** `policy` null: the route says nothing of retries. */
  constructor(policy: RetryPolicy | null, owner: RetryOwner, clock: Clock, ids: Ids) {
    this.#policy = policy ?? noRetry;
    this.#owner = owner;
    this.#clock = clock;
    this.#ids = ids;
    this.#hedge = Hedge.of(this.#policy.latency, owner, clock);
  }

  // An attempt.

  onAttemptBegins(attempt: Attempt): void {
    this.#hedge?.onAttemptBegins(attempt);
  }

  /** The request as it is sent. */
  announced(request: OutgoingRequest, attempt: Attempt): OutgoingRequest {
    if (!this.#policy.attemptHeaders) return request;
    const { attempts } = this.#owner;
    return new AnnouncedRequest(request, attempts.indexOf(attempt) + 1, this.#timeoutMs());
  }

  /** How long the response of the endpoint is waited for. */
  #timeoutMs(): number {
    const { responseHeadMs } = this.#owner.requireRoute().timeouts;
    return Math.min(this.#policy.attemptMs ?? responseHeadMs, remainingMs(this.#owner, this.#clock.now()));
  }

  /** The request has been sent. Its time is limited if its body does not come from the client meanwhile. */
  onSent(attempt: Attempt): void {
    const { request, requestBuffer } = this.#owner;
    if (this.#policy.attemptMs === null) return;
    if (hasNoBody(request.framing) || requestBuffer?.isWhole === true)
      attempt.limitTime(this.#clock, this.#policy.attemptMs);
  }

  /** The head of a response has come: that of another attempt is not needed any more. */
  onResponse(attempt: Attempt): void {
    this.#hedge?.onResponse(attempt);
  }

  /** Whether another attempt is still running, which may succeed, when `attempt` has failed. */
  outlives(attempt: Attempt): boolean {
    return this.#hedge?.outlives(attempt) === true;
  }

  // A retry.

  /** For how long to wait before the next attempt; Infinity if the time for the exchange does not last until then. */
  waitMsAfter(attempt: Attempt, retryAfterMs: number | null): number {
    const { attempts } = this.#owner;
    const elsewhere = hasUntried(this.#owner) || mayBeOfConnection(attempt);
    const facts = { attemptsMade: attempts.length, elsewhere, retryAfterMs, random: this.#random() };
    const backMs = backoffMs({ baseMs: this.#policy.backoffMs, maxMs: this.#policy.backoffMaxMs }, facts);
    const waitMs = waitsForProcessEnd(this.#owner, attempt) ? Math.max(backMs, processEndMs) : backMs;
    // Without a limit for the exchange, no wait is longer than one for a response.
    const { responseHeadMs } = this.#owner.requireRoute().timeouts;
    return waitMs < Math.min(responseHeadMs, remainingMs(this.#owner, this.#clock.now())) ? waitMs : Infinity;
  }

  retryAfter(waitMs: number, failure: Failure | null): void {
    if (waitMs === 0) return this.#owner.onEndpointReady(failure);
    this.#timer = this.#clock.schedule(
      after(this.#clock.now(), waitMs),
      (owner) => owner.onEndpointReady(failure),
      this.#owner,
    );
  }

  #random(): number {
    const bytes = new Uint8Array(4);
    this.#ids.fill(bytes);
    return new DataView(bytes.buffer).getUint32(0) / 2 ** 32;
  }

  // Statuses.

  /** Whether a response is held until it is complete, because a retry may follow it. */
  mayRetryResponse(response: ResponseHead): boolean {
    if (this.#previousFor(response) !== null || this.#isOfPrevious(response)) return true;
    return this.#isRetriable(response) && isRepeatable(this.#owner);
  }

  /** The endpoint that is asked for what the new release has not; null: none is. */
  #previousFor({ status }: ResponseHead): Endpoint | null {
    const { attempts, method, request } = this.#owner;
    if (status !== notFound || (method !== 'GET' && method !== 'HEAD')) return null;
    // What has been read of a body is not kept, and an upgrade is no file.
    if (!hasNoBody(request.framing) || request.upgrade !== null) return null;
    if (attempts.at(-1)?.release?.arm?.name !== 'new' || !asksPrevious(this.#owner.requireRoute())) return null;
    if (attempts.some(({ retryReason }) => retryReason === 'previous_release')) return null;
    return this.#owner.requireUpstream().previous?.() ?? null;
  }

  /** The release before has not got it either. */
  #isOfPrevious({ status }: ResponseHead): boolean {
    return status >= 400 && this.#owner.attempts.at(-2)?.retryReason === 'previous_release';
  }

  /** What the client gets in place of a complete response; null: that one. */
  insteadOf(response: ResponseHead): RetainedResponse | null {
    return this.#isOfPrevious(response) ? this.takeRetained() : null;
  }

  /** The endpoint of the next attempt; null: the balancer chooses it. */
  takePrevious(): Endpoint | null {
    const previous = this.#previous;
    this.#previous = null;
    return previous;
  }

  /** Each passage of a loop, and each tier of one name, would multiply the attempts of the one before. */
  #isRetriable(response: ResponseHead): boolean {
    if (!this.#policy.statuses.has(response.status)) return false;
    const { request, serving } = this.#owner;
    return !hasPassed(request, serving.hopName) && !isLoopAnswer(response, serving.deployment);
  }

  /**
   * A response is complete. If a retry follows, the response is retained, with its body in `hold`, and the result is the time to wait before
   * the retry; otherwise null.
   */
  retainForRetry(
    attempt: Attempt,
    head: ResponseHead,
    hold: ResponseHold | null,
    trailers: MessageHeaders | null,
  ): number | null {
    this.#previous = this.#previousFor(head);
    if (this.#previous !== null) {
      attempt.retry = true;
      attempt.retryReason = 'previous_release';
      this.#retain(attempt, head, hold, trailers);
      return 0;
    }
    if (!this.#isRetriable(head)) return null;
    const { headers } = head;
    const retryAfterMs = parseRetryAfter(headers.get('retry-after'), headers.get('date'), this.#clock.wallTime());
    const waitMs = this.waitMsAfter(attempt, retryAfterMs);
    const { retry, reason } = statusDecisionFor(this.#owner, attempt, waitMs < Infinity);
    attempt.retry = retry;
    attempt.retryReason = reason;
    if (!retry) return null;
    this.#retain(attempt, head, hold, trailers);
    return waitMs;
  }

  #retain({ release }: Attempt, head: ResponseHead, hold: ResponseHold | null, trailers: MessageHeaders | null): void {
    hold?.detach();
    this.#dropRetained();
    const { grpcStatus } = this.#owner;
    const kept = trailers && copyHeaders(trailers);
    this.#retained = { head: copyHead(head), hold, trailers: kept, grpcStatus, release };
  }

  /** The last response, for the client: no attempt after it had one. Null if there was none. */
  takeRetained(): RetainedResponse | null {
    const retained = this.#retained;
    this.#retained = null;
    return retained;
  }

  #dropRetained(): void {
    this.takeRetained()?.hold?.close();
  }

  /** No attempt follows. `failure`: of the exchange; null if it has a response. */
  close(failure: Failure | null): void {
    this.#timer?.cancel();
    this.#hedge?.close(failure);
  }

  /** The exchange has ended. */
  end(): void {
    this.close(null);
    this.#dropRetained();
  }
}

const notFound = 404;
