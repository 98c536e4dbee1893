import type { ContentKind } from './content-kind.ts';
import type { EndpointState } from './endpoint.ts';
import type { InstanceExit } from '#failures/instance-exit.ts';
import type { Failure } from '#failures/failure.ts';
import type { HttpVersion } from './message.ts';
import type { Delivery } from '#failures/shape.ts';
import type { EndpointRelease } from './endpoint-release.ts';
import type { Instant } from './time.ts';
import type { LocalAddress, TlsFacts } from './transport.ts';

/** How an exchange ended. */
export type EndKind =
  | 'forwarded' // the endpoint's response reached the client whole
  | 'generated' // the gateway made the response itself (RFC 9209 §2.1.1)
  | 'truncated' // the response had begun and was aborted (RFC 9112 §8); without a status: the gateway ended the client's stream or connection
  | 'abandoned'; // the client left first

/** Facts about the client of an exchange. */
export interface ClientFacts {
  /** The address that trusted peers give (Forwarded, X-Forwarded-For, PROXY protocol), else the peer's. */
  readonly address: string;
  readonly port: number;
  /** The address of the other end of the connection. */
  readonly peerAddress: string;
  readonly trusted: boolean;
  readonly scheme: 'http' | 'https';
  /** The scheme of the connection itself, whatever a trusted peer says of the client's. */
  readonly peerScheme: 'http' | 'https';
  readonly tls: TlsFacts | null;
  /** The gateway's end of the connection; on most systems its address is looked up when it is read. */
  readonly connection: LocalAddress;
  readonly listener: string;
  /** For the writer of records alone: what it keeps to write the next record of this client sooner. */
  recordCache: object | null;
}

