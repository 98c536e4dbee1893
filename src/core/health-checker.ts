import type { EndpointProtocol, ProxyProtocolVersion, UpstreamTls } from './upstream-spec.ts';
import type { Cancellable } from './connector.ts';
import type { EndpointAddress } from './endpoint.ts';
import type { ServerCertificate } from './transport.ts';
import type { Failure } from '#failures/failure.ts';

/**
 * Checks one address once. `upstream/health-check.ts` implements it with the connections and the parser that requests use, so
 * that a check and a request treat every answer alike. Discovery and deploy decide what a result means, and when the next check runs.
 */
export interface HealthChecker {
  /** Calls `onResult` exactly once, within the time limit of the request, unless the caller cancels first. */
  check(request: HealthCheckRequest, onResult: (result: HealthCheckResult) => void): Cancellable;
}

/** The address to connect to. */
export interface HealthCheckTarget {
  readonly address: EndpointAddress;
  /** The name that was resolved to the address; absent where the address is literal. */
  readonly name?: string;
  /** An address of the same name in the other family, tried when the first does not answer at once (RFC 8305). */
  readonly secondAddress?: string | null;
  readonly tls: UpstreamTls | null;
  /** The endpoint expects this header before anything else. The check is for no client. Absent: it expects none. */
  readonly proxyProtocol?: ProxyProtocolVersion;
  /** What is spoken with the endpoint, as by requests; absent: http1. */
  readonly protocol?: EndpointProtocol;
}

export interface HealthCheckRequest extends HealthCheckTarget {
  /** A connection, a GET of a path, or a call of grpc.health.v1. */
  readonly probe: { readonly kind: 'tcp' } | HttpProbe | GrpcProbe;
  /** For everything: lookup, connection, handshake, response. */
  readonly timeoutMs: number;
}

export interface HttpProbe {
  readonly kind: 'http';
  readonly path: string;
  /** The Host header; null: that of a request to this target. */
  readonly host: string | null;
  readonly userAgent: string;
  /** Further headers. */
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** How many bytes of the body the result has at most; absent: 512. */
  readonly keptBytesMax?: number;
  /**
   * Ends after the head of the response, or reads its body too: a body that breaks is then a failure. `advice`: reads the body where it is
   * `application/health+json`; one that breaks, or does not come in time, is no failure.
   */
  readonly reads: 'head' | 'body' | 'advice';
  /** The headers of the response that the result has; lowercase. */
  readonly readsHeaders?: readonly string[];
}

/** Always over HTTP/2. */
export interface GrpcProbe {
  readonly kind: 'grpc';
  /** '': the whole server. */
  readonly service: string;
  readonly host: string | null;
  readonly userAgent: string;
}

/** What a call of grpc.health.v1 came to. */
export interface GrpcAnswer {
  /** The status of the call; null: there was none. */
  readonly code: number | null;
  /** What the server says of the service, such as 'SERVING'; null: nothing that can be read. */
  readonly serving: string | null;
}

/** What a check observed. Whether that is healthy is the caller's decision. */
export type HealthCheckResult =
  /** A TCP probe: the connection was accepted. `address` is the one that accepted it. */
  | { readonly kind: 'connected'; readonly address: string; readonly certificate?: ServerCertificate }
  | {
      readonly kind: 'answered';
      readonly address: string;
      readonly status: number;
      readonly location: string | null;
      /** Bytes of the body, at most 512 or `keptBytesMax`; empty if only the head was read. */
      readonly firstBytes: Uint8Array;
      /** Those of `readsHeaders` that the response has. */
      readonly headers?: ReadonlyMap<string, string>;
      /** `firstBytes` are `application/health+json`. */
      readonly isAdvice?: true;
      /** Of a gRPC probe. */
      readonly grpc?: GrpcAnswer;
      /** That of the endpoint, with TLS. */
      readonly certificate?: ServerCertificate;
    }
  /** `status`: that of the head, if one came in time. */
  | {
      readonly kind: 'timed_out';
      readonly limitMs: number;
      readonly connected: boolean;
      readonly status: number | null;
    }
  /** `firstBytes`: of the received bytes, at most 512; empty if the probe reads only heads. */
  | { readonly kind: 'failed'; readonly failure: Failure; readonly firstBytes: Uint8Array };
