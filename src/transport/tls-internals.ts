import type { SecureContext } from 'node:tls';
import { internalsOf, nodeBinding, requireMembers, type StreamHandle } from './stream-handle.ts';

/**
 * Node's TLS over a handle, below its sockets. It is a stream handle itself, which reads and writes in clear what the handle below
 * carries encrypted. Node does not document it: `tlsInternals` checks every member first.
 */
export interface TlsHandle extends StreamHandle {
  /** Called within OpenSSL: nothing may be written or closed before it has returned. */
  onhandshakedone: (this: TlsHandle) => void;
  /** A failure of the handshake or of a record. What OpenSSL has to say to the peer has been sent. */
  onerror: (this: TlsHandle, error: Error & { code?: string }) => void;
  setALPNProtocols(protocols: Uint8Array): void;
  setVerifyMode(requestCertificate: boolean, rejectUnauthorized: boolean): void;
  /** Bytes that have been read from the handle before it was wrapped. */
  receive(bytes: Uint8Array): void;
  /** Must not be called within OpenSSL. */
  destroySSL(): void;
  getALPNNegotiatedProtocol(): string | false | undefined;
  getProtocol(): string;
  getCipher(): { readonly standardName: string } | undefined;
  isSessionReused(): boolean;
  hasPeerCertificate(): boolean;
  /** Null or undefined: the peer's certificate is valid, or there is none. */
  verifyError(): { readonly code?: string } | null | undefined;
  getPeerCertificate(detailed: boolean): { readonly raw: Buffer } | undefined;
}

interface TlsInternals {
  /** A session over the handle, which delivers its bytes to the session from now on. */
  wrap(handle: StreamHandle, context: object, isServer: boolean, hasActiveWrite: boolean): TlsHandle;
}

const methods = [
  ...['readStart', 'readStop', 'writeBuffer', 'shutdown', 'useUserBuffer'],
  ...['setALPNProtocols', 'setVerifyMode', 'receive', 'destroySSL', 'getALPNNegotiatedProtocol'],
  ...['getProtocol', 'getCipher', 'isSessionReused', 'hasPeerCertificate', 'verifyError', 'getPeerCertificate'],
];

export const tlsInternals: TlsInternals = findTlsInternals(nodeBinding);

/** As `findInternals`. */
export function findTlsInternals(binding: (name: string) => unknown): TlsInternals {
  const found = internalsOf(binding, 'tls_wrap') as { wrap?: unknown; TLSWrap?: { readonly prototype: object } };
  requireMembers(found, ['wrap'], 'TLS');
  requireMembers(found.TLSWrap?.prototype, methods, 'TLS');
  return found as TlsInternals;
}

/** OpenSSL's part of a context. */
export function nativeContext(context: SecureContext): object {
  return context.context as object;
}
