import type { EndpointState, InstanceExit } from './endpoint.ts';
import type { Failure } from './failure.ts';
import type { HttpVersion } from './message.ts';
import type { Delivery } from './shape.ts';
import type { Instant } from './time.ts';
import type { TlsFacts } from './transport.ts';

/** How an exchange ended. There is no fifth way. */
export type EndKind =
  | 'forwarded' // the endpoint's response reached the client whole
  | 'generated' // the gateway made the response itself (RFC 9209 §2.1.1)
  | 'truncated' // the response had begun, so it could only be cut short (RFC 9112 §8)
  | 'abandoned'; // the client left first

/** Who asked. */
export interface ClientFacts {
  /** After the trusted peers' word was taken for it (Forwarded, X-Forwarded-For, PROXY protocol). */
  readonly address: string;
  readonly port: number;
  /** The other end of the connection itself. */
  readonly peerAddress: string;
  readonly trusted: boolean;
  readonly scheme: 'http' | 'https';
  readonly tls: TlsFacts | null;
  readonly listener: string;
}

/** Why no further attempt was made, or why one was. The record keeps it for every attempt. */
export type RetryReason =
  | 'nothing_sent' // again: no byte can have reached the endpoint
  | 'idempotent' // again: repeating does no harm
  | 'refused_by_peer' // again: the endpoint said it did not process it
  | 'accepted' // no: the answer stands
  | 'committed' // no: the client has part of a response
  | 'fails_anywhere' // no: another endpoint would do no better, or it is not an endpoint that failed
  | 'client_left' // no: nobody is left to get an answer
  | 'not_idempotent' // no: it may have been executed
  | 'attempts_spent'
  | 'budget_spent' // no: too much of the upstream's load is repetitions already
  | 'nowhere_else'
  | 'no_time_left' // no: a limit has run out, and the client has waited for it
  | 'content_not_held'; // no: the content has gone and was not kept

/** One try at one endpoint. Times are milliseconds since the exchange began, −1 where the stage was not reached. */
export interface AttemptFacts {
  readonly endpoint: string;
  readonly address: string;
  readonly endpointState: EndpointState;
  /** The address was the last one known of a name that does not vouch for it any more. */
  readonly addressStale?: boolean;
  readonly reused: boolean;
  readonly idleMs: number;
  readonly localPort: number;
  readonly startedMs: number;
  /** It had waited for a place among the connections, and got one. */
  readonly queuedMs?: number;
  readonly dnsMs: number;
  readonly connectedMs: number;
  readonly tlsMs: number;
  readonly sentMs: number;
  readonly headMs: number;
  readonly endedMs: number;
  /** The endpoint's final status; 0 when none came. */
  readonly status: number;
  readonly failure: Failure | null;
  /** The exit of the instance, where it came within 2 s of the failure. */
  readonly exit: InstanceExit | null;
  readonly retry: boolean;
  readonly retryReason: RetryReason;
}

/** How a tunnel ended, and who ended it. */
export interface TunnelFacts {
  /** As the 101 response names it. */
  readonly protocol: string;
  readonly how:
    | 'closed' // in order: a close frame (WebSocket), or both directions by FIN (other protocols)
    | 'unclosed' // a WebSocket without a close frame
    | 'reset'
    | 'exit' // the process of the instance ended
    | 'drained' // the gateway, or the listener, was to stop
    | 'idle' // nothing came for too long
    | 'failed'; // anything else: the exchange's failure says what
  readonly by: 'client' | 'application' | 'gateway';
  /** The status code of the first close frame (RFC 6455 §7.4); 0 where there was none. */
  readonly closeCode: number;
}

/** What the recorder reads of an exchange that has ended. `exchange/exchange.ts` has these fields. */
export interface EndedExchange {
  readonly id: string;
  /** '' where the request belongs to no trace. */
  readonly traceId: string;
  readonly startedWall: number;
  readonly startedAt: Instant;
  readonly endedAt: Instant;
  readonly revision: number;
  /** '' before a route was found. */
  readonly route: string;
  readonly upstream: string;
  readonly application: string;
  readonly release: string;
  readonly client: ClientFacts;
  readonly method: string;
  readonly authority: string;
  readonly target: string;
  readonly version: HttpVersion;
  readonly attempts: readonly AttemptFacts[];
  /** The status that was sent; 0 when none was. */
  readonly statusSent: number;
  /** The status that the endpoint sent; 0 when none came. */
  readonly statusReceived: number;
  readonly end: EndKind;
  /** It became a tunnel, and ended like this; `bytes…` are those of the tunnel. Null for every other exchange. */
  readonly tunnel: TunnelFacts | null;
  readonly failure: Failure | null;
  readonly delivery: Delivery;
  /** Content bytes, without heads and framing. */
  readonly bytesFromClient: number;
  readonly bytesToClient: number;
}
