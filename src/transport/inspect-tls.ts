import { connect, isIP } from 'node:net';
import type { TLSSocket, DetailedPeerCertificate } from 'node:tls';
import { X509Certificate } from 'node:crypto';
import type { Cancellable, NetworkFault } from '../core/connector.ts';
import type { UpstreamTls } from '../core/upstream-spec.ts';
import { networkFault } from './errno.ts';
import { nodeTls } from './node-tls.ts';
import { upstreamContextOf } from './upstream-tls-contexts.ts';

/** The longest chain that OpenSSL verifies; a longer or circular one is cut there. */
const chainMax = 16;

/** From the peer's own certificate up to the authority, as far as the chain is known. */
export function chainOf(secure: TLSSocket): readonly X509Certificate[] {
  const chain: X509Certificate[] = [];
  let next: DetailedPeerCertificate | undefined = secure.getPeerCertificate(true);
  for (; next?.raw !== undefined && chain.length < chainMax; next = next.issuerCertificate) {
    chain.push(new X509Certificate(next.raw));
    if (next.issuerCertificate === next) break; // an authority has issued its own
  }
  return chain;
}

const textMax = 200;

/** Node writes each part of a name on a line of its own. */
export function oneLine(text: string | undefined): string {
  return (text ?? '').split('\n').join(', ').slice(0, textMax);
}

/** 'app.internal, 10.0.0.1' */
export function namesOf({ subjectAltName }: X509Certificate): string {
  return subjectAltName?.replace(/\b(?:DNS|IP Address):/g, '') ?? '';
}

interface TlsInspectionTarget {
  readonly address: string;
  readonly port: number;
  /** The name that the certificate must have. */
  readonly name: string;
  /** Whether the name is sent (SNI). An address is never sent (RFC 6066 §3). */
  readonly sendsName: boolean;
  /** The protocols to offer (RFC 7301), by preference. */
  readonly protocols: readonly string[];
  readonly settings: UpstreamTls;
}

/** What a TLS server shows of itself. The texts are the server's, shortened. */
export interface TlsInspection {
  readonly version: string;
  readonly cipher: string | null;
  /** The protocol that the server has chosen; null if it chose none. */
  readonly alpn: string | null;
  /** The server's own certificate first. */
  readonly chain: readonly InspectedCertificate[];
  /** Why the certificate is not accepted, as a code; null: it is. */
  readonly refusal: string | null;
}

export interface InspectedCertificate {
  readonly subject: string;
  readonly issuer: string;
  /** 'app.internal, 10.0.0.1' */
  readonly names: string;
  /** Milliseconds since the Unix epoch; null where the date cannot be read. */
  readonly notBefore: number | null;
  readonly notAfter: number | null;
  /** SHA-256, in lowercase hexadecimal. */
  readonly fingerprint: string;
}

interface TlsInspectionWaiter {
  onInspected(inspection: TlsInspection): void;
  onInspectionFailed(fault: NetworkFault): void;
}

/**
 * Makes a handshake only to see what the server shows, whatever its certificate is worth: no byte of HTTP is sent. One of the
 * waiter's methods is called, once, unless it is cancelled. The caller limits the time.
 */
export function inspectTls(target: TlsInspectionTarget, waiter: TlsInspectionWaiter): Cancellable {
  const { address, port, name, sendsName, protocols, settings } = target;
  const plain = connect({ host: address, port, autoSelectFamily: false });
  let secure: TLSSocket | null = null;
  let isOver = false;
  const end = (): void => {
    isOver = true;
    secure?.destroy();
    plain.destroy();
  };
  const failed = (error: unknown): void => {
    if (isOver) return;
    end();
    waiter.onInspectionFailed(networkFault('tls', error));
  };
  plain.on('error', failed);
  plain.once('close', () => failed(null));
  plain.once('connect', () => {
    try {
      secure = nodeTls().connect({
        socket: plain,
        secureContext: upstreamContextOf(settings),
        host: name,
        ...(sendsName && isIP(name) === 0 ? { servername: name } : {}),
        rejectUnauthorized: false, // The inspection reports what is wrong.
        ALPNProtocols: [...protocols],
      });
    } catch (error) {
      return failed(error);
    }
    const session = secure;
    session.on('error', failed);
    session.once('secureConnect', () => {
      if (isOver) return;
      const inspection = inspectionOf(session);
      end();
      waiter.onInspected(inspection);
    });
  });
  return { cancel: end };
}

function inspectionOf(secure: TLSSocket): TlsInspection {
  const alpn = secure.alpnProtocol;
  return {
    version: secure.getProtocol() ?? '',
    cipher: secure.getCipher()?.standardName ?? null,
    alpn: typeof alpn === 'string' ? alpn : null,
    chain: chainOf(secure).map((certificate) => ({
      subject: oneLine(certificate.subject),
      issuer: oneLine(certificate.issuer),
      names: oneLine(namesOf(certificate)),
      notBefore: timeOf(certificate.validFromDate),
      notAfter: timeOf(certificate.validToDate),
      fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    })),
    // At run time this is the verification's result as a string, whatever the type says.
    refusal: secure.authorized ? null : String(secure.authorizationError),
  };
}

function timeOf(date: Date): number | null {
  const time = date.getTime();
  return Number.isNaN(time) ? null : time;
}
