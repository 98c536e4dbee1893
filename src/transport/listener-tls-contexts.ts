import { constants } from 'node:crypto';
import type { SecureContext } from 'node:tls';
import type { Random } from '../core/random.ts';
import type { TlsHostSettings } from '../core/tls-server.ts';
import { nodeTls } from './node-tls.ts';
import { type TicketContext, HostTicketKey } from './host-ticket-key.ts';

interface ListenerContext {
  readonly context: SecureContext;
  readonly tickets: HostTicketKey;
}

const known = new WeakMap<TlsHostSettings, ListenerContext>();

/**
 * The TLS context of a host of listeners, made once: a new one for each handshake costs 300 µs of CPU. Throws an error of OpenSSL's for
 * certificates or keys that it does not accept.
 */
export function listenerContextOf(host: TlsHostSettings, random: Random): SecureContext {
  let found = known.get(host);
  if (found === undefined) {
    const context = nodeTls().createSecureContext({
      // OpenSSL shows each client the one that it can check.
      cert: host.certificates.map(({ certificate }) => certificate),
      key: host.certificates.map(({ key }) => key),
      minVersion: host.versionMin,
      ...(host.ciphers === null ? {} : { ciphers: host.ciphers }),
      // Of ciphers that are all secure the one that costs both sides least, which is AES-128 with SHA-256 where processors have instructions
      // for both: OpenSSL's clients ask for AES-256 with SHA-384 first, whose hash takes 5 % of a handshake. The client decides where it has no
      // instructions for AES, which it shows by naming ChaCha20 first.
      honorCipherOrder: true,
      // Without a list Node loads all public authorities, and looks through them for the issuer of a certificate that comes alone.
      ca: host.clientCertificates?.authorities ?? [],
      // Node lets clients of TLS 1.2 renegotiate, and counts how often in a part of it that is not used here.
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_PRIORITIZE_CHACHA,
      sessionIdContext: host.id,
    });
    found = { context, tickets: new HostTicketKey(context.context as TicketContext, host, random) };
    known.set(host, found);
  }
  return found.context;
}

export function changeTicketKeys(host: TlsHostSettings, keys: Uint8Array): void {
  host.ticketKeys = keys;
  known.get(host)?.tickets.change(keys);
}
