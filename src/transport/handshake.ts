import type { X509Certificate } from 'node:crypto';
import { isIP, type Socket } from 'node:net';
import type { SecureContext, TLSSocket } from 'node:tls';
import type { CertificateFacts, TlsTarget, NetworkFault } from '../core/connector.ts';
import { tlsAlertCode, tlsSettingsRefused, tlsTruncated } from '../core/tls-codes.ts';
import type { ServerCertificate, TlsFacts } from '../core/transport.ts';
import { chainOf, namesOf, oneLine } from './inspect-tls.ts';
import { networkFault } from './errno.ts';
import { nodeTls } from './node-tls.ts';
import { upstreamContextOf } from './upstream-tls-contexts.ts';
import { type ReadTarget, TlsWire } from './tls-wire.ts';

interface HandshakeWaiter {
  onSecure(secure: TLSSocket, facts: TlsFacts): void;
  onHandshakeFailed(fault: NetworkFault): void;
}

/**
 * A TLS handshake on an established connection. One of the waiter's two methods is called, once, and never before this
 * returns; none after `secure` is destroyed.
 *
 * The handshake completes before the certificate is verified: a refusal in the middle of it would leave no certificate to
 * report. No application data is sent before the verification.
 */
export class Handshake {
  /** The session; null where it could not begin. */
  readonly secure: TLSSocket | null;
  readonly #plain: Socket;
  readonly #wire: TlsWire;
  readonly #tls: TlsTarget;
  readonly #waiter: HandshakeWaiter;
  #over = false;
  /** The peer has sent `close_notify`. */
  #closeNotified = false;
  #broken = false;

