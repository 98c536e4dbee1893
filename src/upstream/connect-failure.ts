import type { NetworkFault } from '../core/connector.ts';
import { dnsFailure } from '../core/dns-failure.ts';
import { connectionEndsS, meaningOf } from '../core/errno-meaning.ts';
import { fail, type Failure } from '../core/failure.ts';
import { tlsFailure } from './tls-failure.ts';
import { misuse } from '../core/unknown-code.ts';
import type { DialedAddress } from './dialed-address.ts';

/**
 * The world's error codes as failures: the table of this room. Returns null for a code that nobody has met;
 * the caller counts it as unclassified, which is a defect to be mended here.
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

/** A port that a connection has used rests in TIME-WAIT this long on Linux (TCP_TIMEWAIT_LEN) before it can be had again. */
const portRestsS = 60;

function tcpFailure(code: string, address: string): Failure | null {
  switch (meaningOf(code)) {
    case null:
      return null;
    case 'refused': // EAGAIN: a unix socket's backlog is full
      return fail('connect_refused', 'connect', { address });
    case 'timed_out':
      // The system gave up before our own limit: it does after some two minutes of SYNs.
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
