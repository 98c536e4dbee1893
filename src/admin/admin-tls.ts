import { constants } from 'node:crypto';
import type { Server } from 'node:http';
import type * as NodeHttps from 'node:https';
import type { SecureContextOptions } from 'node:tls';
import type { AdminTls } from '../core/configuration.ts';

/** A client that does not complete its handshake within this time is no program that wants to ask something. */
const handshakeMs = 5_000;

/** Loaded only where it is used: it loads TLS, 5 MB of the main thread (ADR 4). */
export function nodeHttps(): typeof NodeHttps {
  return process.getBuiltinModule('node:https');
}

/** The options of a server with this certificate. As at listeners, clients may not renegotiate, and choose the cipher. */
export function serverTlsOptions(
  tls: AdminTls,
): SecureContextOptions & { ALPNProtocols: string[]; handshakeTimeout: number } {
  return { ...contextOptions(tls), ALPNProtocols: ['http/1.1'], handshakeTimeout: handshakeMs };
}

/** Handshakes from now on are with this certificate; open connections stay. */
export function changeCertificate(server: Server, tls: AdminTls): void {
  (server as NodeHttps.Server).setSecureContext(contextOptions(tls));
}

/** Why OpenSSL does not accept the certificate or its key, one sentence; null: it does. */
export function certificateProblem(tls: AdminTls): string | null {
  try {
    process.getBuiltinModule('node:tls').createSecureContext(contextOptions(tls));
    return null;
  } catch (error) {
    return `The admin API cannot use its certificate: OpenSSL says ${(error as NodeJS.ErrnoException).code ?? 'no'}.`;
  }
}

function contextOptions({ certificate, versionMin, ciphers }: AdminTls): SecureContextOptions {
  return {
    cert: certificate.certificate,
    key: certificate.key,
    minVersion: versionMin,
    ciphers,
    honorCipherOrder: false,
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
}
