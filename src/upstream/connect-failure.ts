import type { WorldFault } from '../core/connector.ts';
import { dnsCodes } from '../core/dns-codes.ts';
import { fail, type Failure } from '../core/failure.ts';
import { tlsFailure } from './tls-failure.ts';

/** What a connection attempt was for, as far as its failures tell of it. */
export interface ConnectPlace {
  /** As the record shows it: '127.0.0.1:3000' or 'unix:/run/app.sock'. */
  readonly address: string;
  /** The host name that was to be looked up, or the name that the certificate was to bear. */
  readonly name: string;
}

/**
 * The world's error codes as failures: the table of this room. Returns null for a code that nobody has met;
 * the caller counts it as unclassified, which is a defect to be mended here.
 */
export function connectFailure(fault: WorldFault, place: ConnectPlace): Failure | null {
  switch (fault.stage) {
    case 'dns':
      return dnsFailure(fault.code, place.name);
    case 'connect':
      return tcpFailure(fault.code, place.address);
    case 'tls':
      return tlsFailure(fault, place);
  }
}

/** A port that a connection has used rests in TIME-WAIT this long on Linux (TCP_TIMEWAIT_LEN) before it can be had again. */
const portRestsS = 60;

/** A descriptor is free again as soon as any connection ends; in a gateway that has used them all, that is at once. */
const connectionEndsS = 1;

function dnsFailure(code: string, name: string): Failure | null {
  if (descriptorsSpent.has(code)) {
    return fail('descriptors_exhausted', 'dns', { address: name, errno: code, retryAfterS: connectionEndsS });
  }
  const known = Object.hasOwn(dnsCodes, code) ? dnsCodes[code] : undefined;
  if (known === undefined) return null;
  switch (known.kind) {
    case 'absent':
      return fail('dns_not_found', 'dns', { name, rcode: known.rcode ?? '' });
    case 'silent':
      return fail('dns_timeout', 'dns', { name, limitMs: 0 });
    case 'declined':
    case 'failed':
      return fail('dns_failed', 'dns', { name, rcode: known.rcode, code });
  }
}

const descriptorsSpent: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']);

function tcpFailure(code: string, address: string): Failure | null {
  switch (code) {
    case 'ECONNREFUSED':
      return fail('connect_refused', 'connect', { address });
    case 'ETIMEDOUT':
      // The system gave up before our own limit: it does after some two minutes of SYNs.
      return fail('connect_timeout', 'connect', { address, limitMs: 0 });
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EHOSTDOWN':
    case 'ENETDOWN':
    case 'EAFNOSUPPORT':
    case 'EINVAL':
      return fail('connect_unroutable', 'connect', { address, errno: code });
    case 'ENOENT':
    case 'ENOTDIR':
      return fail('connect_socket_missing', 'connect', { path: address });
    case 'EACCES':
    case 'EPERM':
      return fail('connect_not_permitted', 'connect', { address, errno: code });
    case 'ECONNRESET':
    case 'ECONNABORTED':
    case 'EPIPE':
    case 'EPROTOTYPE':
    case 'EPROTO':
      return fail('connect_reset', 'connect', { address, errno: code });
    case 'EAGAIN': // a unix socket's backlog is full
      return fail('connect_refused', 'connect', { address });
    case 'EADDRNOTAVAIL':
    case 'EADDRINUSE':
      return fail('local_ports_exhausted', 'connect', { address, retryAfterS: portRestsS });
    case 'EMFILE':
    case 'ENFILE':
    case 'ENOBUFS':
    case 'ENOMEM':
      return fail('descriptors_exhausted', 'connect', { address, errno: code, retryAfterS: connectionEndsS });
    default:
      return null;
  }
}
