import { X509Certificate } from 'node:crypto';
import { connect } from 'node:tls';
import type { TlsAlpnChallenge } from '../core/managed-tls.ts';
import type { OwnSight } from './challenge-fix.ts';

/** Shakes hands for `acme-tls/1` as the CA does (RFC 8737 §3), and compares the certificate. Never rejects. */
export function probeTlsAlpn(
  { domain, certificate }: TlsAlpnChallenge,
  port: number,
  signal: AbortSignal,
  host = domain,
): Promise<OwnSight> {
  const options = { host, port, servername: domain, ALPNProtocols: ['acme-tls/1'], rejectUnauthorized: false };
  return new Promise((resolve) => {
    const socket = connect(options);
    const end = (sight: OwnSight) => {
      socket.destroy();
      resolve(sight);
    };
    const onAbort = () => end({ kind: 'silent', text: 'does not answer (timeout)' });
    signal.addEventListener('abort', onAbort, { once: true });
    socket.once('close', () => signal.removeEventListener('abort', onAbort));
    socket.once('secureConnect', () => {
      const shown = socket.getPeerX509Certificate()?.raw;
      const isOurs = shown !== undefined && new X509Certificate(certificate).raw.equals(shown);
      if (isOurs && socket.alpnProtocol === 'acme-tls/1') return end({ kind: 'ours', text: 'answers as it should' });
      end({ kind: 'foreign', text: 'shows another certificate than ours for the challenge' });
    });
    socket.once('error', ({ code = '' }: NodeJS.ErrnoException) => {
      if (code === 'ECONNREFUSED') return end({ kind: 'silent', text: 'refuses connections' });
      if (code.startsWith('ERR_SSL')) return end({ kind: 'foreign', text: `does not speak acme-tls/1 (${code})` });
      end({ kind: 'silent', text: `does not answer (${code})` });
    });
  });
}
