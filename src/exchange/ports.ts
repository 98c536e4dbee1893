import type { BodyLimits } from '../core/body-limit.ts';
import type { AnswerSettings, BufferSpec, RequestPriority, Timeouts, TunnelSpec } from '../core/route-spec.ts';
import type { EndpointState } from '../core/endpoint.ts';
import type { InstanceExit } from '#failures/instance-exit.ts';
import type { ClientFacts, EndedExchange } from '../core/exchange.ts';
import type { Failure } from '#failures/failure.ts';
import type { HeaderFilter } from '../core/header-names.ts';
import type { FilterContext, FilterPipeline } from '../core/filter.ts';
import type { HeaderSink, RequestHead, ResponseHead } from '../core/message.ts';
import type { ReadyWaiter, ReusePolicy, PendingStream, StreamWaiter } from '../core/stream.ts';
import type { Recording } from '../core/recording.ts';
import type { TextRedactor } from '../redact/text-redactor.ts';
import type { EndpointRelease } from '../core/endpoint-release.ts';
import type { CaptureFinder } from '../core/path-match.ts';
import type { CompiledText } from '../core/template.ts';
import type { ScriptFacts } from '../core/cgi.ts';
import type { Clock } from '../core/time.ts';
import type { TargetRewrite } from '../wire/target-rewrite.ts';
import type { VariableSource } from '../core/variables.ts';
import type { RequestFacts } from '../policy/balancer.ts';
import type { RequestGate, RouteBounds } from './request-gate.ts';
import type { BufferAllowance } from './buffer-allowance.ts';
import type { ResponseValues } from '../core/response-values.ts';
import type { RetryPolicy } from './retry-policy.ts';

/** What the exchange needs from other rooms. The worker gives it the real ones, tests give their own. */
export interface ExchangePorts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly recorder: Recorder;
  readonly buffers: BufferAllowance;
  /** What a request that has come has to pass for the sake of the thread; null: nothing. Absent: no request has to. */
  readonly load?: { gate(): RequestGate | null };
  /** Keeps the beginning of some 5xx of applications; absent: nobody reads them. */
  readonly errorBodies?: ErrorBodyTaker;
}

/** Bytes of other exchanges than those that have begun are ignored. */
export interface ErrorBodyTaker {
  /** The response, a 5xx, is about to be passed on. */
  begin(exchange: EndedExchange, response: ResponseHead): void;
  add(exchange: EndedExchange, bytes: Uint8Array, start: number, end: number): void;
}

export interface Ids {
  /** A new request id: UUIDv7 (RFC 9562 §5.7). */
  requestId(wallTime: number): string;
  /** Writes the traceparent header (W3C Trace Context) of an attempt of the exchange with this span; a new span if `exchangeSpanId` is ''. */
  writeTraceparent(sink: HeaderSink, traceId: string, flags: string, exchangeSpanId: string, attempt: number): void;
  /** `bytes` random bytes in hexadecimal digits, not all zero. */
  hex(bytes: 8 | 24): string;
  /** Fills a few bytes that a peer must not foresee. */
  fill(target: Uint8Array): void;
}

interface Recorder {
  /** Called exactly once per exchange. */
  ended(exchange: EndedExchange): void;
}

/** The active configuration, in one revision. An exchange keeps the one that it began with. */
export interface ServingRevision {
  readonly revision: number;
  /** The name in Proxy-Status. */
  readonly deployment: string;
  /** The name in Via and CDN-Loop. A request that already has it has passed this gateway before. */
  readonly hopName: string;
  /** The gateway is about to end: load balancers are asked to send no more requests. */
  readonly stopping: boolean;
  /** Removes secrets from what answers tell operators. */
  readonly redactor: TextRedactor;
  /** Request headers that records have, lowercase; null or absent if they have none. */
  readonly recordedHeaderNames?: readonly string[] | null;
  /** The share of the traces that the gateway begins which is sampled; null or absent: it makes no spans, and begins no trace. */
  readonly sampledShare?: number | null;
  readonly router: Router;
  /** For answers to requests without a route. */
  readonly unrouted: AnswerSettings;
  /** Headers of those answers; absent: no further ones. */
  readonly unroutedHeaders?: ResponseHeaderChange;
}

export interface Router {
  route(request: RequestHead, client: RoutedClient): Route | null;
}

/** What a route may ask of the client. */
export type RoutedClient = Pick<ClientFacts, 'address' | 'listener' | 'scheme'>;