/** Who has authenticated at the gateway. */
export interface User {
  /** For records and people: never a secret. */
  readonly name: string;
  /** How, such as 'basic'. */
  readonly by: string;
  /** What is known beside the name, such as the claims of a token. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** `new`: the client had no session. `moved`: the endpoint of its session could not get the request. */
export type SessionChange = 'new' | 'moved';

/** Why no further attempt was made, or why one was. The record keeps it for every attempt. */
export type RetryReason =
  | 'nothing_sent' // retried: no byte can have reached the endpoint
  | 'idempotent' // retried: executing it twice does no harm
  | 'may_return' // retried: no byte was sent, and the endpoint may accept connections again soon
  | 'refused_by_peer' // retried: the endpoint reported that it did not process it
  | 'retriable_status' // retried: the route retries this status
  | 'previous_release' // retried: the release before may have what the new one has not
  | 'hedged' // another attempt was made beside it
  | 'superseded' // no: the response of another attempt came first
  | 'accepted' // no: the response is passed on
  | 'committed' // no: the client has part of a response
  | 'fails_anywhere' // no: another endpoint would do no better, or it is not an endpoint that failed
  | 'client_left' // no: the client has left
  | 'not_idempotent' // no: it may have been executed
  | 'attempts_spent'
  | 'budget_spent' // no: too much of the upstream's load is retries already
  | 'nowhere_else'
  | 'no_time_left' // no: a limit has run out, and the client has waited for it
  | 'body_not_held'; // no: the request body was sent and not kept

/** One attempt at one endpoint. Times are milliseconds since the exchange began; −1 if the stage was not reached. */
export interface AttemptFacts {
  readonly endpoint: string;
  readonly address: string;
  readonly endpointState: EndpointState;
  /** When it was chosen; null or absent: it runs no release. */
  readonly release?: EndpointRelease | null;
  /** The address is the last one known of a name that no longer resolves to it. */
  readonly addressStale?: boolean;
  /** The ALPN name of the protocol on the connection; '' or absent before there was one. */
  readonly protocol?: string;
  readonly reused: boolean;
  readonly idleMs: number;
  readonly localPort: number;
  readonly startedMs: number;
  /** When it left the queue for a connection. */
  readonly queuedMs?: number;
  readonly dnsMs: number;
  readonly connectedMs: number;
  readonly tlsMs: number;
  readonly sentMs: number;
  readonly headMs: number;
  readonly endedMs: number;
  /** The endpoint's final status; 0 if none came. */
  readonly status: number;
  /** It asks for an upgrade, which no other version has; absent: not known. */
  readonly needsHttp1?: boolean;
  /** What the content of that response is; absent: not known. */
  readonly contentKind?: ContentKind;
  /** Whether the content is encoded, so that its size says little; absent: not. */
  readonly isEncoded?: boolean;
  /** The client cannot read it: it is in a coding that the client has not asked for, or is not what its head says; absent: it can, as far as is known. */
  readonly isUnreadable?: boolean;
  /** A 304 or 206 that the request did not allow: see `isUnasked`; absent: not. */
  readonly isUnasked?: boolean;
  /** The last byte of the content; absent: not known. */
  readonly lastByte?: number;
  /** Of a redirect: see `targetCell`; absent: not known. */
  readonly redirectCell?: number;
  /** Bytes that came with the end of the response, behind it; 0 or absent: none. */
  readonly surplusBytes?: number;
  /** The beginning of what the application has written to STDERR for this request; '' or absent: nothing, or its protocol has no STDERR. */
  readonly errorText?: string;
  /** Bytes of the request's body that were given to the connection, and of the response's that came; absent: none. Without framing. */
  readonly bytesToEndpoint?: number;
  readonly bytesFromEndpoint?: number;
  /** Retry-After of a response with status 429; null or absent: another status, or none. */
  readonly retryAfter?: string | null;
  readonly failure: Failure | null;
  /** The exit of the instance's process, if it occurred within 2 s of the failure. */
  readonly exit: InstanceExit | null;
  readonly retry: boolean;
  readonly retryReason: RetryReason;
  /** Another attempt was to follow, and this is why no endpoint got it; null or absent: none was to, or one got it. */
  readonly noneReady?: Failure | null;
}

/** How a tunnel ended, and which side ended it. */
export interface TunnelFacts {
  /** As the 101 response names it. */
  readonly protocol: string;
  readonly how:
    | 'closed' // orderly: by a close frame (WebSocket), or by FIN in both directions (other protocols)
    | 'unclosed' // a WebSocket without a close frame
    | 'reset'
    | 'exit' // the process of the instance ended
    | 'drained' // the gateway or the listener stopped
    | 'idle' // no bytes for the idle timeout
    | 'failed'; // in another way: see the exchange's failure
  readonly by: 'client' | 'application' | 'gateway';
  /** The status code of the first close frame (RFC 6455 §7.4); 0 if there was none. */
  readonly closeCode: number;
}

/** The span of an exchange. The spans of its attempts are below it (`attemptSpanId`). */
export interface SpanFacts {
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** The caller's span; '' if the gateway has begun the trace. */
  readonly parentId: string;
  /** Trace flags of W3C Trace Context, two hexadecimal digits. */
  readonly flags: string;
}

/** The upstream of an attempt: a request that is divided between upstreams may be sent again to another one. */
export function upstreamOfAttempt({ upstream, attempts }: EndedExchange, { endpoint }: AttemptFacts): string {
  const slash = attempts.length === 1 ? -1 : endpoint.indexOf('/');
  return slash === -1 ? upstream : endpoint.slice(0, slash);
}

/** An exchange that has ended, as the recorder reads it. `exchange/exchange.ts` implements it. */
export interface EndedExchange {
  readonly id: string;
  /** '' if the request belongs to no trace. */
  readonly traceId: string;
  /** Null or absent: the gateway makes no spans. */
  readonly span?: SpanFacts | null;
  readonly startedWall: number;
  readonly startedAt: Instant;
  readonly endedAt: Instant;
  readonly revision: number;
  /** '' before a route was found. */
  readonly route: string;
  readonly upstream: string;
  readonly application: string;
  /** What the last endpoint runs; null: no release. */
  readonly release: EndpointRelease | null;
  readonly client: ClientFacts;
  readonly method: string;
  readonly authority: string;
  readonly target: string;
  readonly version: HttpVersion;
  /** Of the header lines of the request; absent: not known. */
  readonly headBytes?: number;
  /** The length of its body as its head gives it; 0 or absent: it gives none. */
  readonly announcedBytes?: number;
  /** For how many milliseconds filters of the route have suspended the request; −1 where none has. */
  readonly filterMs?: number;
  /** For how many milliseconds the request has waited for its body before it got a connection; −1 where it has not, or less than 1 ms. */
  readonly bodyMs?: number;
  /** How long the request has waited until an endpoint was ready; −1 or absent: it has not. */
  readonly waitedMs?: number;
  /** What has become of the client's session at an endpoint; null or absent: it has none, or it stays. */
  readonly session?: SessionChange | null;
  /** Who has authenticated at the gateway; null or absent: nobody has. */
  readonly user?: User | null;
  /** The client got a page of the route in place of the body of the application; absent: it did not. */
  readonly pageReplaced?: boolean;
  /** The upstream that was drawn for the request, where another one has got it; '' or absent: none was, or `upstream`. */
  readonly drawnUpstream?: string;
  /** How long the request has waited for its turn, because requests in flight are bounded, or because its address has flooded the gateway; −1 or absent: it has not. */
  readonly turnMs?: number;
  /** The request headers that the configuration wants in the record; null or absent if it wants none, or the request has none of them. */
  readonly recordedHeaders?: Readonly<Record<string, string>> | null;
  /** What the log has of its route; null or absent: everything. */
  readonly recording?: { readonly share: number } | null;
  /** The values that its route has for records; null or absent: none. */
  readonly recordedFields?: Readonly<Record<string, string>> | null;
  readonly attempts: readonly AttemptFacts[];
  /** The status that was sent; 0 when none was. */
  readonly statusSent: number;
  /** The status that the endpoint sent; 0 when none came. */
  readonly statusReceived: number;
  /** gRPC's status of a gRPC response; −1: it came without one; null or absent: it is none. */
  readonly grpcStatus?: number | null;
  readonly endKind: EndKind;
  /** How the tunnel ended that the exchange became; `bytes…` are then the tunnel's. Null for every other exchange. */
  readonly tunnel: TunnelFacts | null;
  readonly failure: Failure | null;
  readonly delivery: Delivery;
  /** Body bytes, without heads and framing. */
  readonly bytesFromClient: number;
  readonly bytesToClient: number;
}
