import type { RouteId, UpstreamId } from './endpoint.ts';
import type { FeatureSpecs } from './feature.ts';
import type { PathMatch } from './path-match.ts';
import type { RequestCondition } from './request-condition.ts';
import type { HashKey } from './upstream-spec.ts';

/** How the gateway's own responses are created. */
export interface AnswerSettings {
  /** Whole HTML documents by status ('502') or 'default', with the placeholders of `page-template.ts`. */
  readonly errorPages: Readonly<Record<string, string>>;
  readonly disclosure: Disclosure;
}

export interface RouteSpec extends AnswerSettings {
  readonly id: RouteId;
  readonly match: RouteMatch;
  readonly action: RouteAction;
  readonly rewrite: RouteRewrite;
  readonly requestHeaders: HeaderEdits;
  readonly responseHeaders: ResponseHeaderEdits;
  readonly timeouts: Timeouts;
  readonly tunnel: TunnelSpec;
  /** How long a response may be held, so that a failure in it can still be answered with an error; 0: it is forwarded at once. */
  readonly commitDelayMs: number;
  readonly buffer: BufferSpec;
  /** What it says of features; absent: of none. */
  readonly features?: FeatureSpecs;
}

export type RequestPriority = 'high' | 'normal' | 'low';

/** How exchanges of a route are retried. */
export interface RetrySpec {
  /** Attempts per exchange, including the first; null: as many as its upstream says. */
  readonly attemptsMax: number | null;
  /** Statuses of endpoints after which another attempt is made. */
  readonly statuses: readonly number[];
  /** From the time when a request is sent until the head of its response has come; null: no limit. */
  readonly attemptMs: number | null; // attempt_timeout
  /** Full jitter: a retry waits for a time drawn from 0 to this, twice as much for each further retry, and `backoffMaxMs` at most. */
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  /** A request with an Idempotency-Key is retried as if its method were idempotent. */
  readonly idempotencyKey: boolean;
  /** Endpoints are told the number of the attempt and how long its response is waited for. */
  readonly attemptHeaders: boolean;
  /** A second attempt is made beside one of a GET or HEAD that takes longer than most. */
  readonly hedge: boolean;
}

/** How much of a body waits in the gateway, so that a slow client holds no connection to an endpoint. */
export interface BufferSpec {
  /** Bytes of a request's body that come before an endpoint is chosen; 0: none. */
  readonly requestBytesMax: number;
  /** How long they are waited for where the length of the body is not known. */
  readonly requestWaitMs: number;
  /** Bytes of a response that wait for its client before the endpoint must wait; 0: none. */
  readonly responseBytesMax: number;
}

/** For requests that become tunnels, such as WebSockets. */
export interface TunnelSpec {
  /** How long both sides may be silent; with pings, each of them. */
  readonly idleMs: number; // tunnel_idle
  /** How long a side of a WebSocket may be silent before the gateway pings it; null: the gateway sends no pings. */
  readonly pingMs: number | null;
}

/** What responses show of a failure: its type, or also endpoint and detail. */
export type Disclosure = 'public' | 'operator';

export interface RouteMatch {
  /** Lowercase; '*.example.org' matches any subdomain; empty: any host. */
  readonly hosts: readonly string[];
  /** '/' matches everything; '/api' matches '/api' and '/api/…', not '/apiary'. */
  readonly pathPrefix: string;
  /** Those below it that match; absent: all. */
  readonly paths?: readonly PathMatch[];
  /** Empty: any method. */
  readonly methods: readonly string[];
  /** What else must hold; absent: nothing. */
  readonly conditions?: readonly RequestCondition[];
}

/** Whether matching needs the engine of regular expressions. */
export function hasPattern({ hosts, paths = [], conditions }: RouteMatch): boolean {
  return (
    hosts.some((host) => host.startsWith('~ ')) ||
    paths.some(({ kind }) => kind === 'pattern') ||
    (conditions !== undefined && /"kind":"pattern"|"~ /.test(JSON.stringify(conditions)))
  );
}

export interface HeaderMatch {
  /** Lowercase. */
  readonly name: string;
  /** Null: present with any value. */
  readonly value: string | null;
}

export type RouteAction =
  /** With `split`, `upstream` is the one that gets the most requests. */
  | { readonly kind: 'upstream'; readonly upstream: UpstreamId; readonly split?: SplitSpec }
  /** One of its features answers. */
  | { readonly kind: 'feature'; readonly feature: string };

/** How the requests of a route are divided between upstreams. */
export interface SplitSpec {
  /** Two at least. With the weight 0 an upstream gets no requests; one has another weight. */
  readonly shares: readonly { readonly upstream: UpstreamId; readonly weight: number }[];
  /** Requests with the same value go to the same upstream; null: each request is drawn. */
  readonly by: HashKey | null;
}

/** All that requests may go to. */
export function upstreamsOf(action: RouteAction): readonly UpstreamId[] {
  if (action.kind !== 'upstream') return [];
  return action.split?.shares.map(({ upstream }) => upstream) ?? [action.upstream];
}

/** As the file has it: 'upstream', or the key of the feature that answers. */
export function actionName(action: RouteAction): string {
  return action.kind === 'upstream' ? 'upstream' : action.feature;
}

interface RouteRewrite {
  /** Replaces the matched prefix; null leaves the path. */
  readonly pathPrefix: string | null;
  /** 'client': forwards the client's Host; 'endpoint': sends the endpoint's own; otherwise this value. */
  readonly host: string;
}

/** Values may have variables (`template.ts`). */
export interface HeaderEdits {
  readonly remove: readonly string[];
  /** Replaces every line of that name. */
  readonly set: readonly (readonly [name: string, value: string])[];
  readonly add: readonly (readonly [name: string, value: string])[];
}

export interface ResponseHeaderEdits extends HeaderEdits {
  /** Where the response has no line of that name; absent: there are none. */
  readonly ifAbsent?: readonly (readonly [name: string, value: string])[];
}

/** How the gateway answers requests that no route takes. */
export interface UnroutedSettings extends AnswerSettings {
  /** Absent: there are none. */
  readonly responseHeaders?: ResponseHeaderEdits;
}

/** In milliseconds; each with the failure that it causes. */
export interface Timeouts {
  readonly dnsMs: number; // dns_timeout; the shortest of all routes to an upstream applies to its names
  readonly connectMs: number; // connect_timeout
  readonly tlsMs: number; // tls_timeout
  readonly responseHeadMs: number; // response_head_timeout
  readonly idleMs: number; // response_head_stalled, response_body_stalled, request_write_timeout
  /** The whole exchange; null: no limit. */
  readonly exchangeMs: number | null; // exchange_timeout
}
