import type { ClientFacts, SessionChange, User } from './exchange.ts';
import type { Failure } from '#failures/failure.ts';
import type { Framing, MessageHeaders, Ownership, RequestHead, ResponseHead } from './message.ts';
import type { UpstreamStream } from './stream.ts';
import type { Clock } from './time.ts';
import type { VariableSource } from './variables.ts';

/**
 * The order in which requests pass filters, whoever has them; responses pass them in reverse. Within a stage: those of the overlay, of listeners, of
 * the route's features, then of its action.
 */
export const filterStages = [
  /** What codes bodies: requests pass it before anything reads them, responses after all others. */
  'coding',
  /** Which addresses may ask at all. */
  'network',
  /** What operators have closed or paused. */
  'maintenance',
  /** Before anything reads what clients should send over TLS alone. */
  'https',
  /** Of CORS: it has no credentials. */
  'preflight',
  'address_rate',
  'authentication',
  'identity_rate',
  'rewrite',
  /** What answers in place of an endpoint. */
  'action',
] as const;

export type FilterStage = (typeof filterStages)[number];

/**
 * Something that a route does besides forwarding. The request passes the filters of its route in the order of their stages, the response
 * in reverse order. A filter is created once per route, when the route is compiled, and is used for all exchanges of the route.
 * It depends on no protocol version.
 *
 * If a filter throws, only the exchange for which it was called ends, with the cause `gateway_fault`.
 */
export interface Filter {
  /** Its name in messages, for example `redirect`. */
  readonly name: string;
  /** Absent: 'action'. */
  readonly stage?: FilterStage;
  /**
   * True if the filter itself limits how long it suspends an exchange. Otherwise the limit is `timeouts.response_head` of the
   * route; when it is exceeded, the exchange fails with the cause `filter_timeout`.
   */
  readonly limitsSuspension?: boolean;
  /** By which it decides whom it lets in: the rules of two routes are the same if their JSON is. Absent: it lets everybody in. */
  readonly rules?: object;
  /** Called when the head of the request has been read, before an endpoint is chosen. */
  onRequestHead?(exchange: FilterContext): FilterDecision;
  /**
   * What the filter answers in place of an endpoint's response; null: nothing. Called before anything is done with the response, whose head is valid
   * during the call. The filter nearest to the endpoint is asked first. Not called for a response that changes the protocol.
   */
  replaceResponse?(exchange: FilterContext, response: ResponseHead): ResponseReplacement | null;
  /**
   * Called before the head of a response is sent to the client. The response is from an endpoint or from a later filter
   * (`FilterAnswer`). Error responses and interim responses do not pass filters.
   */
  onResponseHead?(exchange: FilterContext, head: FilterResponseHead): void;
  /**
   * Called before the head of a response that changes the protocol is sent to the client, such as the 101 of a WebSocket. Its status cannot be
   * changed, and no filter sees the bytes that follow.
   */
  onSwitchHead?(exchange: FilterContext, head: FilterResponseHead): void;
  /** Whether `responseBody` would change the body of the answer to a GET, also where the request is HEAD: its length is left out then. Absent: it would. */
  changesResponseBody?(exchange: FilterContext, head: FilterResponseHead): boolean;
  /** Creates a transform for the body of the request; null if the filter does not change it. Not called if there is no body. */
  requestBody?(exchange: FilterContext, sink: BodySink): BodyTransform | null;
  /** Like `requestBody`, for the response. Not called if the response cannot have a body (to HEAD, 204, 304). */
  responseBody?(exchange: FilterContext, head: FilterResponseHead, sink: BodySink): BodyTransform | null;
  /** The exchange has ended while it was suspended by this filter. A later `resume` does nothing. */
  onCancelled?(exchange: FilterContext): void;
}

/**
 * - `continue`: the next filter is asked; after the last filter an endpoint is chosen.
 * - `suspend`: the exchange waits until the filter calls `resume`.
 * - A `FilterAnswer`: no further filter is asked and no endpoint is chosen. The answer passes the earlier filters as a response.
 * - A `FilterSource`: the same, with a response that comes as a stream.
 * - A `Failure`: the same, but the error response for it passes no filter.
 */
export type FilterDecision = 'continue' | 'suspend' | FilterAnswer | FilterSource | Failure;

/** Is asked once the endpoint's response has been read to its end, or was cancelled. What it decides passes all filters as a response. */
export type ResponseReplacement = () => Exclude<FilterDecision, 'continue'>;

export interface FilterAnswer {
  /** 200 to 599. */
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** The exchange leaves it out where no body may follow (HEAD, 204, 304). */
  readonly body: Uint8Array;
}

/**
 * Answers in the place of an endpoint: the exchange sends the request to `stream`, and forwards the response as it comes. There is no
 * second attempt. The stream may end before its request is sent: then `cancel` is called.
 */
export interface FilterSource {
  readonly stream: UpstreamStream;
}