  constructor(plain: Socket, reads: ReadTarget, tls: TlsTarget, waiter: HandshakeWaiter) {
    this.#plain = plain;
    this.#tls = tls;
    this.#waiter = waiter;
    this.#wire = new TlsWire(plain, { onFirstBytes: () => this.#onFirstBytes(), onEnd: () => this.#onPeerEnded() });
    reads.take(this.#wire);
    this.secure = this.#begin();
  }

  #begin(): TLSSocket | null {
    const context = this.#contextOrFail();
    if (context === null) return null;
    const { serverName, protocols } = this.#tls;
    const secure = nodeTls().connect({
      socket: this.#wire.asStream(),
      secureContext: context,
      // The name that the certificate must bear. An address is no name to ask for (RFC 6066 §3), and Node throws at one.
      host: serverName,
      ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
      rejectUnauthorized: false, // `#judge` rejects.
      ALPNProtocols: [...protocols],
    });
    secure.on('error', (error) => this.#onError(secure, error));
    secure.once('close', () => this.#plain.destroy());
    secure.once('secureConnect', () => this.#judge(secure));
    this.#noteCloseNotify(secure);
    return secure;
  }

  #contextOrFail(): SecureContext | null {
    try {
      return upstreamContextOf(this.#tls.settings);
    } catch {
      queueMicrotask(() => this.#failed({ stage: 'tls', code: tlsSettingsRefused, alertId: null }));
      return null;
    }
  }

  /** Node ends reading by `push(null)`, and has no event for it before everything is read. */
  #noteCloseNotify(secure: TLSSocket): void {
    const push = secure.push.bind(secure);
    secure.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
      if (chunk === null) this.#closeNotified = true;
      return push(chunk, encoding);
    };
  }

  #judge(secure: TLSSocket): void {
    if (this.#over) return;
    const { settings } = this.#tls;
    if (settings.verify && !secure.authorized) {
      // At run time this is the verification's result as a string, whatever the type says.
      const code = String(secure.authorizationError);
      return this.#failed({ stage: 'tls', code, alertId: null, ...certificateOf(secure, code) });
    }
    this.#over = true;
    this.#wire.forgetFirst();
    this.#waiter.onSecure(secure, factsOf(secure, this.#tls));
  }

  /** Node keeps a session open that has failed after its handshake; it is of no use any more. */
  #onError(secure: TLSSocket, error: unknown): void {
    if (!this.#over) return this.#failed(this.#faultOf(error));
    this.#broken = true;
    whenRead(secure, () => secure.destroy());
  }

  #onPeerEnded(): void {
    if (this.#closeNotified || this.#broken) return;
    const { secure } = this;
    const truncated = Object.assign(new Error('closed without close_notify'), { code: tlsTruncated });
    if (!this.#over || secure === null) return this.#failed(this.#faultOf(truncated));
    whenRead(secure, () => secure.destroy(truncated));
  }

  /** Reads an alert that is the peer's first record, since OpenSSL ignores alerts that it has no name for. */
  #onFirstBytes(): void {
    if (!this.#over && fatalAlertOf(this.#wire.firstBytes) !== null) this.#failed(this.#faultOf(null));
  }

  #failed(fault: NetworkFault): void {
    if (this.#over) return;
    this.#over = true;
    this.secure?.destroy();
    this.#plain.destroy();
    this.#waiter.onHandshakeFailed(fault);
  }

  #faultOf(error: unknown): NetworkFault {
    const fault = networkFault('tls', error);
    const first = this.#wire.firstBytes;
    if (first.length === 0) return fault;
    if (!isTlsRecord(first)) return { ...fault, firstBytes: Buffer.from(first).toString('hex') };
    const alertId = plainAlertOf(first) ?? fault.alertId;
    return alertId === null ? fault : { ...fault, alertId, code: tlsAlertCode(alertId) };
  }

  /** No callback follows. */
  cancel(): void {
    this.#over = true;
    this.secure?.destroy();
    this.#plain.destroy();
  }
}

/** Delivers the end behind all bytes before it, also to a paused reader. */
function whenRead(secure: TLSSocket, end: () => void): void {
  if (secure.readableLength === 0) return end();
  secure.on('data', () => {
    if (secure.readableLength === 0) end();
  });
}

/** A record of change_cipher_spec, alert, handshake or application data, version 3.x (RFC 8446 §5.1). */
function isTlsRecord(bytes: Uint8Array): boolean {
  const [type = 0, major = 3] = bytes;
  return type >= 20 && type <= 23 && major === 3;
}

/** An alert as the peer's first record, the only unencrypted place for one. Level 2 is fatal. */
function fatalAlertOf(bytes: Uint8Array): number | null {
  return bytes[4] === 2 && bytes[5] === 2 ? plainAlertOf(bytes) : null;
}

function plainAlertOf(bytes: Uint8Array): number | null {
  const isAlert = bytes[0] === 21 && bytes[1] === 3 && bytes[3] === 0 && bytes[4] === 2;
  return isAlert ? (bytes[6] ?? null) : null;
}

function factsOf(secure: TLSSocket, tls: TlsTarget): TlsFacts {
  const alpn = secure.alpnProtocol;
  return {
    version: secure.getProtocol() ?? '',
    serverName: tls.serverName,
    alpn: typeof alpn === 'string' ? alpn : null,
    cipher: secure.getCipher()?.standardName ?? null,
    clientCertificate: null,
    ...serverCertificateOf(secure),
  };
}

/** Of some hundred names on a certificate these tell which one it is. */
const namesMax = 8;

function serverCertificateOf(secure: TLSSocket): { serverCertificate?: ServerCertificate } {
  const own = secure.getPeerX509Certificate();
  const notAfter = own?.validToDate.getTime() ?? Number.NaN;
  if (own === undefined || Number.isNaN(notAfter)) return {};
  const names = namesOf(own).split(', ').filter(isPlainName).slice(0, namesMax);
  return { serverCertificate: { names, notAfter } };
}

/** Node quotes names with unusual characters. */
function isPlainName(name: string): boolean {
  return /^[-\w.*:]{1,253}$/.test(name);
}

/** The certificate that the verification failed on: the peer's own, unless the dates of one above it are wrong. */
function certificateOf(secure: TLSSocket, code: string): { certificate?: CertificateFacts } {
  const chain = chainOf(secure);
  const [own] = chain;
  if (own === undefined) return {};
  const about = judgedOf(chain, code) ?? own;
  const { subject, issuer, validFromDate, validToDate } = about;
  return {
    certificate: {
      subject: oneLine(subject),
      issuer: oneLine(issuer),
      names: oneLine(namesOf(about)),
      isIssuer: about !== own,
      notBefore: dateText(validFromDate),
      notAfter: dateText(validToDate),
    },
  };
}

/** OpenSSL does not say which certificate is out of date: it is the one that expired first, or becomes valid last. */
function judgedOf(chain: readonly X509Certificate[], code: string): X509Certificate | null {
  const ends = code === 'CERT_HAS_EXPIRED';
  if (!ends && code !== 'CERT_NOT_YET_VALID') return null;
  const lateness = ({ validFromDate, validToDate }: X509Certificate): number =>
    ends ? -validToDate.getTime() : validFromDate.getTime();
  return chain.reduce((worst, one) => (lateness(one) > lateness(worst) ? one : worst));
}

function dateText(date: Date): string {
  return Number.isNaN(date.getTime()) ? '' : date.toISOString();
}
