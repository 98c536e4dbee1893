import type { UpstreamTls } from './upstream-spec.ts';
import type { Stage } from '#failures/stage.ts';
import type { Transport } from './transport.ts';

/** Looks up names and connects to endpoints: the effects that `upstream/` needs, as an interface. */
export interface Connector {
  resolve(name: string, waiter: ResolveWaiter): Cancellable;
  connect(target: ConnectTarget, waiter: ConnectWaiter): Cancellable;
}

export interface Cancellable {
  cancel(): void;
}

export interface ResolveWaiter {
  /** At least one literal address. */
  onResolved(addresses: readonly string[]): void;
  onResolveFailed(fault: NetworkFault): void;
}

export type ConnectTarget = ConnectPreface &
  (
    | { readonly kind: 'tcp'; readonly address: string; readonly port: number }
    | { readonly kind: 'unix'; readonly path: string }
  );

interface ConnectPreface {
  readonly tls: TlsTarget | null;
  /** Sent in clear text as soon as the connection is established, before any other byte; absent or null: nothing. */
  readonly header?: Uint8Array | null;
}

export interface TlsTarget {
  /** Sent as SNI, and the name that the certificate must have. */
  readonly serverName: string;
  /** The same object while the settings are unchanged, so that a TLS context is made once for each. */
  readonly settings: UpstreamTls;
  /** ALPN names that are offered (RFC 7301), the preferred one first. */
  readonly protocols: readonly string[];
  /** What the peer is asked in clear text before the handshake, and the one byte by which it agrees; absent: it begins with TLS. */
  readonly startTls?: { readonly ask: Uint8Array; readonly agreed: number };
}

export interface ConnectWaiter {
  /** The TCP connection is established; with TLS, the handshake begins. */
  onTransportConnected(): void;
  onConnected(transport: Transport): void;
  onConnectFailed(fault: NetworkFault): void;
}

/**
 * A network error, read once by its code and typed fields, never by its message. Only `transport/errno.ts` creates one.
 */
export interface NetworkFault {
  readonly stage: 'dns' | 'connect' | 'tls';
  /** 'ECONNREFUSED', 'ENOTFOUND', 'CERT_HAS_EXPIRED', 'ERR_SSL_…', or one of `tls-codes.ts`; '' when there is none. */
  readonly code: string;
  /** The number of the TLS alert that the peer sent; null if it sent none. */
  readonly alertId: number | null;
  /** The first bytes, at most 64, in hexadecimal, that the peer sent instead of a handshake. Absent if it spoke TLS. */
  readonly firstBytes?: string;
  /** The peer's certificate, if the certificate was the reason. */
  readonly certificate?: CertificateFacts;
}

/** An error code that no table has, and the stage in which it occurred. It is counted, and is a defect of Candor. */
export interface UnknownCode {
  readonly stage: Stage;
  readonly code: string;
}

/** A certificate as evidence: texts of the peer, shortened to fit a record. */
export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  /** 'app.internal, 10.0.0.1' */
  readonly names: string;
  /** It is not the peer's own certificate but one of its issuers. */
  readonly isIssuer: boolean;
  /** RFC 3339; '' where it cannot be read. */
  readonly notBefore: string;
  readonly notAfter: string;
}
