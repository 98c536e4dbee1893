import type { UpstreamTls } from './configuration.ts';
import type { Stage } from './stage.ts';
import type { Transport } from './transport.ts';

/** How connections to endpoints come to be: the effects that `upstream/` needs, as an interface. */
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

export type ConnectTarget =
  | { readonly kind: 'tcp'; readonly address: string; readonly port: number; readonly tls: TlsTarget | null }
  | { readonly kind: 'unix'; readonly path: string; readonly tls: TlsTarget | null };

export interface TlsTarget {
  /** The name to ask for, and the one that the certificate must bear. */
  readonly serverName: string;
  /** One object for as long as the settings stand: what is expensive is made once for each. */
  readonly settings: UpstreamTls;
}

export interface ConnectWaiter {
  /** The TCP connection stands; with TLS, the handshake begins. */
  onTransportConnected(): void;
  onConnected(transport: Transport): void;
  onConnectFailed(fault: NetworkFault): void;
}

/**
 * An error of the world, read once: by its code and typed fields, never by its message.
 * `transport/errno.ts` is the only place that makes one.
 */
export interface NetworkFault {
  readonly stage: 'dns' | 'connect' | 'tls';
  /** 'ECONNREFUSED', 'ENOTFOUND', 'CERT_HAS_EXPIRED', 'ERR_SSL_…', or one of `tls-codes.ts`; '' when there is none. */
  readonly code: string;
  /** TLS alert number that the peer sent; null otherwise. */
  readonly alertId: number | null;
  /** In hexadecimal, at most 64: what the peer sent first in place of a handshake. Absent where it spoke TLS. */
  readonly firstBytes?: string;
  /** What the peer showed, where that is what was wrong. */
  readonly certificate?: CertificateFacts;
}

/** A code that none of our tables knows, and where it came up: counted, and a defect of ours. */
export interface UnknownCode {
  readonly stage: Stage;
  readonly code: string;
}

/** A certificate as its evidence is kept: the peer's own words, cut to a length that a record can bear. */
export interface CertificateFacts {
  readonly subject: string;
  readonly issuer: string;
  /** 'app.internal, 10.0.0.1' */
  readonly names: string;
  /** It is not the peer's own but one above it, which vouches for it. */
  readonly vouches: boolean;
  /** RFC 3339; '' where it cannot be read. */
  readonly notBefore: string;
  readonly notAfter: string;
}
