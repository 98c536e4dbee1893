import { invariantOf } from '../core/assert.ts';
import type { EndKind } from '../core/exchange.ts';
import { fail, type Failure } from '#failures/failure.ts';
import type { FilterAnswer, FilterSource } from '../core/filter.ts';
import { type MessageHeaders, hasNoBody, isContentLength, type Ownership, type ResponseHead } from '../core/message.ts';
import type { DownstreamHandler, EndingInstance } from '../core/stream.ts';
import type { RequestPriority } from '../core/route-spec.ts';
import type { Timer } from '../core/time.ts';
import type { Upstream } from './ports.ts';
import {
  endpointsTried,
  waitsForProcessEnd,
  reusePolicyFor,
  retryDecisionFor,
  routeBeside,
  asksPrevious,
} from './retry.ts';
import { failureAnswer, filterAnswer, lastHopAnswer, type OwnAnswer, sendAnswer } from './answer.ts';
import { Admission, type AdmissionOwner } from './admission.ts';
import { Attempt, type AttemptOwner, furthest } from './attempt.ts';
import { EndpointWait, type EndpointWaitOwner } from './endpoint-wait.ts';
import { declaredBodyFailure, declaredResponseFailure, responseFailure } from './body-limits.ts';
import { BodyFlow } from './body-flow.ts';
import { DroppedResponse } from './dropped-response.ts';
import { boundRequestFailure, boundResponseFailure, comesAgain } from './connection-authentication.ts';
import { ResponseHold, type ResponseHoldOwner } from './response-hold.ts';
import { mayBeCausedByExit } from '#failures/process-note.ts';
import { type FilteredExchange, FilterRun } from './filter-run.ts';
import {
  exitOf,
  ExitWatch,
  type ExitWatchOwner,
  failureOfStopped,
  instanceStopped,
  noteExits,
} from './instance-exit.ts';
import { RetryState, type RetryOwner } from './retry-state.ts';
import type { RetainedResponse } from './retained-response.ts';
import { ForwardedRequest, ForwardedResponse } from './forward.ts';
import {
  exchangeTimeoutFailure,
  earlyTimeoutFailure,
  scheduleExchangeTimeout,
  type TimedExchange,
} from './exchange-timeout.ts';
import { grpcDeadlineExceeded, grpcDeadlineTrailers } from './grpc-deadline-trailers.ts';
import { grpcStatusIn, grpcStatusMissing, grpcStatusOfHead } from './grpc-status.ts';
import { loopOf } from './loop.ts';
import { ResponseSource, routeToSource } from './response-source.ts';
import { isLastHop, hopFailure } from './max-forwards.ts';
import { noRouteFailure } from './routed-methods.ts';
import { concernsRequestOnly, isByClientLeaving, isUnanswered } from './request-failures.ts';
import { SplitChoice } from './split-choice.ts';
import { isEventStream } from '../wire/is-stream.ts';
import { Tunnel, type TunnelEnds, tunnelStart } from './tunnel.ts';
import { urlFailure } from './webdav-headers.ts';

/**
 * Handles one request, from its head to the last byte of its response. Read this file first: each step is a method with a
 * name, and the methods are in the order in which the steps happen.
 *
 *     request ─▶ route ─▶ filter ─▶ receive ─▶ admit ─▶ ┌ choose ─▶ connect ─▶ send ─▶ response ─▶ hold ┐ ─▶ forward ─▶ record
 *                                                        └──────────◀ retry, while uncommitted ◀─────────┘
 *
 * A step that has its result calls the next step. A step that must wait returns. A callback then continues the exchange:
 * these are the methods named `on…`. `ports` are the functions that an exchange needs of other folders of src/, such as the clock.
 * This file depends on no protocol version and no socket. A successful exchange creates no closure, promise or timer; on a
 * route without filters it creates no object for filters either.
 */
