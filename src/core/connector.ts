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
  onResolveFailed(fault: WorldFault): void;
}

export type ConnectTarget =
  | { readonly kind: 'tcp'; readonly address: string; readonly port: number; readonly tls: TlsTarget | null }
  | { readonly kind: 'unix'; readonly path: string; readonly tls: TlsTarget | null };

export interface TlsTarget {
  readonly serverName: string;
  readonly verify: boolean;
  readonly ca: string | null;
}

export interface ConnectWaiter {
  /** The TCP connection stands; with TLS, the handshake begins. */
  onTransportConnected(): void;
  onConnected(transport: Transport): void;
  onConnectFailed(fault: WorldFault): void;
}

/**
 * An error of the world, read once: by its code and typed fields, never by its message.
 * `transport/errno.ts` is the only place that makes one.
 */
export interface WorldFault {
  readonly stage: 'dns' | 'connect' | 'tls';
  /** 'ECONNREFUSED', 'ENOTFOUND', 'CERT_HAS_EXPIRED', 'ERR_SSL_…'; '' when the error had none. */
  readonly code: string;
  /** TLS alert number that the peer sent; null otherwise. */
  readonly alertId: number | null;
}
