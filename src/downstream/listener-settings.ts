import type { ClientLimits } from '../core/configuration.ts';

/** A listener's part of the active configuration. */
export interface ListenerSettings {
  readonly id: string;
  readonly proxyProtocol: boolean;
  readonly limits: ClientLimits;
}