/** A compiled route: what can be computed before a request comes has been computed. */
export interface Route extends AnswerSettings {
  readonly id: string;
  /** Null: one of the filters answers. */
  readonly upstream: Upstream | null;
  /** Null: `upstream` gets all of its requests. */
  readonly split: RouteSplit | null;
  /** Null: there are none. */
  readonly filters: FilterPipeline | null;
  readonly timeouts: Timeouts;
  readonly tunnel: TunnelSpec;
  readonly commitDelayMs: number;
  readonly buffer: BufferSpec;
  /** Which requests are refused first while the gateway is overloaded; null: those of the route never are. */
  readonly priority: RequestPriority | null;
  /** Null: neither the route nor its upstream bounds the requests in flight. */
  readonly bounds: RouteBounds | null;
  /** Null: the route says nothing of retries. */
  readonly retry: RetryPolicy | null;
  /** Null: the limits of the listener hold, and responses have none. */
  readonly bodyLimits: BodyLimits | null;
  /** Null: the log has each of its exchanges, and no values of its own. */
  readonly recording: Recording | null;
  /** A GET or HEAD that the new release answers with 404 is asked of the release before, while that runs. */
  readonly asksPrevious: boolean;
  /** The gateway asks for itself, such as who a user is: the answer to another question must not be taken for this one. */
  readonly asksForGateway: boolean;
  readonly hop: RouteHop;
  readonly request: RequestHeaderChange;
  readonly response: ResponseHeaderChange;
  /** Null: headers of endpoints keep their values. */
  readonly responseValues: readonly ResponseValues[] | null;
  /** Which host the endpoint is told: 'client', 'endpoint', or the host to name. */
  readonly hostSent: string;
  readonly rewrite: TargetRewrite;
  /** The program that a request is for, where the filters have found one; null: the route does not look for one. */
  readonly script: ScriptOf | null;
  /** Whether the path of a target lies under the route's; null: the route takes every path, and rewrites none. */
  readonly covers: ((target: string) => boolean) | null;
  /** Null: no path of the route is a regular expression. */
  readonly capture: CaptureFinder | null;
  /** What the route removes from the beginning of paths, such as `/api`; '' if it removes nothing. */
  readonly prefixRemoved: string;
}

/** Called when the request is sent. */
export type ScriptOf = (exchange: FilterContext) => ScriptFacts | null;

/** Divides the requests of a route between upstreams. */
export interface RouteSplit {
  /** Where in the split a request lies. */
  drawn(request: RequestFacts): number;
  /** The route with the upstream that has this place. */
  routeAt(point: number): Route;
  /** The route with another upstream that is ready, and has an endpoint that was not tried; null: there is none. */
  readyBeside(point: number, tried: readonly Endpoint[]): Route | null;
}

/** What the gateway writes of a route into CDN-Loop. */
export interface RouteHop {
  /** Stands for the route; whoever does not have the configuration cannot tell which. '': nothing stands for it. */
  readonly token: string;
  /** Of the tokens: another one after a reload that changes routes. */
  readonly key: string;
  readonly member: string;
  /** The whole line, for requests that name no earlier hop. */
  readonly line: Uint8Array;
}

export interface RequestHeaderChange extends HeaderChange {
  /** In place of `drop`, where a trusted peer sent the request. */
  readonly dropOfTrusted: HeaderFilter;
  /** Fields that the gateway would write, and that the route removes or sets itself; lowercase. Null: there are none. */
  readonly edited: ReadonlySet<string> | null;
}

/** Fields that a route removes from a message, and lines that it adds. */
export interface HeaderChange {
  readonly drop: HeaderFilter;
  readonly lines: readonly CompiledLine[];
}

export type CompiledLine = readonly [name: string, value: CompiledText];

export interface ResponseHeaderChange extends HeaderChange {
  /** Where an endpoint's response has no line of that name. */
  readonly ifAbsent: readonly CompiledLine[];
  /** Lines that depend on the request, beside those of all requests; null: there are none. */
  readonly ofRequest: ResponseHeadersOf | null;
}

/** Headers for each response of a route, from an endpoint or made by the gateway; those of endpoints are removed where `drop` has them. */
export type ResponseHeadersOf = (request: VariableSource, sink: Pick<HeaderSink, 'header'>) => void;

export interface Upstream {
  readonly id: string;
  /** '' for configured addresses. */
  readonly application: string;
  readonly attemptsMax: number;
  readonly secure: boolean;
  /** A filter answers in its place: its attempt is none of an endpoint, and is not recorded. Absent: no. */
  readonly isSource?: true;
  /** The request's facts are what a balancer may go by, such as a header; they are read during the call. */
  choose(tried: readonly Endpoint[], request: RequestFacts): Endpoint | null;
  hasOther(tried: readonly Endpoint[]): boolean;
  /** Whether two releases run; absent: no. */
  readonly hasTwoReleases?: boolean;
  /** An endpoint of the release before that nothing speaks against; null: there is none. Absent: there are no releases. */
  previous?(): Endpoint | null;
  /** Whether nothing speaks against one of its endpoints; absent: it is not known. */
  readonly isReady?: boolean;
  /** Whether the retry budget allows one more retry of a request that may have been executed; it is then counted. */
  mayRetry(): boolean;
  /** A request that nothing has been sent of may wait for an endpoint that has refused it. Absent: no. */
  mayReturn?(): boolean;
  /**
   * Lets a request wait until an endpoint may get it; null if it is not to wait. `waitedMs`: for how long it has waited already.
   */
  waitUntilReady?(waiter: ReadyWaiter, waitedMs: number): { cancel(): void } | null;
  unavailable(): Failure;
}

export interface Endpoint {
  readonly id: string;
  readonly address: string;
  /** The Host of requests whose route sends the endpoint's own. */
  readonly authority: string;
  readonly state: EndpointState;
  /** The last address known of a name whose lookup has failed since, or that leads elsewhere. */
  readonly addressStale?: boolean;
  readonly exit: InstanceExit | null;
  /** All processes of its instance that a signal has stopped; null or absent: some may answer, or it is not known. */
  readonly stoppedPids?: readonly number[] | null;
  /** Null: no release. */
  readonly runs: EndpointRelease | null;
  /** An attempt there has taken so long until the head of its response came, or until it failed. */
  noteLatency?(latencyMs: number, failed: boolean): void;
  /** An attempt there was answered with a status of 500 or above. */
  noteFailure?(): void;
  acquire(waiter: StreamWaiter, limits: Timeouts, reusePolicy: ReusePolicy): PendingStream | null;
}
