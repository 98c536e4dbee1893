import { X509Certificate, constants } from 'node:crypto';
import type { SecureContext } from 'node:tls';
import type { Cancellable } from '../core/connector.ts';
import type { Random } from '../core/random.ts';
import { tlsAlertOf } from '../core/tls-codes.ts';
import type {
  HandshakeFailure,
  HandshakeFailureReason,
  TlsServer,
  TlsServerWaiter,
  TlsSessionSettings,
  TlsHostSettings,
} from '../core/tls-server.ts';
import type { ClientCertificateFacts, TlsFacts, TransportFacts } from '../core/transport.ts';
import { errnoOf } from './errno.ts';
import { HandleTransport } from './handle-transport.ts';
import { atEndOfTurn } from './outbox.ts';
import { type HandleOwner, type StreamHandle, streamInternals } from './stream-handle.ts';
import { keepingTicket, type TicketContext, HostTicketKey } from './host-ticket-key.ts';
import { nativeContext, type TlsHandle, tlsInternals } from './tls-internals.ts';
import { TlsStream } from './tls-stream.ts';
import { nodeTls } from './node-tls.ts';

interface ListenerContext {
  readonly context: SecureContext;
  readonly tickets: HostTicketKey;
}

const known = new WeakMap<TlsHostSettings, ListenerContext>();

/**
 * The TLS context of a host of listeners, made once: a new one for each handshake costs 300 µs of CPU. Throws an error of OpenSSL's for
 * certificates or keys that it does not accept.
 */
