import { assert, invariantOf } from '../core/assert.ts';
import type { ClientFacts, EndedExchange, EndKind } from '../core/exchange.ts';
import { exitBeforeMs } from '../core/explain.ts';
import { fail, type Failure } from '../core/failure.ts';
import { failureTable } from '../core/failure-table.ts';
import type { Fields, Framing, HttpVersion, Ownership, RequestHead, ResponseHead } from '../core/message.ts';
import type { Delivery } from '../core/shape.ts';
import type {
  ConnectionAge,
  DownstreamHandler,
  DownstreamStream,
  PendingStream,
  StreamWaiter,
  UpstreamHandler,
  UpstreamStream,
} from '../core/stream.ts';
import { after, type Instant, type Timer } from '../core/time.ts';
import { decideRetry, isIdempotent } from '../policy/retry.ts';
import { type Answer, actionAnswer, failureAnswer, maintenanceOf } from './answer.ts';
import { Attempt, exitExplainsMs, furthest, mayBeStale, mayComeOfExit } from './attempt.ts';
import { ForwardedRequest, ForwardedResponse, type Identity, identify, loopOf } from './forward.ts';
import type { ExchangePorts, Route, Serving, Upstream } from './ports.ts';

/**
 * One request's journey, from its head to the last octet of its response. Read this file first: each step has
 * its name, and the steps stand in the order in which things happen.
 *
 *     request ─▶ route ─▶ ┌ choose ─▶ connect ─▶ send ─▶ response ┐ ─▶ forward ─▶ record
 *                         └─────────◀ again, while uncommitted ◀──┘
 *
 * A step whose result is at hand calls the next. A step that must wait returns, and the world calls back: the
 * methods named `on…` are the places where it does. Nothing here knows a protocol version, touches a socket, or
 * looks at a clock of its own; no closure, promise or timer is made for an exchange that goes well.
 */
export class Exchange implements DownstreamHandler, StreamWaiter, UpstreamHandler, EndedExchange {
  // What is remembered of it: the recorder reads these.
  readonly id: string;
  readonly traceId: string;
  readonly identity: Identity;
  readonly startedAt: Instant;
  readonly startedWall: number;
  readonly revision: number;
  readonly client: ClientFacts;
  readonly method: string;
  readonly authority: string;
  readonly target: string;
  readonly version: HttpVersion;
  endedAt: Instant;
  route = '';
  upstream = '';
  application = '';
  release = '';
  readonly attempts: Attempt[] = [];
  statusSent = 0;
  statusReceived = 0;
  end: EndKind = 'forwarded';
  failure: Failure | null = null;
  delivery: Delivery = 'not_sent';
  octetsFromClient = 0;
  octetsToClient = 0;

  readonly #ports: ExchangePorts;
  readonly #serving: Serving;
  readonly #downstream: DownstreamStream;
  readonly #request: RequestHead;
  #state: 'routing' | 'connecting' | 'sent' | 'diagnosing' | 'committed' | 'ended' = 'routing';
  #route: Route | null = null;
  #attempt: Attempt | null = null;
  #pending: PendingStream | null = null;
  #stream: UpstreamStream | null = null;
  #contentTaken = false;
  #reading = true;
  #limitTimer: Timer | null = null;
  #newsTimer: Timer | null = null;

  constructor(downstream: DownstreamStream, serving: Serving, ports: ExchangePorts) {
    const { request, client } = downstream;
    this.#downstream = downstream;
    this.#request = request;
    this.#serving = serving;
    this.#ports = ports;
    this.identity = identify(request, client, downstream.startedWall, ports.ids);
    this.id = this.identity.requestId;
    this.traceId = this.identity.traceId;
    this.startedAt = downstream.startedAt;
    this.startedWall = downstream.startedWall;
    this.endedAt = downstream.startedAt;
    this.revision = serving.revision;
    this.client = client;
    this.method = request.method;
    this.authority = request.authority;
    this.target = request.target;
    this.version = request.version;
  }

  // request ─▶ route

