import { invariantOf } from '../core/assert.ts';
import { fail, type Failure } from '../core/failure.ts';
import { type Fields, hasNoContent, isLength, type Ownership, type ResponseHead } from '../core/message.ts';
import type { DownstreamHandler, DownstreamStream } from '../core/stream.ts';
import type { Timer } from '../core/time.ts';
import { reusePolicyFor, retryDecisionFor, targetsOf } from './retry.ts';
import { type OwnAnswer, actionAnswer, failureAnswer, actionFailure, lastHopAnswer, sendAnswer } from './answer.ts';
import { Attempt, type AttemptOwner, furthest } from './attempt.ts';
import { ResponseHold, type ResponseHoldOwner } from './response-hold.ts';
import { mayComeOfExit } from '../core/exit-causes.ts';
import { awaitExit, exitChecksMax, type ExitWaiter, exitOf, noteExits } from './instance-exit.ts';
import { ForwardedRequest, ForwardedResponse } from './forward.ts';
import { exchangeTimeout, type LimitedExchange, limitExchange } from './limit.ts';
import { endsHere, hopFailure } from './max-forwards.ts';
import type { ExchangePorts, ServingRevision, Upstream } from './ports.ts';
import { ExchangeState } from './state.ts';
import { Tunnel } from './tunnel.ts';

/**
 * One request's journey, from its head to the last byte of its response. Read this file first: each step has
 * its name, and the steps stand in the order in which things happen.
 *
 *     request ─▶ route ─▶ ┌ choose ─▶ connect ─▶ send ─▶ response ─▶ hold ┐ ─▶ forward ─▶ record
 *                         └────────────◀ again, while uncommitted ◀────────┘
 *
 * A step whose result is at hand calls the next. A step that must wait returns, and the world calls back: the
 * methods named `on…` are the places where it does. Nothing here knows a protocol version, touches a socket, or
 * looks at a clock of its own; no closure, promise or timer is made for an exchange that goes well.
 */
