import type * as NodeTls from 'node:tls';

/**
 * Node's TLS, loaded by the first handshake of a thread: a gateway that only speaks HTTP in the clear is 5 MB smaller without it
 * (ADR 4).
 */
export function nodeTls(): typeof NodeTls {
  return process.getBuiltinModule('node:tls');
}