function listenerContextOf(host: TlsHostSettings, random: Random): SecureContext {
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

function changeTicketKeys(host: TlsHostSettings, keys: Uint8Array): void {
  host.ticketKeys = keys;
  known.get(host)?.tickets.change(keys);
}

/**
 * TLS for accepted connections, over their handles.
 *
 * Measured, small GET on a kept connection, with the work of a relay: 39 to 44 µs over the handle, 47 to 54 with Node's sockets.
 */
export function tlsServer(random: Random): TlsServer {
  return {
    start(transport, first, session, waiter) {
      const context = listenerContextOf(session.host, random); // May throw: nothing has been taken over before.
      if (!(transport instanceof HandleTransport)) throw new Error('TLS starts on connections of this folder only');
      return new ServerHandshake(transport, context, first, session, waiter);
    },
    changeTicketKeys,
  };
}

const tls13 = 0x0304;

/** A handshake on a handle. Node's session is its owner until it is complete. */
class ServerHandshake implements Cancellable, HandleOwner {
  readonly #below: StreamHandle;
  readonly #session: TlsHandle;
  readonly #stream: TlsStream;
  readonly #facts: TransportFacts;
  readonly #settings: TlsSessionSettings;
  readonly #waiter: TlsServerWaiter;
  #state: 'handshake' | 'secure' | 'over' = 'handshake';

  constructor(
    plain: HandleTransport,
    context: SecureContext,
    first: Uint8Array,
    settings: TlsSessionSettings,
    waiter: TlsServerWaiter,
  ) {
    this.#facts = plain.facts;
    this.#settings = settings;
    this.#waiter = waiter;
    const { host, protocols, versionMax } = settings;
    const below = plain.release();
    const session = tlsInternals.wrap(below, nativeContext(context), true, false);
    this.#below = below;
    this.#session = session;
    this.#stream = new TlsStream(session, below);
    // The handle keeps the session alive: without this the garbage collector takes it during the handshake.
    (below as StreamHandle & { session?: TlsHandle }).session = session;
    session.onhandshakedone = onHandshakeDone;
    session.onerror = onHandshakeError;
    session.owner = below.owner = this;
    session.onread = onHandshakeRead;
    if (host.clientCertificates !== null) session.setVerifyMode(true, host.clientCertificates.isRequired);
    session.setALPNProtocols(alpnList(protocols));
    session.readStart();
    if (versionMax >= tls13) session.receive(first);
    else keepingTicket(() => session.receive(first));
  }

  /** Called within OpenSSL: closing waits for the end of the turn. */
  onHandshakeDone(): void {
    if (this.#state !== 'handshake') return;
    const session = lookAt(this.#session, this.#settings);
    if ('reason' in session) return this.#end(session);
    const { facts: tls, failure } = session;
    this.#state = 'secure';
    const facts = new SecureFacts(this.#facts, tls);
    const transport = new HandleTransport(this.#stream, { facts });
    // An idle connection keeps neither this object nor those that it knows: some 1 KB.
    this.#below.owner = transport;
    this.#session.onhandshakedone = noop; // Node calls it for renegotiations too.
    this.#session.onerror = onSessionError;
    this.#waiter.onSecure(transport, failure);
  }

  onHandshakeError(code: string): void {
    if (this.#state === 'handshake') this.#end(failureOf(code));
  }

  #end(failure: HandshakeFailure): void {
    this.#state = 'over';
    // OpenSSL may have called this, and ticks run within its call.
    atEndOfTurn(() => this.#fail(failure));
  }

  #fail(failure: HandshakeFailure): void {
    if (this.#isCancelled) return;
    this.#stream.close(noop);
    this.#waiter.onHandshakeFailed(failure);
  }

  #isCancelled = false;

  cancel(): void {
    if (this.#state === 'secure' || this.#isCancelled) return;
    this.#isCancelled = true;
    this.#state = 'over';
    this.#stream.close(noop);
  }

  // The session's events until the handshake is complete.

  onHandleRead(bytesOrError: number): undefined {
    if (bytesOrError < 0 && this.#state === 'handshake') this.#end({ reason: 'closed', code: '' });
    return undefined;
  }

  onHandleWritten(): void {}
  onHandleShut(): void {}
  onHandleClosed(): void {}
  onHandleFailed(): void {}
}

function onHandshakeRead(this: StreamHandle): undefined {
  const { streamBaseState, kReadBytesOrError } = streamInternals;
  this.owner.onHandleRead(streamBaseState[kReadBytesOrError] as number);
  return undefined;
}

// Shared by all sessions; the session has its owner.

function onHandshakeDone(this: TlsHandle): void {
  (this.owner as ServerHandshake).onHandshakeDone();
}

function onHandshakeError(this: TlsHandle, error: Error): void {
  (this.owner as ServerHandshake).onHandshakeError(errnoOf(error));
}

function onSessionError(this: TlsHandle, error: Error): void {
  (this.owner as HandleTransport).fail(errnoOf(error));
}

function noop(): void {}

/** RFC 7301 §3.1: each name behind its length. */
function alpnList(protocols: readonly string[]): Buffer {
  const known = alpnLists.get(protocols);
  if (known !== undefined) return known;
  const list = Buffer.concat(
    protocols.map((name) => Buffer.concat([Buffer.from([name.length]), Buffer.from(name, 'latin1')])),
  );
  alpnLists.set(protocols, list);
  return list;
}

const alpnLists = new WeakMap<readonly string[], Buffer>();

/** The session's facts above those of its connection. */
class SecureFacts implements TransportFacts {
  readonly kind = 'tcp';
  readonly tls: TlsFacts;
  readonly #below: TransportFacts;

  constructor(below: TransportFacts, tls: TlsFacts) {
    this.#below = below;
    this.tls = tls;
  }

  get remoteAddress(): string {
    return this.#below.remoteAddress;
  }

  get remotePort(): number {
    return this.#below.remotePort;
  }

  get localAddress(): string {
    return this.#below.localAddress;
  }

  get localPort(): number {
    return this.#below.localPort;
  }
}

interface CompleteSession {
  readonly facts: TlsFacts;
  /** Why its requests are refused. */
  readonly failure: HandshakeFailure | null;
}

/** What the session is; or why it may not go on. Never throws: OpenSSL is the caller. */
function lookAt(session: TlsHandle, settings: TlsSessionSettings): CompleteSession | HandshakeFailure {
  try {
    const failure = clientCertificateFailure(session, settings);
    if (failure?.reason === 'client_certificate_missing') return failure;
    return { facts: factsOf(session, settings, failure === null), failure };
  } catch (error) {
    return { reason: 'garbage', code: errnoOf(error) };
  }
}

function factsOf(session: TlsHandle, { host, serverName }: TlsSessionSettings, acceptsCertificate: boolean): TlsFacts {
  const alpn = session.getALPNNegotiatedProtocol();
  return {
    version: session.getProtocol(),
    serverName,
    alpn: typeof alpn === 'string' ? alpn : null,
    cipher: session.getCipher()?.standardName ?? null,
    clientCertificate: host.clientCertificates !== null && acceptsCertificate ? certificateOf(session) : null,
  };
}

function certificateOf(session: TlsHandle): ClientCertificateFacts | null {
  const raw = session.hasPeerCertificate() ? session.getPeerCertificate(false)?.raw : undefined;
  if (raw === undefined) return null;
  const certificate = new X509Certificate(raw);
  return {
    subject: nameText(certificate.subject),
    issuer: nameText(certificate.issuer),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
  };
}

function nameText(name: string): string {
  return name
    .split('\n')
    .join(', ')
    .slice(0, subjectMax)
    .replace(/[^\x20-\x7e]/gu, escaped);
}

/** As RFC 4514 §2.4 does it: a byte of UTF-8 as two hexadecimal digits, so that different names stay different. */
function escaped(character: string): string {
  return Buffer.from(character).toString('hex').toUpperCase().replace(/../g, '\\$&');
}

const subjectMax = 512;

/**
 * Null where the client has shown what the host asks for. Where one is required, OpenSSL refuses a client without one by an alert.
 * Node goes on with the handshake whatever the certificate is, and offers no way to send an alert behind it: the client's request
 * is read and refused (RFC 8446 §4.4.2.4 allows it). A resumed session without a certificate has no error either, so that the
 * presence is looked at apart.
 */
function clientCertificateFailure(
  session: TlsHandle,
  { host: { clientCertificates } }: TlsSessionSettings,
): HandshakeFailure | null {
  if (clientCertificates === null) return null;
  if (!session.hasPeerCertificate())
    return clientCertificates.isRequired ? { reason: 'client_certificate_missing', code: '' } : null;
  const error = session.verifyError() ?? null;
  return error === null ? null : { reason: 'client_certificate_invalid', code: errnoOf(error) };
}

const reasons: Readonly<Record<string, HandshakeFailureReason>> = {
  ERR_SSL_UNSUPPORTED_PROTOCOL: 'no_shared_version',
  ERR_SSL_NO_SHARED_CIPHER: 'no_shared_cipher',
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: 'no_shared_cipher',
  ERR_SSL_NO_SUITABLE_KEY_SHARE: 'no_shared_cipher',
  ERR_SSL_NO_APPLICATION_PROTOCOL: 'no_shared_protocol',
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: 'client_certificate_missing',
  ECONNRESET: 'closed',
};

/** Alerts of a client that does not accept the certificate (RFC 8446 §6.2). */
const certificateAlerts: ReadonlySet<number> = new Set([42, 43, 44, 45, 46, 48]);

/** Exported for its test. */
function failureOf(code: string): HandshakeFailure {
  const alert = tlsAlertOf(code);
  if (alert !== null) return { reason: certificateAlerts.has(alert) ? 'certificate_refused' : 'alert', code };
  return { reason: reasons[code] ?? 'garbage', code };
}