/** What a filter can see of an exchange, and do with it. */
export interface FilterContext {
  /** The request id. */
  readonly id: string;
  readonly request: RequestHead;
  /**
   * The path of the request in its normal form, without the query: the spelling by which routes are found. A filter that
   * decides by the path must use it and not `request.target`, which is spelt as the client sent it (`/%61dmin`).
   */
  readonly path: string;
  /** The same of the target as an endpoint would get it: `rewrite` of the route has been applied. */
  readonly rewrittenPath: string;
  readonly client: ClientFacts;
  /** For texts with variables (`template.ts`). */
  readonly variables: VariableSource;
  /** The pages of the route, by status, class ('5xx') or 'default'. */
  readonly errorPages: Readonly<Record<string, string>>;
  /** Whether the gateway is stopping. */
  readonly stopping: boolean;
  /** The id of the endpoint whose response it is; null before an endpoint was chosen. */
  readonly endpoint: string | null;
  /** Of the connection to it. */
  readonly endpointAddress: string | null;
  /** That the endpoint runs; null also where its application was never deployed. */
  readonly release: string | null;
  /** The response is a stream of a filter (`FilterSource`): an endpoint may have been asked before. */
  readonly isFromSource: boolean;
  /** The response is of the release before, which was asked for what the new one has not. */
  readonly isOfPrevious: boolean;
  readonly clock: Clock;
  /** Ends the suspension by `filter`. Does nothing if that filter has not suspended the exchange, or the exchange has ended. */
  resume(filter: Filter, decision: Exclude<FilterDecision, 'suspend'>): void;
  /** The endpoint does not get this header of the client. Before an endpoint is chosen. */
  removeRequestHeader(name: string): void;
  /** The endpoint gets this header with this value alone, which may have no control characters. Before an endpoint is chosen. */
  setRequestHeader(name: string, value: string): void;
  /** The endpoint does not get the cookies of these names. Before an endpoint is chosen. */
  removeRequestCookies(isRemoved: (name: string) => boolean): void;
  /** A line of the response that the gateway makes if the exchange fails, such as a cookie: error responses pass no filters. */
  addFailureHeader(name: string, value: string): void;
  /** Who the client is, as an earlier filter has found out; null: nobody has. */
  readonly user: User | null;
  /** A filter has found out who the client is: for later filters, and by its name for the record. */
  noteUser(user: User): void;
  /** For the record: the client begins a session at the endpoint, or its session moves there from another one. */
  noteSession(change: SessionChange): void;
  /** The state that `filter` has set for this exchange with `setState`; undefined if it has set none. */
  getState(filter: Filter): unknown;
  setState(filter: Filter, state: unknown): void;
}

/** The head of a response for the client, without the headers for framing (Content-Length, Transfer-Encoding) and Connection. */
export interface FilterResponseHead {
  status: number;
  /** By Content-Length; −1: not known. */
  readonly contentLength: number;
  /** As the application framed the body. */
  readonly framing: Framing;
  /** All values of a header, joined by ", "; null if the response has no such header. The case of `name` does not matter. */
  get(name: string): string | null;
  /** Replaces all lines of this name by one line. */
  set(name: string, value: string): void;
  add(name: string, value: string): void;
  remove(name: string): void;
  /** The client gets these bytes in place of the body, whose rest is not waited for. Not of a response that cannot have a body. */
  replaceBody(bytes: Uint8Array): void;
}

/**
 * Changes the bytes of one body. Its *sender* is the previous transform, or the client or endpoint that sends the body; the
 * sender calls `push` and `end`. The transform writes to its sink. It writes nothing before the first `push` or `end`, may
 * write at any time after that, and finishes with `sink.end` or `sink.fail`.
 */
export interface BodyTransform {
  /**
   * Takes the bytes in any case. Returns false if the sender must wait until the transform calls `sink.resumeSender`. Borrowed
   * bytes are valid only during the call.
   */
  push(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean;
  /** The body is complete. The transform writes the bytes that it still holds, then calls `sink.end`. */
  end(trailers: MessageHeaders | null): void;
  /**
   * The sink has room again, after a `write` that returned false. If a transform has no `onRoom`, its sender
   * is resumed as soon as the sink has room.
   */
  onRoom?(): void;
  /** The exchange has ended before the body was complete. The transform releases what it holds. */
  close?(): void;
}

/** The output of a transform: the next transform, or the client or endpoint that receives the body. */
export interface BodySink {
  /** Takes the bytes in any case. Returns false if the transform must wait for `onRoom` before it writes more. */
  write(bytes: Uint8Array, start: number, end: number, ownership: Ownership): boolean;
  end(trailers: MessageHeaders | null): void;
  /** The transform calls this when it can take bytes again, after its `push` has returned false: its sender continues. */
  resumeSender(): void;
  fail(failure: Failure): void;
}

/** The compiled filters of a route. A route without filters has null instead. */
export interface FilterPipeline {
  /** In the order in which requests pass them. */
  readonly filters: readonly Filter[];
  /** Those that may answer in place of an endpoint, nearest to it first; null: there are none. */
  readonly replacing: readonly Filter[] | null;
  /** Whether a filter may change the body of a response. Then the length of the body is not known in advance. */
  readonly changesResponseBody: boolean;
}