export class Exchange
  extends BodyFlow
  implements
    DownstreamHandler,
    AttemptOwner,
    EndpointWaitOwner,
    AdmissionOwner,
    FilteredExchange,
    ResponseHoldOwner,
    ExitWatchOwner,
    RetryOwner,
    TimedExchange,
    TunnelEnds
{
  #state:
    | 'routing'
    | 'entering'
    | 'receiving'
    | 'waiting'
    | 'connecting'
    | 'sent'
    | 'diagnosing'
    | 'committed'
    | 'ended' = 'routing';
  /** The head of a response that is held: a retry is still possible. */
  #uncommittedHead: ResponseHead | null = null;
  #hold: ResponseHold | null = null;
  #timeoutTimer: Timer | null = null;
  #exitWatch: ExitWatch | null = null;
  #wait: EndpointWait | null = null;
  /** How long the request has waited for the thread; −1: not, or less than a millisecond. */
  #enteredMs = -1;
  /** Null unless the request waits for the thread, or the route, or its upstream, bounds the requests in flight. */
  #admission: Admission | null = null;
  /** Null unless the route has `retry`, or the release before may be asked. */
  #retries: RetryState | null = null;
  /** Null unless a filter answers with a stream. */
  #source: ResponseSource | null = null;

  // request ─▶ route

  /** The head of the request has been read. `failure` is set if the request was refused while it was read. */
  onRequest(failure: Failure | null): void {
    const refused = failure ?? hopFailure(this);
    if (refused !== null) return this.#answerWithFailure(refused);
    if (isLastHop(this.request)) return this.#answerWith(lastHopAnswer(this, this.ports.clock));
    const found = this.serving.router.route(this.request, this.client);
    if (found === null) return this.#enter(noRouteFailure(this), 'low');
    if (found.split !== null) this.split = new SplitChoice(found.split, this);
    const route = this.split?.route ?? found;
    this.matchedRoute = route;
    this.route = route.id; // The id, for the recorder, like `upstream` and `application` below.
    const fields = route.recording?.fields ?? null;
    if (fields !== null) this.noteFields(fields);
    const hopeless =
      declaredBodyFailure(this, this.downstream) ??
      loopOf(this.request, route, this.serving.hopName) ??
      earlyTimeoutFailure(this, this.downstream.queuedForMs, this.ports.clock);
    this.#enter(hopeless, route.priority);
  }

  /** The request may have to wait for the thread. Null: it never does. Then it is refused with `failure`, unless that is null. */
  #enter(failure: Failure | null, priority: RequestPriority | null): void {
    const gate = priority === null ? null : (this.ports.load?.gate() ?? null);
    if (gate === null || priority === null) return this.#begin(failure);
    this.#state = 'entering';
    this.failure = failure;
    if (failure === null) this.#awaitTimeout();
    this.#admission = new Admission({ bounds: [gate], priority }, this, this.ports.clock);
    this.#admission.begin();
  }

  #begin(refused: Failure | null): void {
    if (refused !== null) return this.#answerWithFailure(refused);
    const route = this.requireRoute();
    if (route.retry !== null || asksPrevious(route))
      this.#retries = new RetryState(route.retry, this, this.ports.clock, this.ports.ids);
    if (this.#timeoutTimer === null) this.#awaitTimeout();
    if (route.filters === null) return this.#receive();
    this.filters = new FilterRun(route.filters, this, this.ports.clock, route.timeouts.responseHeadMs);
    this.filters.begin();
  }

  #awaitTimeout(): void {
    this.#timeoutTimer = scheduleExchangeTimeout(this.ports.clock, this, this.requireRoute().timeouts.exchangeMs);
  }

  // ─▶ filter

  onFiltersPassed(): void {
    this.protect(() => this.#receive());
  }

  onFilterAnswer(answer: FilterAnswer): void {
    this.protect(() => {
      const { head, body } = filterAnswer(this, answer, this.ports.clock);
      const edited = this.headAfterFilters(head);
      if (edited === null) return;
      this.#noteResponseBegun(edited.status, 'generated');
      this.downstream.respond(edited);
      this.forwardToClient(body, 0, body.length, 'owned');
      this.endResponse(null);
    });
  }

  /** A filter answers with a stream, in place of an endpoint or of its response: what it sends is forwarded as that of an endpoint. */
  onFilterSource({ stream }: FilterSource): void {
    this.protect(() => {
      const replaced = this.attempts.at(-1) ?? null;
      const route = this.requireRoute();
      const asked = replaced === null ? null : route.upstream;
      this.matchedRoute = routeToSource(route, asked);
      this.#source = new ResponseSource(stream, asked, replaced?.release ?? null);
      this.split = null;
      this.#retries = null;
      if (replaced === null) this.#receive();
      else this.#choose(null);
      if (this.attempt === null) stream.cancel(); // The exchange has ended without it, or with it.
    });
  }

  /** A filter has refused the request, has taken too long, or has failed. */
  onFilterFailed(failure: Failure): void {
    this.protect(() => {
      if (this.#state !== 'ended') this.#failWith(failure);
    });
  }

  // ─▶ receive: the body, or its beginning, comes before the request gets a connection, so that a slow client holds none.

  #receive(): void {
    const refused = boundRequestFailure(this, this.downstream) ?? urlFailure(this);
    if (refused !== null) return this.#answerWithFailure(refused);
    if (!this.mustReceiveBody()) return this.#admit();
    this.#state = 'receiving';
    this.receiveBody();
  }

  onRequestBuffered(): void {
    if (this.#state !== 'receiving') return;
    this.noteReceived();
    this.protect(() => this.#admit());
  }

  // ─▶ admit: the request waits for its turn where the requests in flight are bounded.

  #admit(): void {
    const { bounds } = this.requireRoute();
    if (bounds === null) return this.#choose(null);
    this.#nameUpstream();
    this.#state = 'waiting';
    this.#admission = new Admission(bounds, this, this.ports.clock);
    this.#admission.begin();
    if (this.#state === 'waiting') this.readAtHand();
  }

  onAdmitted(): void {
    this.protect(() => {
      if (this.#state !== 'entering') return this.#choose(null);
      this.#state = 'routing';
      this.#enteredMs = this.#admission?.waitedMs ?? -1;
      this.#admission = null;
      this.#begin(this.failure);
    });
  }

  onNotAdmitted(failure: Failure): void {
    this.protect(() => this.#answerWithFailure(failure));
  }

  /** A wait for the thread is short, and clients that have ended their direction with the request are still there after it. */
  get isQueued(): boolean {
    return this.#state !== 'entering' && this.#admission?.isWaiting === true;
  }

  /** For how long the request has waited for its turn, on its connection and where requests in flight are bounded; −1: it has not. */
  get turnMs(): number {
    const { queuedForMs = -1 } = this.downstream;
    const waitedMs =
      Math.max(0, queuedForMs) + Math.max(0, this.#enteredMs) + Math.max(0, this.#admission?.waitedMs ?? -1);
    return waitedMs < 1 ? -1 : waitedMs;
  }

  // ─▶ choose ─▶ connect

  /** Chooses an endpoint and begins an attempt. `failure` is the failure of the last attempt; null for the first attempt. */
  #choose(failure: Failure | null): void {
    if (this.split !== null) this.matchedRoute = routeBeside(this) ?? this.matchedRoute;
    const upstream = this.#nameUpstream();
    const endpoint =
      this.#source ?? this.#retries?.takePrevious() ?? upstream.choose(endpointsTried(this.attempts), this);
    if (endpoint === null) {
      const wait = EndpointWait.begin(this, this.ports.clock, failure);
      return wait === null ? this.onNoEndpointReady(failure) : this.#waitFor(wait);
    }
    const attempt = new Attempt(endpoint, this);
    if (upstream.isSource !== true)
      this.attempts = this.attempts.length === 0 ? [attempt] : [...this.attempts, attempt];
    this.useAttempt(attempt);
    this.statusReceived = 0;
    this.#state = 'connecting';
    this.#retries?.onAttemptBegins(attempt);
    attempt.begin(this.requireRoute().timeouts, reusePolicyFor(this));
    if (this.#state === 'connecting' && this.attempt === attempt) this.readAtHand();
  }

  /** Leaves the rest to `wait`. The state keeps the end of a body that comes meanwhile from beginning a second attempt. */
  #waitFor(wait: EndpointWait): void {
    this.#state = 'waiting';
    this.#wait = wait;
    this.readAtHand();
  }

  /** For the record, and for who counts: also of a request that is refused before an endpoint is chosen. */
  #nameUpstream(): Upstream {
    const upstream = this.requireUpstream();
    this.upstream = upstream.id;
    this.application = upstream.application;
    return upstream;
  }

  /** The request has waited for an endpoint, or before a retry. */
  onEndpointReady(failure: Failure | null): void {
    this.protect(() => this.#choose(failure));
  }

  /** If no endpoint is left, the client gets the failure of the last attempt. */
  onNoEndpointReady(failure: Failure | null): void {
    const last = this.attempts.at(-1);
    if (last !== undefined) {
      last.exit ??= exitOf(last, this.startedAt);
      last.noteNoneFollowed(this.requireUpstream().unavailable());
    }
    this.protect(() => this.#answerWithFailure(failure ?? this.requireUpstream().unavailable()));
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
    this.readWhatHasCome();
    if (this.#state !== 'sent') return;
    const { framingToEndpoint, ports } = this;
    const request = new ForwardedRequest(
      this,
      route,
      attempt.chosenEndpoint,
      ports.ids,
      framingToEndpoint,
      this.filters,
    );
    attempt.send(this.#retries?.announced(request, attempt) ?? request, route.timeouts);
    if (hasNoBody(this.request.framing)) {
      attempt.endBody(null);
      attempt.flush();
    } else if (this.bodyReadBegun) {
      this.sendUnsent(attempt);
    } else {
      this.bodyReadBegun = true;
      this.downstream.readBody();
      // While the read that delivered the head is processed, nothing is flushed: `onRequestReadDone` flushes head and body together.
      if (this.isReadingRequestHead) attempt.recordSentTime();
      else attempt.flush();
    }
    this.#retries?.onSent(attempt);
  }

  // ─▶ response

  /** Client and endpoint change to another protocol. From now on bytes pass in both directions without filters. */
  onAttemptSwitched(attempt: Attempt, protocol: string, response: ResponseHead): void {
    const head = this.switchHeadAfterFilters(
      new ForwardedResponse(response, this, this.requireRoute(), this.ports.clock),
    );
    if (head === null) return;
    this.#timeoutTimer?.cancel(); // The exchange timeout does not apply to tunnels.
    this.#admission?.end(); // Nor do bounds of requests: a tunnel occupies a connection, and those have a limit of their own.
    const bodyFollows = !this.requestComplete && !hasNoBody(this.request.framing);
    const start = tunnelStart(this.requireRoute(), attempt, protocol, response, bodyFollows, this);
    this.closeFilters();
    this.filters = null;
    this.tunnel = new Tunnel(start, this, this.ports);
    this.delivery = 'response_started';
    this.statusReceived = response.status;
    this.#noteResponseBegun(this.downstream.switchStatus, 'forwarded');
    this.downstream.switchTo(protocol, head);
  }

  onAttemptResponse(attempt: Attempt, response: ResponseHead): void {
    this.#retries?.onResponse(attempt);
    this.statusReceived = response.status;
    this.delivery = 'response_started';
    const bound =
      boundResponseFailure(this, response, this.downstream) ?? declaredResponseFailure(this, response, attempt);
    if (bound !== null) return this.#failWith(bound);
    if (this.filters?.replaces(response) === true) return this.#drop(attempt);
    // Only who takes trailers can be a gRPC client: others pay nothing for the question.
    if (this.request.takesTrailers) this.grpcStatus = grpcStatusOfHead(response.headers);
    this.#uncommittedHead = response;
    if (this.requireRoute().commitDelayMs === 0) this.#commit(response);
    else if (this.#retries?.mayRetryResponse(response) === true) this.#holdFor(response);
  }

  /** A filter answers in its place, once the rest of the response is dropped. */
  #drop(attempt: Attempt): void {
    if (this.attempt === attempt) DroppedResponse.begin(attempt, this, this.ports.clock);
  }

  onResponseDropped(): void {
    this.attempt = null;
    this.#admission?.end();
    this.#retries?.end();
    this.#retries = null;
    this.protect(() => this.filters?.replaceResponse());
  }

  // ─▶ hold: a response that is complete within one read is forwarded at once. Other responses are held for a short time.

  onAttemptBody(attempt: Attempt, bytes: Uint8Array, start: number, end: number, ownership: Ownership): void {
    if (this.requireRoute().bodyLimits !== null && this.tunnel === null) {
      const failure = responseFailure(this, attempt, attempt.bytesFromEndpoint);
      if (failure !== null) return this.#failWith(failure);
    }
    const head = this.#uncommittedHead;
    if (head !== null) {
      const isComplete = this.#hold === null && isContentLength(head.framing, end - start);
      if (!isComplete && this.#holdFor(head).tryAdd(bytes, start, end)) return;
      if (!this.#commit(head)) return;
      if (!isComplete && this.pageReplaced) return this.#dropRest();
    }
    this.forwardToClient(bytes, start, end, ownership);
  }

  /** All bytes of one socket read of the endpoint have been processed. */
  onAttemptReadDone(_: Attempt): void {
    const head = this.#uncommittedHead;
    if (head !== null && !this.#holdFor(head).mayKeepHolding()) this.#commit(head);
    this.#dropRest();
    this.flushToClient();
  }

  #holdFor(head: ResponseHead): ResponseHold {
    return (this.#hold ??= new ResponseHold(head, this.requireRoute().commitDelayMs, this.ports.clock, this));
  }

  onHoldTimeout(): void {
    this.protect(() => {
      if (this.#uncommittedHead !== null) this.#commit(this.#uncommittedHead);
      this.#dropRest();
      this.downstream.flush();
    });
  }

  /** The client gets a page in place of the body: what has not come of that is not waited for. */
  #dropRest(): void {
    if (this.attempt === null || !this.pageReplaced) return;
    this.attempt.giveUp(null);
    this.attempt = null;
    this.#admission?.end();
    this.endResponse(null);
  }

  /** An attempt ended without a complete response. Another attempt is possible only before `#commit`. */
  onAttemptFailed(attempt: Attempt, failure: Failure, unsentBody: Uint8Array | null): void {
    try {
      // The output of a transform is not kept for another attempt.
      if (this.filters?.bodies.changesRequest !== true) this.unsentBody = unsentBody ?? this.unsentBody;
      this.#retryOrDiagnose(attempt, failure);
    } catch (error) {
      this.#endWithFault(error);
    }
  }

  /** Code of the gateway threw after the attempt had ended, while it passed on what the attempt had received. */
  onFaultAfterAttemptEnd(_: Attempt, failure: Failure): void {
    this.protect(() => this.onRequestFailed(failure));
  }

  #retryOrDiagnose(attempt: Attempt, failure: Failure): void {
    this.delivery = furthest(this.delivery, attempt.delivery);
    if (this.#retries?.outlives(attempt) === true) return;
    this.attempt = null;
    this.statusReceived = attempt.status;
    this.#forgetResponse();
    const waitMs = this.#retries?.waitMsAfter(attempt, null) ?? 0;
    const { retry, reason } = retryDecisionFor(this, attempt, failure, waitMs < Infinity);
    attempt.retry = retry;
    attempt.retryReason = reason;
    // No more of the body is read until the next attempt has a stream.
    if (retry && this.bodyReadBegun && !this.requestComplete) this.downstream.pauseBody();
    if (!retry) this.#diagnose(failure, attempt);
    else if (this.#retries !== null) this.#retries.retryAfter(waitMs, failure);
    else if (waitsForProcessEnd(this, attempt))
      this.#waitFor(EndpointWait.forProcessEnd(this, this.ports.clock, failure));
    else this.#choose(failure);
  }

  // ─▶ forward

  /** Sends the head of the response to the client. After this no retry is possible. Returns false if a filter failed instead. */
  #commit(response: ResponseHead): boolean {
    const head = this.headAfterFilters(new ForwardedResponse(response, this, this.requireRoute(), this.ports.clock));
    if (head === null) return false;
    const hold = this.#hold;
    this.#uncommittedHead = null;
    this.#hold = null;
    this.forwardedHead = response;
    if (response.status >= 500) this.ports.errorBodies?.begin(this, response);
    this.#noteResponseBegun(head.status, this.requireUpstream().isSource === true ? 'generated' : 'forwarded');
    this.downstream.respond(head);
    hold?.release();
    return true;
  }

  onAttemptEnded(attempt: Attempt, trailers: MessageHeaders | null): void {
    if (this.tunnel !== null) return this.#onEndpointEnd(attempt, this.tunnel);
    this.attempt = null;
    if (this.grpcStatus === grpcStatusMissing) this.grpcStatus = grpcStatusIn(trailers);
    const head = this.#uncommittedHead;
    const instead = head === null ? null : (this.#retries?.insteadOf(head) ?? null);
    if (instead !== null) {
      this.#hold?.close();
      this.#admission?.end();
      return this.#returnRetained(instead);
    }
    if (head !== null && (this.#retriesResponse(attempt, head, trailers) || !this.#commit(head))) return;
    this.#admission?.end();
    this.endResponse(trailers);
  }

  /** Whether a retry follows a complete response. The client gets the response if no retry gets another one. */
  #retriesResponse(attempt: Attempt, head: ResponseHead, trailers: MessageHeaders | null): boolean {
    const waitMs = this.#retries?.retainForRetry(attempt, head, this.#hold, trailers) ?? null;
    if (waitMs === null) return false;
    this.#hold = null;
    this.#uncommittedHead = null;
    this.#retries?.retryAfter(waitMs, null);
    return true;
  }

  #returnRetained({ head, hold, trailers, grpcStatus, release }: RetainedResponse): void {
    this.failure = null;
    this.release = release;
    this.statusReceived = head.status;
    this.grpcStatus = grpcStatus;
    this.#hold = hold;
    if (this.#commit(head)) this.endResponse(trailers);
  }

  /** The last byte for the client has been sent. In a tunnel this ends only the direction towards the client. */
  onResponseSent(): void {
    if (this.tunnel !== null) this.onDirectionEnded();
    else this.#finish();
  }

  /**
   * The endpoint has ended its direction of a tunnel, so the gateway ends the direction to the client. If a WebSocket ended
   * without a close frame, `#diagnose` first finds out whether the process of the instance has exited.
   */
  #onEndpointEnd(attempt: Attempt, tunnel: Tunnel): void {
    const failure = tunnel.endpointEnded();
    if (failure === null) return this.downstream.endBody(null);
    attempt.noteBrokenTunnel(failure);
    this.#diagnose(failure, attempt);
  }

  /** A tunnel is over when both its directions have ended. */
  onDirectionEnded(): void {
    const directionsOpen = this.tunnel?.endDirection() ?? 0;
    if (this.tunnel === null || directionsOpen > 0) return;
    if (this.failure === null) this.attempt?.markEnded();
    this.attempt = null;
    this.#finish();
  }

  /** The listener ends its tunnels, or those of an instance. */
  onTunnelDrained(failure: Failure, of?: EndingInstance): void {
    if (of !== undefined && this.attempt?.chosenEndpoint.id.endsWith(of.ending) !== true) return;
    this.protect(() => {
      if (this.tunnel !== null) this.tunnel.drain(failure);
      else if (of?.eventStreams === true && isEventStream(this.forwardedHead))
        this.onRequestFailed(instanceStopped('body', 'request'));
    });
  }

  onTunnelDue(): void {
    this.protect(() => this.tunnel?.onDue());
  }

  // Other ends: the gateway sends a response that it made itself, truncates the response, or the client leaves.

  /**
   * No retry follows. Looks whether the instance has exited, because that often explains a failure. The main thread may report
   * an exit a few milliseconds after the failure, so the exchange waits for the report if an exit can be the cause.
   */
  #diagnose(failure: Failure, attempt: Attempt): void {
    this.failure = failure;
    attempt.exit = exitOf(attempt, this.startedAt);
    const mayHaveExited = this.application !== '' && attempt.exit === null && mayBeCausedByExit(failure.cause);
    if (!mayHaveExited) return this.#conclude(failureOfStopped(failure, attempt));
    // Sends the client now what has been received so far. What follows is decided after the wait.
    if (this.committed) this.downstream.flush();
    this.#state = 'diagnosing';
    this.#exitWatch?.cancel();
    this.#exitWatch = new ExitWatch(attempt, this.startedAt, this.ports.clock, this);
  }

  onExitWatched(): void {
    const last = this.attempts.at(-1);
    if (this.#state !== 'diagnosing' || this.failure === null || last === undefined) return;
    const failure = failureOfStopped(this.failure, last);
    this.protect(() => this.#conclude(failure));
  }

  /**
   * Tells the client about a failure after which no attempt is made. Before the commit the gateway sends an error response;
   * after it the gateway truncates the response.
   */
  #conclude(failure: Failure): void {
    this.failure = failure;
    if (this.attempt !== null) {
      // Only a tunnel still has an attempt here. Its direction to the client ends; the client may still send.
      this.#state = 'committed';
      this.downstream.endBody(null);
    } else if (this.committed) this.#truncate(failure);
    else this.#answerWithFailure(failure);
  }

  #answerWithFailure(failure: Failure): void {
    if (isUnanswered(failure)) return this.#truncate(failure);
    this.#admission?.end();
    const retained = this.#retries?.takeRetained() ?? null;
    if (retained !== null) return this.#returnRetained(retained);
    this.failure = failure;
    this.closeFilters();
    this.#answerWith(failureAnswer(this, failure, this.filters?.failureHeaders ?? [], this.ports.clock));
  }

  #answerWith(answer: OwnAnswer): void {
    this.#noteResponseBegun(answer.head.status, 'generated');
    this.grpcStatus = answer.grpcStatus;
    const isUnsent = this.method === 'HEAD' || this.downstream.isLost === true;
    this.bytesToClient = isUnsent ? 0 : answer.body.length;
    sendAnswer(answer, this.downstream);
  }

  /** Called just before the head of a response is sent. `endKind` stays as set here, unless the response fails later. */
  #noteResponseBegun(status: number, endKind: EndKind): void {
    this.#state = 'committed';
    this.dropRequestBuffer();
    this.statusSent = status;
    this.endKind = endKind;
  }

  #truncate(failure: Failure): void {
    this.failure = failure;
    this.endKind = 'truncated';
    const trailers = grpcDeadlineTrailers(this, this.forwardedHead, failure);
    if (trailers !== null) this.grpcStatus = grpcDeadlineExceeded;
    if (trailers === null) this.bytesToClient -= this.downstream.bodyUnsent ?? 0;
    try {
      // First, so that the record is not lost: `abort` closes the connection, and a draining worker exits with its last connection.
      this.#finish();
    } finally {
      if (trailers === null) this.downstream.abort(comesAgain(failure));
      else this.downstream.endBody(trailers);
    }
  }

  onRequestFailed(failure: Failure): void {
    if (this.#state === 'ended') return;
    // The response is complete: a failure of the rest of the request no longer matters.
    if (this.#state === 'committed' && this.attempt === null && concernsRequestOnly(failure)) return;
    this.#failWith(failure);
  }

  /** Ends the exchange with a failure that no attempt has caused. */
  #failWith(failure: Failure): void {
    this.#giveUp(failure);
    if (failure.cause === 'client_gone') this.#endWithoutClient(failure);
    else this.#conclude(failure);
  }

  onClientLost(failure: Failure): void {
    if (this.#state === 'ended') return;
    this.#giveUp(failure);
    this.#endWithoutClient(failure);
  }

  #giveUp(failure: Failure): void {
    if (this.#state === 'receiving') this.noteReceived();
    this.#giveUpAttempt(failure);
    this.#forgetResponse();
  }

  #endWithoutClient(failure: Failure): void {
    this.failure = failure;
    this.endKind = isByClientLeaving(failure) ? 'abandoned' : 'truncated';
    this.bytesToClient -= this.downstream.bodyUnsent ?? 0;
    this.#finish();
  }

  /** Runs a callback of a timer or a filter. An exception in it ends only this exchange. */
  protect(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#endWithFault(error);
    }
  }

  /** Ends only this exchange, because code of the gateway threw `error`. */
  #endWithFault(error: unknown): void {
    const failure = fail('gateway_fault', 'response', { invariant: invariantOf(error) });
    try {
      this.onRequestFailed(failure);
    } catch {
      this.#truncate(failure); // The gateway cannot even make an error response: it closes the connection.
    }
  }

  #giveUpAttempt(failure: Failure): void {
    this.#wait?.cancel();
    this.#retries?.close(failure);
    const attempt = this.attempt;
    if (attempt !== null) {
      this.attempt = null;
      attempt.giveUp(failure);
      this.statusReceived = attempt.status;
      this.delivery = furthest(this.delivery, attempt.delivery);
    }
    this.#admission?.end();
  }

  /** Drops a response of which no byte has been sent to the client. */
  #forgetResponse(): void {
    this.#hold?.close();
    this.#hold = null;
    this.#uncommittedHead = null;
  }

  onExchangeTimeout(): void {
    this.protect(() =>
      this.onRequestFailed(
        exchangeTimeoutFailure(this, this.attempt?.address ?? null, this.filters?.isSuspended === true),
      ),
    );
  }

  // ─▶ record

  #finish(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    if (this.matchedRoute?.upstream?.isSource === true) this.#forgetSource();
    this.#timeoutTimer?.cancel();
    this.#exitWatch?.cancel();
    this.#retries?.end();
    this.#admission?.end();
    this.closeFilters();
    this.dropRequestBuffer();
    this.responseBuffer?.close();
    noteExits(this.attempts, this.endKind, this.startedAt);
    this.tunnel?.conclude(this);
    this.countReceivedBody();
    this.endedAt = this.ports.clock.now();
    this.ports.recorder.ended(this);
  }

  /** A source is no endpoint: nothing was sent to it, nor received. */
  #forgetSource(): void {
    const replaced = this.attempts.at(-1);
    this.statusReceived = replaced?.status ?? 0;
    this.delivery = replaced?.delivery ?? 'not_sent';
  }
}
