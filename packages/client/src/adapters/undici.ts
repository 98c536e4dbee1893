import type { CallFailure } from '../call-failure.ts';
import {
  type AdapterCall,
  type AdapterOptions,
  type AdapterPolicy,
  adapterPolicy,
  bodyStartMax,
  callFailureOf as failureNotedFor,
  isReplayable,
  noteFailure,
  plainHeader,
} from './adapter-policy.ts';
import type { Foreign } from './foreign.ts';

export type { AdapterOptions } from './adapter-policy.ts';

/** What is known of a failed call: of the error that undici threw, or of the response that it gave. Null: it did not fail. */
export function callFailureOf(outcome: unknown): CallFailure | null {
  return failureNotedFor(outcome) ?? failureNotedFor((outcome as { headers?: unknown } | null | undefined)?.headers);
}

type Headers = Record<string, string | string[] | undefined>;

interface DispatchController {
  readonly aborted: boolean;
  readonly paused: boolean;
  readonly reason: Error | null;
  rawHeaders?: unknown;
  rawTrailers?: unknown;
  abort(reason: Error): void;
  pause(): void;
  resume(): void;
}

/** A handler of undici's requests. */
export interface DispatchHandlerLike {
  onRequestStart?(controller: DispatchController, context: unknown): void;
  onRequestUpgrade?(controller: DispatchController, status: number, headers: Headers, socket: Foreign): void;
  onResponseStart?(controller: DispatchController, status: number, headers: Headers, message?: string): void;
  onResponseData?(controller: DispatchController, chunk: Foreign): void;
  onResponseEnd?(controller: DispatchController, trailers: Headers): void;
  onResponseError?(controller: DispatchController, error: Error): void;
  onBodySent?(chunk: Foreign): void;
  onRequestSent?(): void;
}

interface DispatchRequest {
  readonly origin?: string | URL;
  readonly path: string;
  readonly method: string;
  readonly body?: unknown;
  readonly headers?: unknown;
}
type Dispatch = (request: Foreign, handler: Foreign) => boolean;

/** How long a failed response may take to show who wrote it before it is judged by its head. */
const bodyWaitMs = 250;
/** Of the body of a response that is sent again, so many bytes are read and dropped, which keeps the connection; then it is closed. */
const drainedBytesMax = 65_536;

/**
 * An interceptor for undici: `agent.compose(resilientDispatch())`. A request whose body is no stream is sent again where that is safe. The
 * caller sees one response, or one error of which `callFailureOf(error)` says what is known.
 */
export function resilientDispatch(options: AdapterOptions = {}): (dispatch: Dispatch) => Dispatch {
  const adapter = adapterPolicy(options);
  return (dispatch) => (request: DispatchRequest, handler: DispatchHandlerLike) => {
    if (request.origin === undefined || request.method === 'CONNECT') return dispatch(request, handler);
    new Exchange(adapter, dispatch, request, handler).start();
    return true;
  };
}

/** One call of the caller: attempts, one after another, behind one controller. */
class Exchange implements DispatchController {
  readonly adapter: AdapterPolicy;
  readonly handler: DispatchHandlerLike;
  readonly call: AdapterCall;
  /** The attempt whose events count; null while the next one waits. */
  attempt: Attempt | null = null;
  readonly #dispatch: Dispatch;
  readonly #request: DispatchRequest;
  #timer: { cancel(): void } | null = null;
  #paused = false;
  #aborted: Error | null = null;

  constructor(adapter: AdapterPolicy, dispatch: Dispatch, request: DispatchRequest, handler: DispatchHandlerLike) {
    const { method } = request;
    const url = new URL(request.path, request.origin);
    const given = headerPairs(request.headers);
    const key = given.find(([name]) => name.toLowerCase() === 'idempotency-key')?.[1] ?? null;
    const made = key ?? adapter.policy.idempotencyKeyFor(method, url);
    this.adapter = adapter;
    this.handler = handler;
    this.#dispatch = dispatch;
    this.#request =
      made === key ? request : { ...request, headers: [...given.flat(), 'idempotency-key', made as string] };
    const replayable = isReplayable(request.body);
    this.call = adapter.begin({ method, url, hasIdempotencyKey: made !== null, replayable });
  }

