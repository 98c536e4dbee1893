import type { Failure } from '#failures/failure.ts';
import { type MessageHeaders, hasNoBody, type Ownership, type ResponseHead } from '../../src/core/message.ts';
import type { DownstreamHandler, DownstreamStream } from '../../src/core/stream.ts';
import { Attempt, type AttemptOwner } from '../../src/exchange/attempt.ts';
import { ForwardedRequest, ForwardedResponse } from '../../src/exchange/forward.ts';
import type { ExchangePorts, ServingRevision } from '../../src/exchange/ports.ts';
import { ExchangeState } from '../../src/exchange/state.ts';

/**
 * A second owner of attempts: it sends each request to two endpoints at the same time. `hedge` uses the response that begins
 * first and gives the other attempt up; `mirror` uses the first endpoint's response and drops that of the second.
 */
export class ParallelAttempts extends ExchangeState implements DownstreamHandler, AttemptOwner {
  readonly #downstream: DownstreamStream;
  readonly #ports: ExchangePorts;
  readonly #mode: 'hedge' | 'mirror';
  #used: Attempt | null = null;
  #connected = 0;
  #sent = false;
  #recorded = false;

  constructor(mode: 'hedge' | 'mirror', downstream: DownstreamStream, serving: ServingRevision, ports: ExchangePorts) {
    super(downstream, serving, ports.ids);
    this.#mode = mode;
    this.#downstream = downstream;
    this.#ports = ports;
  }

  elapsedMs(): number {
    return this.#ports.clock.now() - this.startedAt;
  }

  // The client's side.

  onRequest(): void {
    this.matchedRoute = this.serving.router.route(this.request, this.client);
    const upstream = this.requireUpstream();
    const first = upstream.choose([], this);
    const second = first && upstream.choose([first], this);
    if (first === null || second === null) throw new Error('two endpoints are needed');
    const targets = first.id < second.id ? [first, second] : [second, first];
    this.attempts = targets.map((target) => new Attempt(target, this));
    if (this.#mode === 'mirror') this.#used = this.attempts[0] ?? null;
    for (const attempt of this.attempts) attempt.begin(this.requireRoute().timeouts, 'any');
  }

  onRequestBody(bytes: Uint8Array, start: number, end: number, ownership: Ownership): void {
    for (const attempt of this.#running) attempt.sendBody(bytes, start, end, ownership);
  }

  onRequestEnd(trailers: MessageHeaders | null): void {
    for (const attempt of this.#running) attempt.endBody(trailers);
  }

  readonly isQueued = false;

  onRequestReadDone(): void {
    for (const attempt of this.#running) attempt.flush();
  }

  onRequestFailed(failure: Failure): void {
    for (const attempt of this.#running) attempt.giveUp(failure);
    this.endKind = 'abandoned';
    this.#sent = true;
    this.#recordWhenOver();
  }

  onClientLost(failure: Failure): void {
    this.onRequestFailed(failure);
  }

  onTunnelDrained(): void {}

  onClientRoom(): void {
    this.#used?.resumeBody();
  }

  onResponseSent(): void {
    this.#sent = true;
    this.#recordWhenOver();
  }

  get #running(): readonly Attempt[] {
    return this.attempts.filter(({ isOver }) => !isOver);
  }

  // The attempts.

  onAttemptStream(attempt: Attempt): void {
    const route = this.requireRoute();
    attempt.send(new ForwardedRequest(this, route, attempt.chosenEndpoint, this.#ports.ids), route.timeouts);
    const isWhole = hasNoBody(this.request.framing);
    if (isWhole) attempt.endBody(null);
    attempt.flush();
    if (++this.#connected === this.attempts.length && !isWhole) this.#downstream.readBody();
  }

  onAttemptInterimResponse(): void {}

  onAttemptSwitched(): void {}

  onAttemptResponse(attempt: Attempt, response: ResponseHead): void {
    if (this.#used === null) {
      this.#used = attempt;
      for (const other of this.#running) if (other !== attempt) other.giveUp(null);
    }
    if (attempt !== this.#used) return;
    this.statusSent = response.status;
    this.#downstream.respond(new ForwardedResponse(response, this, this.requireRoute(), this.#ports.clock));
  }

  onAttemptBody(attempt: Attempt, bytes: Uint8Array, start: number, end: number, ownership: Ownership): void {
    if (attempt !== this.#used) return;
    this.bytesToClient += end - start;
    if (!this.#downstream.sendBody(bytes, start, end, ownership)) attempt.pauseBody();
  }

  onAttemptEnded(attempt: Attempt, trailers: MessageHeaders | null): void {
    if (attempt === this.#used) this.#downstream.endBody(trailers);
    this.#recordWhenOver();
  }

  onAttemptReadDone(attempt: Attempt): void {
    if (attempt === this.#used) this.#downstream.flush();
  }

  onAttemptRoom(): void {}

  onAttemptFailed(): void {
    this.#recordWhenOver();
  }

  onFaultAfterAttemptEnd(_: Attempt, failure: Failure): void {
    throw new Error(failure.cause);
  }

  #recordWhenOver(): void {
    if (this.#recorded || !this.#sent || this.#running.length > 0) return;
    this.#recorded = true;
    this.endedAt = this.#ports.clock.now();
    this.#ports.recorder.ended(this);
  }
}
