import type { AnswerSettings, Timeouts } from '../core/configuration.ts';
import type { EndpointState, InstanceExit } from '../core/endpoint.ts';
import type { EndedExchange } from '../core/exchange.ts';
import type { Failure } from '../core/failure.ts';
import type { FieldFilter } from '../core/field-names.ts';
import type { FilterPipeline } from '../core/filter.ts';
import type { FieldSink, RequestHead } from '../core/message.ts';
import type { ReusePolicy, PendingStream, StreamWaiter } from '../core/stream.ts';
import type { TextRedactor } from '../core/redact/text-redactor.ts';
import type { Clock } from '../core/time.ts';
import type { RequestFacts } from '../policy/balancer.ts';

/** What the journey needs from the other rooms. `gateway/` plugs the real ones in, tests their own. */
export interface ExchangePorts {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly recorder: Recorder;
}

export interface Ids {
  /** A new request id: UUIDv7 (RFC 9562 §5.7). */
  requestId(wallTime: number): string;
  /** Writes the traceparent field (W3C Trace Context) of a new span of the trace. */
  writeTraceparent(sink: FieldSink, traceId: string, flags: string): void;
}

export interface Recorder {
  /** Called exactly once per exchange. */
  ended(exchange: EndedExchange): void;
}

/** One configuration revision in force. An exchange keeps the one it began with. */
export interface ServingRevision {
  readonly revision: number;
  /** The name in Proxy-Status. */
  readonly deployment: string;
  /** The name in Via and CDN-Loop, by which a request is known that comes back. */
  readonly hopName: string;
  /** The gateway is about to end: whoever sends it requests had better turn elsewhere. */
  readonly stopping: boolean;
  /** Takes secrets out of what answers tell operators. */
  readonly redactor: TextRedactor;
  readonly router: Router;
  /** For answers to requests that no route has got. */
  readonly unrouted: AnswerSettings;
}

export interface Router {
  route(request: RequestHead): Route | null;
}

/** A route, made ready: what can be worked out before a request comes has been. */
export interface Route extends AnswerSettings {
  readonly id: string;
  /** Null: one of the filters answers. */
  readonly upstream: Upstream | null;
  /** Null: there are none. */
  readonly filters: FilterPipeline | null;
  readonly timeouts: Timeouts;
  readonly commitDelayMs: number;
  readonly request: RequestFieldChange;
  readonly response: FieldChange;
  /** 'client', 'endpoint', or the host to name. */
  readonly host: string;
  /** The target as the endpoint shall see it. */
  rewrite(target: string): string;
}

export interface RequestFieldChange extends FieldChange {
  /** In place of `drop`, where a trusted peer sent the request. */
  readonly dropOfTrusted: FieldFilter;
}

/** What a route takes from a field section, and what it puts there. */
export interface FieldChange {
  readonly drop: FieldFilter;
  readonly lines: readonly (readonly [name: string, value: string])[];
}

export interface Upstream {
  readonly id: string;
  /** '' for configured addresses. */
  readonly application: string;
  readonly attemptsMax: number;
  readonly secure: boolean;
  /** The request's facts are what a balancer may go by, such as a header; they are read during the call. */
  choose(tried: readonly Endpoint[], request: RequestFacts): Endpoint | null;
  hasOther(tried: readonly Endpoint[]): boolean;
  /** Whether one more request that may have been executed may be repeated; it is then counted. */
  mayRetry(): boolean;
  unavailable(): Failure;
}

export interface Endpoint {
  readonly id: string;
  readonly address: string;
  /** What a request names as its host where it is to name the endpoint's own. */
  readonly authority: string;
  readonly state: EndpointState;
  /** The last address known of a name whose lookup has failed since, or that leads elsewhere. */
  readonly addressStale?: boolean;
  readonly exit: InstanceExit | null;
  readonly release: string | null;
  acquire(waiter: StreamWaiter, limits: Timeouts, reusePolicy: ReusePolicy): PendingStream | null;
}