  start(): void {
    this.handler.onRequestStart?.(this, null);
    if (this.#aborted === null) this.send();
  }

  send(): void {
    const refusal = this.call.admit();
    if (refusal === null) {
      this.attempt = new Attempt(this);
      this.#dispatch(this.#request, this.attempt);
      return;
    }
    if (refusal.next.retry) this.#sendAfter(refusal.next.delayMs);
    else this.fail(this.call.refused(refusal.failure));
  }

  /** The attempt failed. Null: another one follows, and nothing of this one reaches the caller. Else what the caller gets to know. */
  failed(failure: CallFailure, isRedirected: boolean): CallFailure | null {
    const { next, failure: reported } = this.call.failed(failure, isRedirected);
    if (!next.retry) return reported;
    this.attempt = null;
    this.#sendAfter(next.delayMs);
    return null;
  }

  fail(error: Error): void {
    this.attempt = null;
    this.handler.onResponseError?.(this, error);
  }

  #sendAfter(delayMs: number): void {
    const { clock } = this.adapter;
    this.#timer = clock.schedule(
      clock.now() + delayMs,
      () => {
        this.#timer = null;
        this.send();
      },
      null,
    );
  }

  abort(reason: Error): void {
    if (this.#aborted !== null) return;
    this.#aborted = reason;
    const { attempt } = this;
    if (attempt?.controller != null) return attempt.controller.abort(reason);
    // Between two attempts: nothing else would end the call.
    this.#timer?.cancel();
    this.call.cancelled();
    this.fail(reason);
  }

  pause(): void {
    this.#paused = true;
    this.attempt?.controller?.pause();
  }

  resume(): void {
    this.#paused = false;
    this.attempt?.controller?.resume();
  }

  get aborted(): boolean {
    return this.#aborted !== null;
  }

  get paused(): boolean {
    return this.#paused;
  }

  get reason(): Error | null {
    return this.#aborted;
  }

  get rawHeaders(): unknown {
    return this.attempt?.controller?.rawHeaders ?? null;
  }

  get rawTrailers(): unknown {
    return this.attempt?.controller?.rawTrailers ?? null;
  }
}

interface HeldHead {
  readonly status: number;
  readonly headers: Headers;
  readonly message: string | undefined;
}

