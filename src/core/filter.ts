import type { ClientFacts } from './exchange.ts';
import type { Failure } from './failure.ts';
import type { Fields, Ownership, RequestHead } from './message.ts';
import type { Clock } from './time.ts';

/**
 * What a route does besides forwarding. A route has its filters in configured order: the request passes them in that order,
 * the response in reverse. A filter is made once per route, when the route is compiled, and serves all exchanges of the route.
 * It knows no protocol version.
 *
 * A filter that throws ends its exchange with the cause `gateway_fault`, and no other exchange.
 */
export interface Filter {
  /** For messages about it: `redirect`. */
  readonly name: string;
  /** Called when the request's head has come, before an endpoint is chosen. */
  onRequestHead?(exchange: FilterContext): FilterDecision;
  /**
   * Called before the head of a response is sent: an endpoint's, or the answer of a filter further down. Answers to failures,
   * interim responses and changes of protocol do not pass filters.
   */
  onResponseHead?(exchange: FilterContext, head: FilterResponseHead): void;
  /** Makes a transform for the request's body; null: the body stays as it is. Not called for a request without a body. */
  requestBody?(exchange: FilterContext, sink: BodySink): BodyTransform | null;
  /** As `requestBody`. Not called for responses that cannot have a body: to HEAD, 204, 304. */
  responseBody?(exchange: FilterContext, head: FilterResponseHead, sink: BodySink): BodyTransform | null;
  /** The exchange has ended while this filter had suspended it; a later `resume` does nothing. */
  onCancelled?(exchange: FilterContext): void;
}

/**
 * `continue`: on to the next filter, and after the last one to an endpoint. `suspend`: the filter calls `resume` later. An
 * answer, or the answer to a failure, ends the request's way; filters that it has passed see the head and body of an answer.
 */
export type FilterDecision = 'continue' | 'suspend' | FilterAnswer | Failure;

export interface FilterAnswer {
  /** 200 to 599. */
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The exchange leaves it out where no body may follow (HEAD, 204, 304). */
  readonly body: Uint8Array;
}

/** One exchange, as its filters see it. */
export interface FilterContext {
  /** The request id. */
  readonly id: string;
  readonly request: RequestHead;
  readonly client: ClientFacts;
  /** The gateway is about to end. */
  readonly stopping: boolean;
  readonly clock: Clock;
  /** Ends the suspension by `filter`. It does nothing when that filter has not suspended the exchange, or the exchange has ended. */
  resume(filter: Filter, decision: Exclude<FilterDecision, 'suspend'>): void;
  /** What `filter` keeps of this exchange; undefined before it keeps something. */
  getState(filter: Filter): unknown;
  setState(filter: Filter, state: unknown): void;
}

/** The head of a response on its way to the client. Framing (Content-Length, Transfer-Encoding) and Connection are not part of it. */
export interface FilterResponseHead {
  status: number;
  /** All values of a header, joined by ", "; null when there is none. Names in any case. */
  get(name: string): string | null;
  /** Replaces every line of that name. */
  set(name: string, value: string): void;
  add(name: string, value: string): void;
  remove(name: string): void;
}

/**
 * Changes the bytes of one body. It writes nothing before the first `push` or `end`, may write at any time after that, and
 * finishes with `sink.end` or `sink.fail`.
 */
export interface BodyTransform {
  /** False: it has taken the bytes, and asks the sender to wait until it calls `sink.resume`. Borrowed bytes are valid during the call only. */
  push(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean;
  /** The body is complete: what is held goes out, then `sink.end`. */
  end(trailers: Fields | null): void;
  /** The sink takes bytes again. Without this method the sender goes on at once. */
  onRoom?(): void;
  /** The exchange has ended before the body: the transform lets go of what it holds. */
  close?(): void;
}

/** Where a transform writes to: the next transform, or the client or endpoint. */
export interface BodySink {
  /** False: the sink has taken the bytes, and asks to wait for `onRoom`. */
  write(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean;
  end(trailers: Fields | null): void;
  /** The transform takes bytes again, after a `push` that returned false. */
  resumeInput(): void;
  fail(failure: Failure): void;
}

/** The filters of a route, compiled with it. A route without filters has null in its place. */
export interface FilterPipeline {
  /** In configured order. */
  readonly filters: readonly Filter[];
  /** Whether a response body may be changed, so that its length is not known before. */
  readonly changesResponseBody: boolean;
}
