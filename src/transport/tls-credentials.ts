import type { SecureContext } from 'node:tls';
import type { UpstreamTls } from '../core/configuration.ts';
import { nodeTls } from './node-tls.ts';
import { trustSystemAuthorities } from './system-authorities.ts';

/**
 * Shared by handshakes with the same settings. Reading certificates takes longer than a handshake, so they are read once.
 */
export interface TlsCredentials {
  readonly context: SecureContext;
}

const known = new WeakMap<UpstreamTls, TlsCredentials>();

/** Throws an error of OpenSSL's for invalid certificates or keys. */
export function credentialsOf(settings: UpstreamTls): TlsCredentials {
  let credentials = known.get(settings);
  if (credentials === undefined) {
    credentials = { context: contextOf(settings) };
    known.set(settings, credentials);
  }
  return credentials;
}

function contextOf({ ca, certificate, key }: UpstreamTls): SecureContext {
  if (ca === null) trustSystemAuthorities();
  return nodeTls().createSecureContext({
    // RFC 8996 deprecates earlier versions.
    minVersion: 'TLSv1.2',
    ...(ca === null ? {} : { ca }),
    ...(certificate === null ? {} : { cert: certificate }),
    ...(key === null ? {} : { key }),
  });
}
