import { invariantOf } from '../core/assert.ts';
import type { EndKind } from '../core/exchange.ts';
import { fail, type Failure } from '../core/failure.ts';
import type { FilterAnswer } from '../core/filter.ts';
import {
  chunkedContent,
  type Fields,
  hasNoContent,
  isContentLength,
  type Ownership,
  type ResponseHead,
} from '../core/message.ts';
import type { DownstreamHandler } from '../core/stream.ts';
import type { Timer } from '../core/time.ts';
import { reusePolicyFor, retryDecisionFor, endpointsTried } from './retry.ts';
import { failureAnswer, filterAnswer, lastHopAnswer, type OwnAnswer, sendAnswer } from './answer.ts';
import { Attempt, type AttemptOwner, furthest } from './attempt.ts';
import { BodyFlow } from './body-flow.ts';
import { ResponseHold, type ResponseHoldOwner } from './response-hold.ts';
import { mayBeCausedByExit } from '../core/exit-causes.ts';
import { type FilteredExchange, FilterRun } from './filter-run.ts';
import { exitOf, ExitWatch, type ExitWatchOwner, noteExits } from './instance-exit.ts';
import { ForwardedRequest, ForwardedResponse } from './forward.ts';
import { exchangeTimeoutFailure, type TimedExchange, scheduleExchangeTimeout } from './exchange-timeout.ts';
import { isLastHop, hopFailure } from './max-forwards.ts';
import { concernsRequestOnly } from './request-failures.ts';
import { Tunnel } from './tunnel.ts';

/**
 * One request's journey, from its head to the last byte of its response. Read this file first: each step has
 * its name, and the steps stand in the order in which things happen.
 *
 *     request ─▶ route ─▶ filter ─▶ ┌ choose ─▶ connect ─▶ send ─▶ response ─▶ hold ┐ ─▶ forward ─▶ record
 *                                   └──────────◀ retry, while uncommitted ◀─────────┘
 *
 * A step whose result is at hand calls the next one. A step that must wait returns, and is continued by a callback: the
 * methods named `on…`. This file knows no protocol version, no socket and no clock but its port. An exchange that goes well
 * costs no closure, promise or timer, and on a route without filters no object for them.
 */
