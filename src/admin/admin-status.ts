import type { AdminStatus } from '../core/schemas/status.ts';
import type { AdminSpec } from '../core/configuration.ts';
import { hostPort } from '../core/endpoint.ts';
import { fileCertificateStatus } from '../control/status.ts';
import type { AdminAddresses } from './admin-addresses.ts';

export function adminStatus({ tls }: AdminSpec, { socketPath, address }: AdminAddresses): AdminStatus {
  const scheme = tls === undefined ? 'http' : 'https';
  return {
    socket: socketPath,
    url: address === null ? null : `${scheme}://${hostPort(address.host, address.port)}`,
    certificate: address === null || tls === undefined ? null : fileCertificateStatus(tls.certificate),
  };
}
