import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { KitClock } from './clock.ts';
import { newRequestId } from './system.ts';

/** The request that the running code works for. */
export interface KitRequest {
  /** `X-Request-Id` of the gateway; a new id where none came. */
  readonly id: string;
  /** As the gateway sent it. Null: it sent none, or one that is not valid. */
  readonly traceparent: string | null;
  readonly tracestate: string | null;
  readonly traceId: string | null;
  /** Aborts when the gateway stops waiting, when the client has left, and when a drain passes its deadline. */
  readonly signal: AbortSignal;
  /** How long the gateway still waits for the response; null: it has not said. Never below 0. */
  remainingMs(): number | null;
}

const storage = new AsyncLocalStorage<ServedRequest>();

/** Undefined outside of a request. */
export function currentRequest(): KitRequest | undefined {
  return storage.getStore();
}

/** What may stand in a line of a log: no spaces, no control characters, no quotes. */
const idForm = /^[\w.~:+/=@-]{1,128}$/;
const traceForm = /^[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?$/;
/** Node's timers take no longer ones. */
const deadlineMaxMs = 2 ** 31 - 1;

/** One request and its signal, which costs nothing before it is asked for. */
export class ServedRequest implements KitRequest {
  readonly id: string;
  readonly traceparent: string | null;
  readonly tracestate: string | null;
  readonly #clock: KitClock;
  readonly #hasBegun: () => boolean;
  readonly #deadlineAt: number | null;
  #controller: AbortController | null = null;
  #cancelDeadline: () => void = () => {};
  #abortedBy: DOMException | null = null;
  #isOver = false;

  /** `hasBegun`: whether the head of the response has been sent. */
  constructor({ headers }: Pick<IncomingMessage, 'headers'>, clock: KitClock, hasBegun = (): boolean => false) {
    this.#clock = clock;
    this.#hasBegun = hasBegun;
    const id = textOf(headers, 'x-request-id');
    this.id = idForm.test(id) ? id : newRequestId();
    const traceparent = textOf(headers, 'traceparent');
    const isValid = traceForm.test(traceparent);
    this.traceparent = isValid ? traceparent : null;
    this.tracestate = isValid ? textOf(headers, 'tracestate') || null : null;
    const waited = textOf(headers, 'x-envoy-expected-rq-timeout-ms');
    const waitedMs = /^\d{1,15}$/.test(waited) ? Math.min(Number(waited), deadlineMaxMs) : 0;
    // Envoy sends 0 where it waits without a limit.
    this.#deadlineAt = waitedMs > 0 ? clock.now() + waitedMs : null;
  }

  get traceId(): string | null {
    return this.traceparent === null ? null : (traceForm.exec(this.traceparent)?.[1] ?? null);
  }

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#abortedBy !== null) this.#controller.abort(this.#abortedBy);
      else this.#startDeadline();
    }
    return this.#controller.signal;
  }

  remainingMs(): number | null {
    return this.#deadlineAt === null ? null : Math.max(0, this.#deadlineAt - this.#clock.now());
  }

  run<T>(work: () => T): T {
    return storage.run(this, work);
  }

  abort(reason: DOMException): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#abortedBy = reason;
    this.#cancelDeadline();
    this.#controller?.abort(reason);
  }

  /** The response has been sent: nothing aborts any more. */
  end(): void {
    this.#isOver = true;
    this.#cancelDeadline();
  }

  #startDeadline(): void {
    const remaining = this.remainingMs();
    if (remaining === null || this.#isOver) return;
    // A gateway that has the head waits for an event stream as long as it takes; one that does not closes the connection.
    const fire = (): void => {
      if (!this.#hasBegun()) this.abort(new DOMException('the gateway has stopped waiting', 'TimeoutError'));
    };
    this.#cancelDeadline = this.#clock.after(remaining, fire);
  }
}

function textOf(headers: IncomingHttpHeaders, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}
