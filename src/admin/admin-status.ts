import type { AdminSpec } from '../core/configuration.ts';
import { hostPort } from '../core/endpoint.ts';
import type { CertificateStatus, GatewayStatus } from '../control/gateway-status.ts';
import { fileCertificateStatus } from '../control/status.ts';
import type { AdminAddresses } from './admin-addresses.ts';

/** Where the admin API that gave a status answers. */
export interface AdminStatus {
  /** Path of the unix socket; null: none. */
  readonly socket: string | null;
  /** `https://host:port`, or `http` without TLS; null: not over TCP. */
  readonly url: string | null;
  /** The one that it shows there; null in clear text. */
  readonly certificate: CertificateStatus | null;
}

/** A gateway's status, as its admin API gives it. */
export type StatusResponse = GatewayStatus & { readonly admin: AdminStatus };

export function adminStatus({ tls }: AdminSpec, { socketPath, address }: AdminAddresses): AdminStatus {
  const scheme = tls === undefined ? 'http' : 'https';
  return {
    socket: socketPath,
    url: address === null ? null : `${scheme}://${hostPort(address.host, address.port)}`,
    certificate: address === null || tls === undefined ? null : fileCertificateStatus(tls.certificate),
  };
}