export class Exchange
  extends BodyFlow
  implements DownstreamHandler, AttemptOwner, FilteredExchange, ResponseHoldOwner, ExitWatchOwner, TimedExchange
{
  #state: 'routing' | 'connecting' | 'sent' | 'diagnosing' | 'committed' | 'ended' = 'routing';
  #uncommittedHead: ResponseHead | null = null;
  #hold: ResponseHold | null = null;
  #timeoutTimer: Timer | null = null;
  #exitWatch: ExitWatch | null = null;

  // request ─▶ route

  onRequest(failure: Failure | null): void {
    const refused = failure ?? hopFailure(this.request, this.serving);
    if (refused !== null) return this.#answerWithFailure(refused);
    if (isLastHop(this.request)) return this.#answerWith(lastHopAnswer(this, this.ports.clock));
    const route = this.serving.router.route(this.request);
    if (route === null)
      return this.#answerWithFailure(fail('no_route', 'route', { host: this.authority, path: this.target }));
    this.matchedRoute = route;
    this.route = route.id;
    const { exchangeMs, responseHeadMs } = route.timeouts;
    if (exchangeMs !== null) this.#timeoutTimer = scheduleExchangeTimeout(this.ports.clock, this, exchangeMs);
    if (route.filters === null) return this.#choose(null);
    this.filters = new FilterRun(route.filters, this, this.ports.clock, responseHeadMs);
    this.filters.begin();
  }

  // ─▶ filter

  onFiltersPassed(): void {
    this.#protect(() => this.#choose(null));
  }

  onFilterAnswer(answer: FilterAnswer): void {
    this.#protect(() => {
      const { head, content } = filterAnswer(this, answer, this.ports.clock);
      const edited = this.headAfterFilters(head);
      if (edited === null) return;
      this.#noteResponseBegun(edited.status, 'generated');
      this.downstream.respond(edited);
      this.forwardToClient(content, 0, content.length, 'owned');
      this.endResponse(null);
    });
  }

  /** A filter has refused the request, has taken too long, or has failed. */
  onFilterFailed(failure: Failure): void {
    this.#protect(() => {
      if (this.#state !== 'ended') this.#failWith(failure);
    });
  }

  // ─▶ choose ─▶ connect

  #choose(failure: Failure | null): void {
    const upstream = this.requireUpstream();
    this.upstream = upstream.id;
    this.application = upstream.application;
    const endpoint = upstream.choose(endpointsTried(this.attempts), this);
    // When the endpoints run out, the last real failure is the answer.
    if (endpoint === null) return this.#answerWithFailure(failure ?? upstream.unavailable());
    const attempt = new Attempt(endpoint, this);
    this.attempts = this.attempts.length === 0 ? [attempt] : [...this.attempts, attempt];
    this.attempt = attempt;
    this.release = endpoint.release ?? '';
    this.statusReceived = 0;
    this.#state = 'connecting';
    attempt.begin(this.requireRoute().timeouts, reusePolicyFor(this));
  }

  // ─▶ send

  onAttemptStream(attempt: Attempt): void {
    try {
      this.#send(attempt);
    } catch (error) {
      this.#endWithFault(error);
    }
  }

  #send(attempt: Attempt): void {
    const route = this.requireRoute();
    this.#state = 'sent';
    const framing = this.filters?.bodies.changesRequest === true ? chunkedContent : this.request.framing;
    attempt.send(new ForwardedRequest(this, route, attempt.chosenEndpoint, this.ports.ids, framing), route.timeouts);
    if (hasNoContent(this.request.framing)) {
      attempt.endBody(null);
      attempt.flush();
    } else if (this.contentReadBegun) {
      this.sendUnsent(attempt);
    } else {
      this.contentReadBegun = true;
      this.downstream.readContent();
      // Inside a read, head and content leave together at its end.
      if (this.isReadingRequestHead) attempt.recordSentTime();
      else attempt.flush();
    }
  }

  // ─▶ response

  onAttemptInterimResponse(_: Attempt, response: ResponseHead): void {
    this.downstream.sendInterimResponse(response.status, response.fields, this.requireRoute().response.drop);
  }

  /** Both sides change to another protocol: its bytes pass in both directions without filters. */
  onAttemptSwitched(_: Attempt, protocol: string, response: ResponseHead): void {
    this.#timeoutTimer?.cancel(); // It is for answers; a tunnel may last.
    this.closeFilters();
    this.filters = null;
    this.tunnel = new Tunnel(protocol, response.fields.has('sec-websocket-extensions'));
    this.delivery = 'response_started';
    this.statusReceived = response.status;
    this.#noteResponseBegun(response.status, 'forwarded');
    const forwarded = new ForwardedResponse(response, this, this.requireRoute(), this.ports.clock);
    this.downstream.switchTo(protocol, forwarded);
  }

  onAttemptResponse(_: Attempt, response: ResponseHead): void {
    this.statusReceived = response.status;
    this.delivery = 'response_started';
    this.#uncommittedHead = response;
    if (this.requireRoute().commitDelayMs === 0) this.#commit(response);
  }

  // ─▶ hold: a response that comes complete within one read goes on at once, at no cost; others wait a little.

  onAttemptBody(_: Attempt, bytes: Uint8Array, start: number, end: number, ownership: Ownership): void {
    const head = this.#uncommittedHead;
    if (head !== null) {
      const whole = this.#hold === null && isContentLength(head.framing, end - start);
      if (!whole && this.#holdFor(head).tryAdd(bytes, start, end)) return;
      if (!this.#commit(head)) return;
    }
    this.forwardToClient(bytes, start, end, ownership);
  }

  onAttemptReadDone(_: Attempt): void {
    const head = this.#uncommittedHead;
    if (head !== null && !this.#holdFor(head).keepHolding()) this.#commit(head);
    this.flushToClient();
  }

  #holdFor(head: ResponseHead): ResponseHold {
    return (this.#hold ??= new ResponseHold(head, this.requireRoute().commitDelayMs, this.ports.clock, this));
  }

  onHoldTimeout(): void {
    this.#protect(() => {
      if (this.#uncommittedHead !== null) this.#commit(this.#uncommittedHead);
      this.downstream.flush();
    });
  }

  /** An attempt ended without a complete response. Until `#commit` there may be another; after it there is no way back. */
  onAttemptFailed(attempt: Attempt, failure: Failure, unsentBody: Uint8Array | null): void {
    try {
      // The output of a transform is not kept for another attempt.
      if (this.filters?.bodies.changesRequest !== true) this.unsentContent = unsentBody ?? this.unsentContent;
      this.#retryOrDiagnose(attempt, failure);
    } catch (error) {
      this.#endWithFault(error);
    }
  }

  onFaultAfterAttemptEnd(_: Attempt, failure: Failure): void {
    this.#protect(() => this.onRequestFailed(failure));
  }

  #retryOrDiagnose(attempt: Attempt, failure: Failure): void {
    this.attempt = null;
    this.#forgetResponse();
    this.delivery = furthest(this.delivery, attempt.delivery);
    const { retry, reason } = retryDecisionFor(this, attempt, failure);
    attempt.retry = retry;
    attempt.retryReason = reason;
    if (retry && this.contentReadBegun && !this.requestComplete) this.downstream.pauseContent(); // Until the next attempt has a stream.
    if (retry) this.#choose(failure);
    else this.#diagnose(failure, attempt);
  }

  // ─▶ forward

  /** The client is sent the first byte of a response: from here on there is no retry. False: a filter has failed instead. */
  #commit(response: ResponseHead): boolean {
    const head = this.headAfterFilters(new ForwardedResponse(response, this, this.requireRoute(), this.ports.clock));
    if (head === null) return false;
    const hold = this.#hold;
    this.#uncommittedHead = null;
    this.#hold = null;
    this.#noteResponseBegun(head.status, 'forwarded');
    this.downstream.respond(head);
    hold?.release();
    return true;
  }

  onAttemptEnded(attempt: Attempt, trailers: Fields | null): void {
    if (this.tunnel !== null) return this.#onEndpointEnd(attempt, this.tunnel);
    this.attempt = null;
    if (this.#uncommittedHead !== null && !this.#commit(this.#uncommittedHead)) return;
    this.endResponse(trailers);
  }

  onResponseSent(): void {
    if (this.tunnel !== null) this.onDirectionEnded();
    else this.#finish();
  }

  /** Passes the end on to the client. An end without a close waits until it is known whether the instance has exited. */
  #onEndpointEnd(attempt: Attempt, tunnel: Tunnel): void {
    const failure = tunnel.endpointEnded(attempt.address, this.bytesToClient);
    if (failure === null) return this.downstream.endContent(null);
    attempt.noteBrokenTunnel(failure);
    this.#diagnose(failure, attempt);
  }

  /** A tunnel is over when both its directions have ended. */
  protected onDirectionEnded(): void {
    if (this.tunnel === null || this.tunnel.endDirection() > 0) return;
    if (this.failure === null) this.attempt?.ended();
    this.attempt = null;
    this.#finish();
  }

  // Other ends: the gateway answers itself, the response is truncated, the client leaves.

  /** The exit of an instance often explains a failure, and its report may come a few milliseconds later. */
  #diagnose(failure: Failure, attempt: Attempt): void {
    this.failure = failure;
    attempt.exit = exitOf(attempt, this.startedAt);
    const mayHaveExited = this.application !== '' && attempt.exit === null && mayBeCausedByExit(failure.cause);
    if (!mayHaveExited) return this.#conclude(failure);
    // Bytes of a response that have come go on at once; its truncation follows after the wait.
    if (this.committed) this.downstream.flush();
    this.#state = 'diagnosing';
    this.#exitWatch?.cancel();
    this.#exitWatch = new ExitWatch(attempt, this.startedAt, this.ports.clock, this);
  }

  onExitWatched(): void {
    const { failure } = this;
    if (this.#state === 'diagnosing' && failure !== null) this.#protect(() => this.#conclude(failure));
  }

  /** No further attempt will be made: before the commit the gateway answers, after it the response is truncated. */
  #conclude(failure: Failure): void {
    if (this.attempt !== null) return this.#passTunnelEnd();
    if (this.committed) this.#truncate(failure);
    else this.#answerWithFailure(failure);
  }

  /** Half of a tunnel has ended; the client may still send. */
  #passTunnelEnd(): void {
    this.#state = 'committed';
    this.downstream.endContent(null);
  }

  #answerWithFailure(failure: Failure): void {
    this.failure = failure;
    this.closeFilters();
    this.#answerWith(failureAnswer(this, failure, this.ports.clock));
  }

  #answerWith(answer: OwnAnswer): void {
    this.#noteResponseBegun(answer.head.status, 'generated');
    this.bytesToClient = this.method === 'HEAD' ? 0 : answer.content.length;
    sendAnswer(answer, this.downstream);
  }

  /** The client is sent the first byte of a response. */
  #noteResponseBegun(status: number, end: EndKind): void {
    this.#state = 'committed';
    this.statusSent = status;
    this.endKind = end;
  }

  #truncate(failure: Failure): void {
    this.failure = failure;
    this.endKind = 'truncated';
    try {
      this.#finish(); // First: a worker that drains may end with this connection.
    } finally {
      this.downstream.abort();
    }
  }

  onRequestFailed(failure: Failure): void {
    if (this.#state === 'ended') return;
    // The response is complete and on its way: a failure of the rest of the request no longer matters.
    if (this.#state === 'committed' && this.attempt === null && concernsRequestOnly(failure)) return;
    this.#failWith(failure);
  }

  #failWith(failure: Failure): void {
    this.#giveUpAttempt(failure);
    this.#forgetResponse();
    if (failure.cause === 'client_gone') {
      this.failure = failure;
      this.endKind = 'abandoned';
      return this.#finish();
    }
    this.#conclude(failure);
  }

  /** For steps that timers, filters and defects call: what one of them throws ends this exchange alone. */
  #protect(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#endWithFault(error);
    }
  }

  /** A defect of the gateway, caught before it reaches the event loop: it ends this exchange, and no other. */
  #endWithFault(error: unknown): void {
    const failure = fail('gateway_fault', 'response', { invariant: invariantOf(error) });
    try {
      this.onRequestFailed(failure);
    } catch {
      this.#truncate(failure); // Not even the answer can be made: the connection breaks.
    }
  }

  #giveUpAttempt(failure: Failure): void {
    const attempt = this.attempt;
    if (attempt === null) return;
    this.attempt = null;
    attempt.giveUp(failure);
    this.delivery = furthest(this.delivery, attempt.delivery);
  }

  /** Drops a response of which nothing has been sent. */
  #forgetResponse(): void {
    this.#hold?.close();
    this.#hold = null;
    this.#uncommittedHead = null;
  }

  onExchangeTimeout(): void {
    this.#protect(() =>
      this.onRequestFailed(
        exchangeTimeoutFailure(this, this.attempt?.address ?? null, this.filters?.isSuspended === true),
      ),
    );
  }

  // ─▶ record

  #finish(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#timeoutTimer?.cancel();
    this.#exitWatch?.cancel();
    this.closeFilters();
    noteExits(this.attempts, this.endKind, this.startedAt);
    this.tunnel?.conclude(this);
    this.endedAt = this.ports.clock.now();
    this.ports.recorder.ended(this);
  }
}
