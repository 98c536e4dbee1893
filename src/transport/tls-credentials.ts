import { createSecureContext, type SecureContext } from 'node:tls';
import type { UpstreamTls } from '../core/configuration.ts';
import { trustSystemAuthorities } from './system-authorities.ts';

/**
 * What handshakes under the same settings share. Reading certificates takes longer than a handshake does, so it is
 * done once for as long as the settings stand.
 */
export interface TlsCredentials {
  readonly context: SecureContext;
}

const known = new WeakMap<UpstreamTls, TlsCredentials>();

/** Throws, with an error of OpenSSL's, at certificates or keys that are none. */
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
  return createSecureContext({
    // RFC 8996: the versions before it are not to be spoken any more.
    minVersion: 'TLSv1.2',
    ...(ca === null ? {} : { ca }),
    ...(certificate === null ? {} : { cert: certificate }),
    ...(key === null ? {} : { key }),
  });
}
