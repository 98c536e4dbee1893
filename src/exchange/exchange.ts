import { invariantOf } from '../core/assert.ts';
import type { EndKind } from '../core/exchange.ts';
import { fail, type Failure } from '../core/failure.ts';
import type { FilterAnswer } from '../core/filter.ts';
import {
  chunkedContent,
  type Fields,
  hasNoContent,
  isLength,
  type Ownership,
  type ResponseHead,
} from '../core/message.ts';
import type { DownstreamHandler } from '../core/stream.ts';
import type { Timer } from '../core/time.ts';
import { reusePolicyFor, retryDecisionFor, targetsOf } from './retry.ts';
import { failureAnswer, filterAnswer, lastHopAnswer, type OwnAnswer, sendAnswer } from './answer.ts';
import { Attempt, type AttemptOwner, furthest } from './attempt.ts';
import { BodyFlow } from './body-flow.ts';
import { ResponseHold, type ResponseHoldOwner } from './response-hold.ts';
import { mayComeOfExit } from '../core/exit-causes.ts';
import { type FilteredExchange, FilterRun } from './filter-run.ts';
import { exitOf, ExitWatch, type ExitWatchOwner, noteExits } from './instance-exit.ts';
import { ForwardedRequest, ForwardedResponse } from './forward.ts';
import { exchangeTimeout, type LimitedExchange, limitExchange } from './limit.ts';
import { endsHere, hopFailure } from './max-forwards.ts';
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
  implements DownstreamHandler, AttemptOwner, FilteredExchange, ResponseHoldOwner, ExitWatchOwner, LimitedExchange
{
  #state: 'routing' | 'connecting' | 'sent' | 'diagnosing' | 'committed' | 'ended' = 'routing';
  #uncommitted: ResponseHead | null = null;
  #hold: ResponseHold | null = null;
  #limitTimer: Timer | null = null;
  #exitWatch: ExitWatch | null = null;

  // request ─▶ route

  onRequest(failure: Failure | null): void {
    const refused = failure ?? hopFailure(this.request, this.serving);
    if (refused !== null) return this.#generate(refused);
    if (endsHere(this.request)) return this.#answer(lastHopAnswer(this, this.ports.clock));
    const route = this.serving.router.route(this.request);
    if (route === null) return this.#generate(fail('no_route', 'route', { host: this.authority, path: this.target }));
    this.matched = route;
    this.route = route.id;
    const { exchangeMs, responseHeadMs } = route.timeouts;
    if (exchangeMs !== null) this.#limitTimer = limitExchange(this.ports.clock, this, exchangeMs);
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
      const edited = this.edited(head);
      if (edited === null) return;
      this.#begin(edited.status, 'generated');
      this.downstream.respond(edited);
      this.onReleased(content, 0, content.length, 'owned');
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
    const upstream = this.upstreamFound();
    this.upstream = upstream.id;
    this.application = upstream.application;
    const endpoint = upstream.choose(targetsOf(this.attempts), this);
    // When the endpoints run out, the last real failure is the answer.
    if (endpoint === null) return this.#generate(failure ?? upstream.unavailable());
    const attempt = new Attempt(endpoint, this);
    this.attempts = this.attempts.length === 0 ? [attempt] : [...this.attempts, attempt];
    this.attempt = attempt;
    this.release = endpoint.release ?? '';
    this.statusReceived = 0;
    this.#state = 'connecting';
    attempt.begin(this.routeFound().timeouts, reusePolicyFor(this));
  }

  // ─▶ send

  onAttemptStream(attempt: Attempt): void {
    try {
      this.#send(attempt);
    } catch (error) {
      this.#broken(error);
    }
  }

  #send(attempt: Attempt): void {
    const route = this.routeFound();
    this.#state = 'sent';
    const framing = this.filters?.bodies.changesRequest === true ? chunkedContent : this.request.framing;
    attempt.send(new ForwardedRequest(this, route, attempt.target, this.ports.ids, framing), route.timeouts);
    if (hasNoContent(this.request.framing)) {
      attempt.endBody(null);
      attempt.flush();
    } else if (this.contentTaken) {
      this.sendUnsent(attempt);
    } else {
      this.contentTaken = true;
      this.downstream.readContent();
      // Inside a read, head and content leave together at its end.
      if (this.reading) attempt.noteSent();
      else attempt.flush();
    }
  }

  // ─▶ response

  onAttemptInformed(_: Attempt, response: ResponseHead): void {
    this.downstream.inform(response.status, response.fields, this.routeFound().response.drop);
  }

  /** Both sides change to another protocol: its bytes pass in both directions without filters. */
  onAttemptSwitched(_: Attempt, protocol: string, response: ResponseHead): void {
    this.#limitTimer?.cancel(); // It is for answers; a tunnel may last.
    this.closeFilters();
    this.filters = null;
    this.tunnel = new Tunnel(protocol, response.fields.has('sec-websocket-extensions'));
    this.delivery = 'response_started';
    this.statusReceived = response.status;
    this.#begin(response.status, 'forwarded');
    const forwarded = new ForwardedResponse(response, this, this.routeFound(), this.ports.clock);
    this.downstream.switchTo(protocol, forwarded);
  }

  onAttemptResponse(_: Attempt, response: ResponseHead): void {
    this.statusReceived = response.status;
    this.delivery = 'response_started';
    this.#uncommitted = response;
    if (this.routeFound().commitDelayMs === 0) this.#commit(response);
  }

  // ─▶ hold: a response that comes complete within one read goes on at once, at no cost; others wait a little.

  onAttemptBody(_: Attempt, bytes: Uint8Array, start: number, end: number, ownership: Ownership): void {
    const head = this.#uncommitted;
    if (head !== null) {
      const whole = this.#hold === null && isLength(head.framing, end - start);
      if (!whole && this.#holdFor(head).tryAdd(bytes, start, end)) return;
      if (!this.#commit(head)) return;
    }
    this.onReleased(bytes, start, end, ownership);
  }

  onAttemptRead(_: Attempt): void {
    const head = this.#uncommitted;
    if (head !== null && !this.#holdFor(head).keepHolding()) this.#commit(head);
    this.flushToClient();
  }

  #holdFor(head: ResponseHead): ResponseHold {
    return (this.#hold ??= new ResponseHold(head, this.routeFound().commitDelayMs, this.ports.clock, this));
  }

  onHoldTimeout(): void {
    this.#protect(() => {
      if (this.#uncommitted !== null) this.#commit(this.#uncommitted);
      this.downstream.flush();
    });
  }

  /** An attempt ended without a complete response. Until `#commit` there may be another; after it there is no way back. */
  onAttemptFailed(attempt: Attempt, failure: Failure, unsentBody: Uint8Array | null): void {
    try {
      // The output of a transform is not kept for another attempt.
      if (this.filters?.bodies.changesRequest !== true) this.unsentContent = unsentBody ?? this.unsentContent;
      this.#failed(attempt, failure);
    } catch (error) {
      this.#broken(error);
    }
  }

  onFaultAfterAttempt(_: Attempt, failure: Failure): void {
    this.#protect(() => this.onRequestFailed(failure));
  }

  #failed(attempt: Attempt, failure: Failure): void {
    this.attempt = null;
    this.#forgetResponse();
    this.delivery = furthest(this.delivery, attempt.delivery);
    const { retry, reason } = retryDecisionFor(this, attempt, failure);
    attempt.retry = retry;
    attempt.retryReason = reason;
    if (retry && this.contentTaken && !this.requestWhole) this.downstream.pauseContent(); // Until the next attempt has a stream.
    if (retry) this.#choose(failure);
    else this.#diagnose(failure, attempt);
  }

  // ─▶ forward

  /** The client is sent the first byte of a response: from here on there is no retry. False: a filter has failed instead. */
  #commit(response: ResponseHead): boolean {
    const head = this.edited(new ForwardedResponse(response, this, this.routeFound(), this.ports.clock));
    if (head === null) return false;
    const hold = this.#hold;
    this.#uncommitted = null;
    this.#hold = null;
    this.#begin(head.status, 'forwarded');
    this.downstream.respond(head);
    hold?.release();
    return true;
  }

  onAttemptEnded(attempt: Attempt, trailers: Fields | null): void {
    if (this.tunnel !== null) return this.#endpointHasEnded(attempt, this.tunnel);
    this.attempt = null;
    if (this.#uncommitted !== null && !this.#commit(this.#uncommitted)) return;
    this.endResponse(trailers);
  }

  onSent(): void {
    if (this.tunnel !== null) this.onDirectionEnded();
    else this.#finish();
  }

  /** Passes the end on to the client. An end without a close waits until it is known whether the instance has exited. */
  #endpointHasEnded(attempt: Attempt, tunnel: Tunnel): void {
    const failure = tunnel.endpointEnded(attempt.address, this.bytesToClient);
    if (failure === null) return this.downstream.endContent(null);
    attempt.broke(failure);
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
    const mayHaveExited = this.application !== '' && attempt.exit === null && mayComeOfExit(failure.cause);
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
    if (this.attempt !== null) return this.#passOnEnd();
    if (this.committed) this.#truncate(failure);
    else this.#generate(failure);
  }

  /** Half of a tunnel has ended; the client may still send. */
  #passOnEnd(): void {
    this.#state = 'committed';
    this.downstream.endContent(null);
  }

  #generate(failure: Failure): void {
    this.failure = failure;
    this.closeFilters();
    this.#answer(failureAnswer(this, failure, this.ports.clock));
  }

  #answer(answer: OwnAnswer): void {
    this.#begin(answer.head.status, 'generated');
    this.bytesToClient = this.method === 'HEAD' ? 0 : answer.content.length;
    sendAnswer(answer, this.downstream);
  }

  /** The client is sent the first byte of a response. */
  #begin(status: number, end: EndKind): void {
    this.#state = 'committed';
    this.statusSent = status;
    this.end = end;
  }

  #truncate(failure: Failure): void {
    this.failure = failure;
    this.end = 'truncated';
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
      this.end = 'abandoned';
      return this.#finish();
    }
    this.#conclude(failure);
  }

  /** For steps that timers, filters and defects call: what one of them throws ends this exchange alone. */
  #protect(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#broken(error);
    }
  }

  /** A defect of the gateway, caught before it reaches the event loop: it ends this exchange, and no other. */
  #broken(error: unknown): void {
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
    this.#uncommitted = null;
  }

  onLimitReached(): void {
    this.#protect(() =>
      this.onRequestFailed(exchangeTimeout(this, this.attempt?.address ?? null, this.filters?.isSuspended === true)),
    );
  }

  // ─▶ record

  #finish(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#limitTimer?.cancel();
    this.#exitWatch?.cancel();
    this.closeFilters();
    noteExits(this.attempts, this.end, this.startedAt);
    this.tunnel?.conclude(this);
    this.endedAt = this.ports.clock.now();
    this.ports.recorder.ended(this);
  }
}
