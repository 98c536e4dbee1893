import type { NetworkFault } from '../core/connector.ts';
import { dnsFailure } from '../core/dns-failure.ts';
import { connectionEndsS, meaningOf } from '#failures/errno-meaning.ts';
import { fail, type Failure } from '#failures/failure.ts';
import { tlsFailure } from './tls-failure.ts';
import { misuse } from '../core/unknown-code.ts';
import type { DialedAddress } from './dialed-address.ts';

/**
 * Error codes of the system, of DNS and of TLS as failures. Returns null for an unknown code; the caller counts it as
 * unclassified, which is a defect to fix here.
 */
export function connectFailure(fault: NetworkFault, dialed: DialedAddress): Failure | null {
  switch (fault.stage) {
    case 'dns':
      return dnsFailure(fault.code, dialed.name);
    case 'connect':
      return tcpFailure(fault.code, dialed.address);
    case 'tls':
      return tlsFailure(fault, dialed);
  }
}

/** On Linux a port stays in TIME-WAIT this long after its connection (TCP_TIMEWAIT_LEN) before it can be used again. */
const portRestsS = 60;

function tcpFailure(code: string, address: string): Failure | null {
  switch (meaningOf(code)) {
    case null:
      return null;
    case 'refused': // EAGAIN: a unix socket's backlog is full
      return fail('connect_refused', 'connect', { address });
    case 'timed_out':
      // The system gave up before Candor's limit: it does after some two minutes of SYNs.
      return fail('connect_timeout', 'connect', { address, limitMs: 0 });
    case 'unroutable':
      return fail('connect_unroutable', 'connect', { address, errno: code });
    case 'missing':
      return fail('connect_socket_missing', 'connect', { path: address });
    case 'not_permitted':
      return fail('connect_not_permitted', 'connect', { address, errno: code });
    case 'reset':
      return fail('connect_reset', 'connect', { address, errno: code });
    case 'ports_spent':
      return fail('local_ports_exhausted', 'connect', { address, retryAfterS: portRestsS });
    case 'resources_spent':
      return fail('descriptors_exhausted', 'connect', { address, errno: code, retryAfterS: connectionEndsS });
    case 'misuse':
      return misuse({ stage: 'connect', code });
  }
}