/** One attempt. A failed response is held until its beginning shows who wrote it. */
class Attempt implements DispatchHandlerLike {
  controller: DispatchController | null = null;
  readonly #exchange: Exchange;
  #isRedirected = false;
  #held: HeldHead | null = null;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #timer: { cancel(): void } | null = null;
  /** The caller has the head of this response. */
  #isForwarded = false;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  get #isCurrent(): boolean {
    return this.#exchange.attempt === this;
  }

  onRequestStart(controller: DispatchController): void {
    // An interceptor below this one sends again where a redirect leads.
    this.#isRedirected = this.controller !== null;
    this.controller = controller;
    const { aborted, reason, paused } = this.#exchange;
    if (aborted) controller.abort(reason as Error);
    else if (paused) controller.pause();
  }

  onRequestUpgrade(_: DispatchController, status: number, headers: Headers, socket: unknown): void {
    this.#exchange.call.succeeded();
    this.#exchange.handler.onRequestUpgrade?.(this.#exchange, status, headers, socket);
  }

  onResponseStart(_: DispatchController, status: number, headers: Headers, message?: string): void {
    const { handler, adapter } = this.#exchange;
    if (status < 200) return handler.onResponseStart?.(this.#exchange, status, headers, message);
    this.#held = { status, headers, message };
    if (status < 400) return this.#forward(true);
    const { clock } = adapter;
    this.#timer = clock.schedule(clock.now() + bodyWaitMs, () => this.#judge(), null);
  }

  onResponseData(controller: DispatchController, chunk: Uint8Array): void {
    this.#bytes += chunk.length;
    if (this.#isForwarded) return this.#exchange.handler.onResponseData?.(this.#exchange, chunk);
    if (!this.#isCurrent) {
      if (this.#bytes > drainedBytesMax) controller.abort(new Error('the response is not needed'));
      return;
    }
    this.#chunks.push(chunk);
    const type = this.#held === null ? null : plainHeader(this.#held.headers, 'content-type');
    if (this.#bytes >= bodyStartMax(type)) this.#judge();
  }

  onResponseEnd(_: DispatchController, trailers: Headers): void {
    if (!this.#isForwarded) this.#judge();
    if (this.#isForwarded) this.#exchange.handler.onResponseEnd?.(this.#exchange, trailers);
  }

  onResponseError(_: DispatchController, error: Error): void {
    this.#timer?.cancel();
    const { aborted, adapter, call } = this.#exchange;
    if (!this.#isCurrent) return;
    if (this.#isForwarded) return this.#exchange.fail(error);
    if (aborted) {
      call.cancelled();
      return this.#exchange.fail(error);
    }
    // undici starts a request on a connection that it has: where none can be made after that, it is for a redirect.
    const reported = this.#exchange.failed(adapter.policy.failureOfError(error), this.controller !== null);
    if (reported === null) return;
    noteFailure(error, reported);
    this.#exchange.fail(error);
  }

  onBodySent(chunk: unknown): void {
    this.#exchange.handler.onBodySent?.(chunk);
  }

  onRequestSent(): void {
    this.#exchange.handler.onRequestSent?.();
  }

  #judge(): void {
    if (this.#held === null || this.#isForwarded || !this.#isCurrent) return;
    this.#timer?.cancel();
    const { status, headers } = this.#held;
    const header = (name: string): string | null => plainHeader(headers, name);
    const bodyStart = new TextDecoder()
      .decode(joined(this.#chunks, this.#bytes))
      .slice(0, bodyStartMax(header('content-type')));
    let failure: CallFailure | null;
    try {
      failure = this.#exchange.adapter.policy.failureOfResponse({ status, header, bodyStart });
    } catch (error) {
      // What `classify` throws is the caller's mistake.
      this.#exchange.call.cancelled();
      this.#exchange.fail(error as Error);
      this.controller?.abort(error as Error);
      return;
    }
    if (failure === null) this.#forward(true);
    else {
      const reported = this.#exchange.failed(failure, this.#isRedirected);
      if (reported !== null) {
        // undici gives the caller this very object.
        noteFailure(headers, reported);
        this.#forward(false);
      }
    }
    this.#chunks = [];
  }

  #forward(isGood: boolean): void {
    const { handler, call } = this.#exchange;
    const { status, headers, message } = this.#held as HeldHead;
    this.#isForwarded = true;
    if (isGood) call.succeeded();
    handler.onResponseStart?.(this.#exchange, status, headers, message);
    for (const chunk of this.#chunks) handler.onResponseData?.(this.#exchange, chunk);
  }
}

function joined(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** undici takes headers as a flat list, as an object, or as pairs. */
function headerPairs(headers: unknown): readonly (readonly [name: string, value: string])[] {
  if (headers === null || headers === undefined) return [];
  if (Array.isArray(headers) && typeof headers[0] === 'string')
    return headers.flatMap((name, at) => (at % 2 === 0 ? [[String(name), String(headers[at + 1])] as const] : []));
  const pairs = Symbol.iterator in Object(headers) ? (headers as Iterable<[string, unknown]>) : Object.entries(headers);
  return [...pairs].flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value])
      .filter((one) => one !== undefined && one !== null)
      .map((one) => [name, String(one)] as const),
  );
}
