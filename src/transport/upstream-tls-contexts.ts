import type { SecureContext } from 'node:tls';
import type { UpstreamTls } from '../core/upstream-spec.ts';
import { nodeTls } from './node-tls.ts';
import { trustSystemAuthorities } from './system-authorities.ts';

const known = new WeakMap<UpstreamTls, SecureContext>();

/**
 * The TLS context of connections to the endpoints of an upstream, made once: reading certificates takes longer than a handshake.
 * Throws an error of OpenSSL's for invalid certificates or keys.
 */
export function upstreamContextOf(settings: UpstreamTls): SecureContext {
  let context = known.get(settings);
  if (context === undefined) {
    context = newContext(settings);
    known.set(settings, context);
  }
  return context;
}

function newContext({ ca, certificate, key }: UpstreamTls): SecureContext {
  if (ca === null) trustSystemAuthorities();
  return nodeTls().createSecureContext({
    // RFC 8996 deprecates earlier versions.
    minVersion: 'TLSv1.2',
    ...(ca === null ? {} : { ca }),
    ...(certificate === null ? {} : { cert: certificate }),
    ...(key === null ? {} : { key }),
  });
}
