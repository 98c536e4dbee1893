import type { ClientLimits } from '../core/listener-spec.ts';
import type { TlsHosts } from '../core/tls-server.ts';

/** A listener's part of the active configuration. */
export interface ListenerSettings {
  readonly id: string;
  readonly proxyProtocol: boolean;
  readonly http2: boolean;
  /** Null: connections are in clear text. */
  readonly tls: TlsHosts | null;
  readonly limits: ClientLimits;
}