export class Exchange
  extends ExchangeState
  implements DownstreamHandler, AttemptOwner, ResponseHoldOwner, ExitWaiter, LimitedExchange
{
  readonly #ports: ExchangePorts;
  readonly #downstream: DownstreamStream;
  #state: 'routing' | 'connecting' | 'sent' | 'diagnosing' | 'committed' | 'ended' = 'routing';
  #attempt: Attempt | null = null;
  #reading = true;
  #uncommitted: ResponseHead | null = null;
  #hold: ResponseHold | null = null;
  #directionsOpen = 2;
  #limitTimer: Timer | null = null;
  #exitTimer: Timer | null = null;
  #exitChecks = 0;

  constructor(downstream: DownstreamStream, serving: ServingRevision, ports: ExchangePorts) {
    super(downstream, serving, ports.ids);
    this.#downstream = downstream;
    this.#ports = ports;
  }

  // request ─▶ route

  onRequest(failure: Failure | null): void {
    const refused = failure ?? hopFailure(this.request, this.serving);
    if (refused !== null) return this.#generate(refused);
    if (endsHere(this.request)) return this.#answer(lastHopAnswer(this, this.#ports.clock));
    const route = this.serving.router.route(this.request);
    if (route === null) return this.#generate(fail('no_route', 'route', { host: this.authority, path: this.target }));
    this.matched = route;
    this.route = route.id;
    const { exchangeMs } = route.timeouts;
    if (exchangeMs !== null) this.#limitTimer = limitExchange(this.#ports.clock, this, exchangeMs);
    if (route.upstream !== null) return this.#choose(route.upstream, null);
    const instead = actionFailure(route, this);
    if (instead !== null) return this.#generate(instead);
    this.#answer(actionAnswer(route, this, this.#ports.clock));
  }

  // ─▶ choose ─▶ connect

  #choose(upstream: Upstream, failure: Failure | null): void {
    this.upstream = upstream.id;
    this.application = upstream.application;
    const endpoint = upstream.choose(targetsOf(this.attempts), this);
    // When the endpoints run out, the last real failure is the answer.
    if (endpoint === null) return this.#generate(failure ?? upstream.unavailable());
    const attempt = new Attempt(endpoint, this);
    this.attempts = this.attempts.length === 0 ? [attempt] : [...this.attempts, attempt];
    this.#attempt = attempt;
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
    attempt.send(new ForwardedRequest(this, route, attempt.target, this.#ports.ids), route.timeouts);
    if (hasNoContent(this.request.framing)) {
      attempt.endBody(null);
      attempt.flush();
    } else if (this.contentTaken) {
      this.#sendUnsent(attempt);
    } else {
      this.contentTaken = true;
      this.#downstream.readContent();
      // Inside a read, head and content leave together at its end.
      if (this.#reading) attempt.noteSent();
      else attempt.flush();
    }
  }

  /** Sends the body that an earlier attempt was given and could not send a byte of; the rest follows. */
  #sendUnsent(attempt: Attempt): void {
    const bytes = this.unsentContent ?? noBytes;
    this.unsentContent = null;
    const hasRoom = bytes.length === 0 || attempt.sendBody(bytes, 0, bytes.length, 'owned');
    if (this.requestWhole) attempt.endBody(null);
    attempt.flush();
    if (hasRoom && !this.requestWhole) this.#downstream.resumeContent();
  }

  onRequestContent(bytes: Uint8Array, start: number, end: number, ownership: Ownership): void {
    this.bytesFromClient += end - start;
    if (this.tunnel !== null) this.tunnel.clientSent(bytes, start, end);
    if (this.#attempt?.sendBody(bytes, start, end, ownership) === false) this.#downstream.pauseContent();
  }

  onRequestEnd(trailers: Fields | null): void {
    this.requestWhole = true;
    this.#attempt?.endBody(trailers);
    if (this.tunnel === null) return;
    this.tunnel.clientEnded();
    this.#endDirection();
  }

  onRequestRead(): void {
    this.#reading = false;
    this.#attempt?.flush();
  }

  onAttemptRoom(_: Attempt): void {
    this.#downstream.resumeContent();
  }

  // ─▶ response

  onAttemptInformed(_: Attempt, response: ResponseHead): void {
    this.#downstream.inform(response.status, response.fields, this.routeFound().response.drop);
  }

  /** Both sides change to another protocol: what comes from now on, either way, is passed on as it is. */
  onAttemptSwitched(_: Attempt, protocol: string, response: ResponseHead): void {
    this.#limitTimer?.cancel(); // It is for answers; a tunnel may last.
    this.#state = 'committed';
    this.tunnel = new Tunnel(protocol, response.fields.has('sec-websocket-extensions'));
    this.delivery = 'response_started';
    this.statusReceived = response.status;
    this.statusSent = response.status;
    const forwarded = new ForwardedResponse(response, this, this.routeFound(), this.#ports.clock);
    this.#downstream.switchTo(protocol, forwarded);
  }

  onAttemptResponse(_: Attempt, response: ResponseHead): void {
    this.statusReceived = response.status;
    this.delivery = 'response_started';
    this.#uncommitted = response;
    if (this.routeFound().commitDelayMs === 0) this.#commit(response);
  }

  // ─▶ hold: what comes whole within one read goes on at once, at no cost; the rest waits a little.

  onAttemptBody(_: Attempt, bytes: Uint8Array, start: number, end: number, ownership: Ownership): void {
    const head = this.#uncommitted;
    if (head !== null) {
      const whole = this.#hold === null && isLength(head.framing, end - start);
      if (!whole && this.#holdFor(head).tryAdd(bytes, start, end)) return;
      this.#commit(head);
    }
    this.onReleased(bytes, start, end, ownership);
  }

  onAttemptRead(_: Attempt): void {
    const head = this.#uncommitted;
    if (head !== null && !this.#holdFor(head).keepHolding()) this.#commit(head);
    this.#downstream.flush();
  }

  #holdFor(head: ResponseHead): ResponseHold {
    return (this.#hold ??= new ResponseHold(head, this.routeFound().commitDelayMs, this.#ports.clock, this));
  }

  onHoldTimeout(): void {
    try {
      if (this.#uncommitted !== null) this.#commit(this.#uncommitted);
      this.#downstream.flush();
    } catch (error) {
      this.#broken(error);
    }
  }

  /** An attempt ended without a complete response. Until `#commit` there may be another; after it there is no way back. */
  onAttemptFailed(attempt: Attempt, failure: Failure, unsentBody: Uint8Array | null): void {
    try {
      this.unsentContent = unsentBody ?? this.unsentContent;
      this.#failed(attempt, failure);
    } catch (error) {
      this.#broken(error);
    }
  }

  onFaultAfterAttempt(_: Attempt, failure: Failure): void {
    try {
      this.onRequestFailed(failure);
    } catch (error) {
      this.#broken(error);
    }
  }

  #failed(attempt: Attempt, failure: Failure): void {
    this.#attempt = null;
    this.#forgetResponse();
    this.delivery = furthest(this.delivery, attempt.delivery);
    const { retry, reason } = retryDecisionFor(this, attempt, failure);
    attempt.retry = retry;
    attempt.retryReason = reason;
    if (retry && this.contentTaken && !this.requestWhole) this.#downstream.pauseContent(); // Until it has somewhere to go.
    if (retry) this.#choose(this.upstreamFound(), failure);
    else this.#diagnose(failure, attempt);
  }

  // ─▶ forward

  /** The point of no return: the client is sent the first byte of a response. */
  #commit(response: ResponseHead): void {
    const hold = this.#hold;
    this.#uncommitted = null;
    this.#hold = null;
    this.#state = 'committed';
    this.statusSent = response.status;
    this.#downstream.respond(new ForwardedResponse(response, this, this.routeFound(), this.#ports.clock));
    hold?.release();
  }

  onReleased(bytes: Uint8Array, start: number, end: number, ownership: Ownership): void {
    this.bytesToClient += end - start;
    if (this.tunnel !== null) this.tunnel.endpointSent(bytes, start, end);
    if (!this.#downstream.sendContent(bytes, start, end, ownership)) this.#attempt?.pauseBody();
  }

  onAttemptEnded(attempt: Attempt, trailers: Fields | null): void {
    if (this.tunnel !== null) return this.#endpointHasEnded(attempt, this.tunnel);
    this.#attempt = null;
    if (this.#uncommitted !== null) this.#commit(this.#uncommitted);
    this.#downstream.endContent(trailers);
  }

  onClientRoom(): void {
    this.#attempt?.resumeBody();
  }

  onSent(): void {
    if (this.tunnel !== null) this.#endDirection();
    else this.#finish();
  }

  /** The end goes on to the client; where it is no proper one, once it is known whether the instance has ended. */
  #endpointHasEnded(attempt: Attempt, tunnel: Tunnel): void {
    const failure = tunnel.endpointEnded(attempt.address, this.bytesToClient);
    if (failure === null) return this.#downstream.endContent(null);
    attempt.broke(failure);
    this.#diagnose(failure, attempt);
  }

  /** A tunnel is over when both its directions have ended. */
  #endDirection(): void {
    if (--this.#directionsOpen > 0) return;
    if (this.failure === null) this.#attempt?.ended();
    this.#attempt = null;
    this.#finish();
  }

  // Other ends: the gateway answers by itself, the response is cut short, the client leaves.

  /** An instance's exit often explains a failure, and the news of it may be a few milliseconds behind. */
  #diagnose(failure: Failure, attempt: Attempt): void {
    this.failure = failure;
    attempt.exit = exitOf(attempt, this.startedAt);
    const mayHaveExited = this.application !== '' && attempt.exit === null && mayComeOfExit(failure.cause);
    if (!mayHaveExited) return this.#conclude(failure);
    // What has come of a response goes on at once; that it is cut short is said a moment later.
    if (this.committed) this.#downstream.flush();
    this.#state = 'diagnosing';
    this.#exitTimer?.cancel();
    this.#exitTimer = awaitExit(this.#ports.clock, this);
  }

  onExitCheck(): void {
    if (this.#state !== 'diagnosing' || this.failure === null) return;
    const attempt = this.attempts.at(-1) as Attempt;
    attempt.exit = exitOf(attempt, this.startedAt);
    this.#exitChecks += 1;
    if (attempt.exit === null && this.#exitChecks < exitChecksMax) {
      this.#exitTimer = awaitExit(this.#ports.clock, this);
      return;
    }
    try {
      this.#conclude(this.failure);
    } catch (error) {
      this.#broken(error);
    }
  }

  /** No further attempt will be made: before the commit the gateway answers, after it the response is cut short. */
  #conclude(failure: Failure): void {
    if (this.#attempt !== null) return this.#passOnEnd();
    if (this.committed) this.#truncate(failure);
    else this.#generate(failure);
  }

  /** Half of a tunnel has ended; the client may still send. */
  #passOnEnd(): void {
    this.#state = 'committed';
    this.#downstream.endContent(null);
  }

  #generate(failure: Failure): void {
    this.failure = failure;
    this.#answer(failureAnswer(this, failure, this.#ports.clock));
  }

  #answer(answer: OwnAnswer): void {
    this.end = 'generated';
    this.#state = 'committed';
    this.statusSent = answer.head.status;
    this.bytesToClient = this.method === 'HEAD' ? 0 : answer.content.length;
    sendAnswer(answer, this.#downstream);
  }

  #truncate(failure: Failure): void {
    this.failure = failure;
    this.end = 'truncated';
    try {
      this.#finish(); // First: a worker that drains may end with this connection.
    } finally {
      this.#downstream.abort();
    }
  }

  onRequestFailed(failure: Failure): void {
    if (this.#state === 'ended') return;
    // The response is on its way and whole: what is wrong with the rest of the request no longer matters.
    if (this.#state === 'committed' && this.#attempt === null && requestOnly.has(failure.cause)) return;
    this.#giveUpAttempt(failure);
    if (failure.cause === 'client_gone') {
      this.failure = failure;
      this.end = 'abandoned';
      return this.#finish();
    }
    this.#conclude(failure);
  }

  /** A defect of ours, caught here where nobody but the event loop would: it ends this exchange, and no other. */
  #broken(error: unknown): void {
    const failure = fail('gateway_fault', 'response', { invariant: invariantOf(error) });
    try {
      this.onRequestFailed(failure);
    } catch {
      this.#truncate(failure); // Not even the answer can be made: what is left is a connection that breaks.
    }
  }

  #giveUpAttempt(failure: Failure): void {
    const attempt = this.#attempt;
    if (attempt === null) return;
    this.#attempt = null;
    this.#forgetResponse();
    attempt.giveUp(failure);
    this.delivery = furthest(this.delivery, attempt.delivery);
  }

  /** The client has seen nothing of it, and never will. */
  #forgetResponse(): void {
    this.#hold?.close();
    this.#hold = null;
    this.#uncommitted = null;
  }

  onLimitReached(): void {
    try {
      this.onRequestFailed(exchangeTimeout(this, this.#attempt?.address ?? null));
    } catch (error) {
      this.#broken(error);
    }
  }

  // ─▶ record

  #finish(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#limitTimer?.cancel();
    this.#exitTimer?.cancel();
    noteExits(this.attempts, this.end, this.startedAt);
    this.tunnel?.conclude(this);
    this.endedAt = this.#ports.clock.now();
    this.#ports.recorder.ended(this);
  }

  elapsedMs(): number {
    return this.#ports.clock.now() - this.startedAt;
  }
}

const noBytes = new Uint8Array(0);

/** Failures of a request that has not been read to its end, by a client that is still there. */
const requestOnly: ReadonlySet<Failure['cause']> = new Set<Failure['cause']>([
  'request_refused',
  'request_body_timeout',
  'request_body_truncated',
]);