  onRequest(failure: Failure | null): void {
    const refused = failure ?? loopOf(this.#request, this.#serving.deployment);
    if (refused !== null) return this.#generate(refused);
    const route = this.#serving.router.route(this.#request);
    if (route === null) return this.#generate(fail('no_route', 'route', { host: this.authority, path: this.target }));
    this.#route = route;
    this.route = route.id;
    if (route.timeouts.exchangeMs !== null) this.#limitTo(route.timeouts.exchangeMs);
    if (route.upstream !== null) return this.#begin(route.upstream);
    if (route.action.kind === 'maintenance') return this.#generate(maintenanceOf(route.id, route.action));
    this.#answer(actionAnswer(route.action, this, this.#ports.clock));
  }

  #begin(upstream: Upstream): void {
    this.upstream = upstream.id;
    this.application = upstream.application;
    this.#choose(upstream, null);
  }

  // ─▶ choose ─▶ connect

  #choose(upstream: Upstream, failure: Failure | null): void {
    const tried = this.attempts.map((attempt) => attempt.target);
    const endpoint = upstream.choose(tried);
    // When the endpoints run out, the last real failure is the answer.
    if (endpoint === null) return this.#generate(failure ?? upstream.unavailable());
    const attempt = new Attempt(endpoint, this.#elapsedMs());
    this.attempts.push(attempt);
    this.#attempt = attempt;
    this.release = endpoint.release ?? '';
    this.#state = 'connecting';
    const pending = endpoint.acquire(this, this.#routeFound().timeouts, this.#ageFor(failure));
    if (this.#state === 'connecting' && this.#attempt === attempt) this.#pending = pending;
  }

  #ageFor(failure: Failure | null): ConnectionAge {
    if (failure !== null) return 'fresh';
    return isIdempotent(this.method) && this.#contentHeld() ? 'any' : 'just_used';
  }

  onStage(stage: 'dns' | 'connect' | 'tls'): void {
    const attempt = this.#attempt;
    if (attempt === null) return;
    if (stage === 'dns') attempt.dnsMs = this.#elapsedMs();
    else if (stage === 'connect') attempt.connectedMs = this.#elapsedMs();
    else attempt.tlsMs = this.#elapsedMs();
  }

  onNoStream(failure: Failure): void {
    this.onAttemptFailed(failure);
  }

  // ─▶ send

  onStream(stream: UpstreamStream): void {
    try {
      this.#send(stream);
    } catch (error) {
      this.#broken(error);
    }
  }

  #send(stream: UpstreamStream): void {
    const route = this.#routeFound();
    const attempt = this.#attempt as Attempt;
    this.#pending = null;
    this.#stream = stream;
    this.#state = 'sent';
    attempt.connected(stream);
    const { ids } = this.#ports;
    stream.send(
      new ForwardedRequest(this.#request, this, route, attempt.target, this.#serving, ids),
      this,
      route.timeouts,
    );
    if (isEmpty(this.#request.framing)) {
      stream.endContent(null);
      stream.flush();
    } else {
      this.#contentTaken = true;
      this.#downstream.readContent();
      // Inside a read, head and content leave together at its end.
      if (!this.#reading) this.#stream?.flush();
    }
    this.#noteSent();
  }

  onRequestContent(octets: Uint8Array, start: number, end: number, ownership: Ownership): void {
    this.octetsFromClient += end - start;
    if (this.#stream?.sendContent(octets, start, end, ownership) === false) this.#downstream.pauseContent();
  }

  onRequestEnd(trailers: Fields | null): void {
    this.#stream?.endContent(trailers);
  }

  onRequestRead(): void {
    this.#reading = false;
    this.#stream?.flush();
    this.#noteSent();
  }

  onEndpointRoom(): void {
    this.#noteSent();
    this.#downstream.resumeContent();
  }

  #noteSent(): void {
    const attempt = this.#attempt;
    if (attempt === null || attempt.sentMs >= 0 || this.#stream?.requestSent !== true) return;
    attempt.sentMs = this.#elapsedMs();
  }

  // ─▶ response

  onInformed(response: ResponseHead): void {
    // 100 is between us and the endpoint: our own client has been told to go on when its content was wanted.
    if (response.status !== 100) this.#downstream.inform(response.status, response.fields);
  }

  onResponse(response: ResponseHead): void {
    const attempt = this.#attempt as Attempt;
    attempt.status = response.status;
    attempt.headMs = this.#elapsedMs();
    this.statusReceived = response.status;
    this.delivery = 'response_started';
    this.#commit(response);
  }

  /** An attempt is over without a whole response. Until `#commit`, there may be another; after it, there is no way back. */
  onAttemptFailed(failure: Failure): void {
    const attempt = this.#attempt;
    try {
      // A defect of ours behind the response's end is no attempt's.
      if (attempt === null) this.onRequestFailed(failure);
      else this.#failed(attempt, failure);
    } catch (error) {
      this.#broken(error);
    }
  }

  #failed(attempt: Attempt, failure: Failure): void {
    attempt.failed(failure, this.#elapsedMs(), this.#stream);
    this.delivery = furthest(this.delivery, attempt.delivery);
    this.#stream = null;
    this.#pending = null;
    this.#attempt = null;
    const decision = decideRetry(this.#retryFacts(attempt, failure));
    attempt.retry = decision.retry;
    attempt.retryReason = decision.reason;
    if (decision.retry) this.#choose(this.#upstreamFound(), failure);
    else this.#diagnose(failure, attempt);
  }

  #retryFacts(attempt: Attempt, failure: Failure): Parameters<typeof decideRetry>[0] {
    const upstream = this.#upstreamFound();
    const tried = this.attempts.map(({ target }) => target);
    return {
      attemptsMade: this.attempts.length,
      attemptsMax: upstream.attemptsMax,
      committed: this.#isCommitted(),
      helps: failureTable[failure.cause].retry === 'elsewhere',
      delivery: attempt.delivery,
      method: this.method,
      contentHeld: this.#contentHeld(),
      elsewhere: upstream.hasOther(tried) || mayBeStale(attempt),
      timeLeft: true, // An exchange limit, where there is one, ends the exchange by itself.
    };
  }

  // ─▶ forward

  /** The point of no return: the client is sent the first octet of a response. */
  #commit(response: ResponseHead): void {
    this.#state = 'committed';
    this.statusSent = response.status;
    const route = this.#routeFound();
    this.#downstream.respond(new ForwardedResponse(response, this.id, route, this.#serving, this.#ports.clock));
  }

  onResponseContent(octets: Uint8Array, start: number, end: number, ownership: Ownership): void {
    this.octetsToClient += end - start;
    if (!this.#downstream.sendContent(octets, start, end, ownership)) this.#stream?.pauseContent();
  }

  onResponseEnd(trailers: Fields | null): void {
    const attempt = this.#attempt as Attempt;
    attempt.endedMs = this.#elapsedMs();
    this.#stream = null;
    this.#attempt = null; // It went well, whatever becomes of the client.
    this.#downstream.endContent(trailers);
  }

  onResponseRead(): void {
    if (this.#stream !== null) this.#downstream.flush();
  }

  onClientRoom(): void {
    this.#stream?.resumeContent();
  }

  onSent(): void {
    this.#finish();
  }

  // Other ends: the gateway answers by itself, the response is cut short, the client leaves.

  /** An instance's exit often explains a failure, and the news of it may be a few milliseconds behind. */
  #diagnose(failure: Failure, attempt: Attempt): void {
    this.failure = failure;
    attempt.exit = this.#exitOf(attempt);
    const newsMayCome = this.application !== '' && attempt.exit === null && mayComeOfExit(failure);
    if (!newsMayCome) return this.#conclude(failure);
    // What has come of a response goes on at once; that it is cut short is said a moment later.
    if (this.#isCommitted()) this.#downstream.flush();
    this.#state = 'diagnosing';
    this.#newsTimer = this.#ports.clock.schedule(after(this.#ports.clock.now(), exitNewsMs), newsDue, this);
  }

  /** For `#newsTimer` alone. */
  onNewsDue(): void {
    if (this.#state !== 'diagnosing' || this.failure === null) return;
    const attempt = this.attempts.at(-1) as Attempt;
    attempt.exit = this.#exitOf(attempt);
    try {
      this.#conclude(this.failure);
    } catch (error) {
      this.#broken(error);
    }
  }

  /** The exit of the attempt's instance, where it came shortly before the attempt failed or was noticed with it. */
  #exitOf(attempt: Attempt): Attempt['exit'] {
    const { exit } = attempt.target;
    if (exit === null || attempt.failure === null) return null;
    const beforeMs = exitBeforeMs(attempt, exit, this.startedAt);
    return beforeMs < exitExplainsMs && beforeMs > -exitNoticedMs ? exit : null;
  }

  /** No further attempt will be made: before the commit the gateway answers, after it the response is cut short. */
  #conclude(failure: Failure): void {
    if (this.#isCommitted()) this.#truncate(failure);
    else this.#generate(failure);
  }

  #isCommitted(): boolean {
    return this.statusSent > 0;
  }

  #generate(failure: Failure): void {
    this.failure = failure;
    this.end = 'generated';
    this.#answer(failureAnswer(this, failure, this.#request, this.#route, this.#serving, this.#ports.clock));
  }

  #answer(answer: Answer): void {
    this.end = 'generated';
    this.#state = 'committed';
    this.statusSent = answer.head.status;
    this.octetsToClient = this.method === 'HEAD' ? 0 : answer.content.length;
    this.#downstream.respond(answer.head);
    this.#downstream.sendContent(answer.content, 0, answer.content.length, 'owned');
    this.#downstream.endContent(null);
  }

  #truncate(failure: Failure): void {
    this.failure = failure;
    this.end = 'truncated';
    this.#downstream.abort();
    this.#finish();
  }

  onRequestFailed(failure: Failure): void {
    if (this.#state === 'ended') return;
    // The response is on its way and whole: what is wrong with the rest of the request no longer matters.
    if (this.#state === 'committed' && this.#stream === null && requestOnly.has(failure.cause)) return;
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

  /** The attempt ends for a reason that is not its own. */
  #giveUpAttempt(failure: Failure): void {
    const attempt = this.#attempt;
    if (attempt === null) return;
    attempt.failed(failure, this.#elapsedMs(), this.#stream);
    attempt.retryReason = failure.cause === 'exchange_timeout' ? 'no_time_left' : 'not_the_upstream';
    this.delivery = furthest(this.delivery, attempt.delivery);
    this.#pending?.cancel();
    this.#stream?.cancel();
    this.#attempt = null;
    this.#pending = null;
    this.#stream = null;
  }

  #limitTo(exchangeMs: number): void {
    this.#limitTimer = this.#ports.clock.schedule(after(this.startedAt, exchangeMs), limitReached, this);
  }

  /** For `#limitTimer` alone. */
  onLimitReached(): void {
    const limitMs = this.#route?.timeouts.exchangeMs ?? 0;
    const address = this.#attempt?.address ?? null;
    const stage = this.#isCommitted() ? 'content' : 'response';
    try {
      this.onRequestFailed(fail('exchange_timeout', stage, { address, limitMs }));
    } catch (error) {
      this.#broken(error);
    }
  }

  // ─▶ record

  #finish(): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#limitTimer?.cancel();
    this.#newsTimer?.cancel();
    for (const attempt of this.attempts) if (attempt.exit === null) attempt.exit = this.#exitOf(attempt);
    this.endedAt = this.#ports.clock.now();
    this.#ports.recorder.ended(this);
  }

  #elapsedMs(): number {
    return this.#ports.clock.now() - this.startedAt;
  }

  /** Whether the request could be sent once more from its first octet. */
  #contentHeld(): boolean {
    return !this.#contentTaken;
  }

  #routeFound(): Route {
    assert(this.#route !== null, 'a route is found before it is used');
    return this.#route;
  }

  #upstreamFound(): Upstream {
    const upstream = this.#routeFound().upstream;
    assert(upstream !== null, 'attempts are made at an upstream only');
    return upstream;
  }
}

/** How long a failure waits for the news of an exit: main hears of it and tells us within a few milliseconds. */
const exitNewsMs = 50;

/** A connection breaks before the system has told anybody that its process ended; news this late is still of that end. */
const exitNoticedMs = 250;

/** Failures of a request that has not been read to its end, by a client that is still there. */
const requestOnly: ReadonlySet<Failure['cause']> = new Set<Failure['cause']>([
  'request_refused',
  'request_content_timeout',
  'request_content_cut',
]);

function isEmpty(framing: Framing): boolean {
  return framing.kind === 'none' || (framing.kind === 'length' && framing.octets === 0);
}

function newsDue(exchange: Exchange): void {
  exchange.onNewsDue();
}

function limitReached(exchange: Exchange): void {
  exchange.onLimitReached();
}
