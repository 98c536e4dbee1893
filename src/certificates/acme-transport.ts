import type { Result } from '#failures/result.ts';

/** How requests reach a CA: an effect, as an interface. `HttpsTransport` sends them; tests simulate a CA. */
export interface AcmeTransport {
  /** Never rejects. Follows no redirect. Gives up when `signal` is aborted. */
  send(request: AcmeRequest, signal: AbortSignal): Promise<Result<AcmeResponse, TransportFailure>>;
}

export interface AcmeRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

export interface AcmeResponse {
  readonly status: number;
  /** Names in lowercase. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Why there is no response. */
export interface TransportFailure {
  readonly reason: TransportFailureReason;
  /** The code of the system or of the TLS library, such as 'ECONNREFUSED'; '' without one. */
  readonly code: string;
}

export type TransportFailureReason =
  | 'refused'
  | 'unreachable'
  | 'name_not_found'
  | 'reset'
  | 'timeout'
  /** The server's certificate is not trusted, or is for another name. */
  | 'certificate'
  /** By this machine's clock the server's certificate is not valid yet, or no longer. */
  | 'certificate_time'
  | 'tls'
  /** The response is no HTTP, or is too large. */
  | 'garbage';
