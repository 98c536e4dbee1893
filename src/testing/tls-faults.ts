import type { Socket } from 'node:net';
import type { SecureContextOptions, TLSSocket } from 'node:tls';
import type { CertificateAuthority, IssuedCertificate } from './certificates.ts';
import { selfSignedCertificate } from './certificates.ts';
import { apart, fin, reset, type Script, send } from './origin-script.ts';

/** A fault of a TLS origin. Each has a port of its own, since a handshake comes before any request. */
export interface TlsFault {
  readonly name: string;
  /** What the origin does, to be read after "The origin …". */
  readonly does: string;
  /** False for behaviour that looks odd but is valid: the gateway must return the origin's response. */
  readonly faulty: boolean;
  readonly behaviour: TlsBehaviour;
}

type TlsBehaviour =
  /** No TLS: bytes on the plain connection, sent at once or when the first bytes of a handshake have come. */
  | { readonly kind: 'raw'; readonly begins: 'accept' | 'hello'; readonly script: () => Script }
  /** A session, and then successful responses. */
  | { readonly kind: 'served'; readonly settings: (world: TlsWorld) => SessionSettings }
  /** A session whose first request is answered by `play`. */
  | { readonly kind: 'played'; readonly play: (session: PlayedSession) => void };

export interface SessionSettings extends SecureContextOptions {
  /** Whether the client must send a certificate of the authority. */
  readonly requestCert?: boolean;
}

interface PlayedSession {
  readonly secure: TLSSocket;
  /** The TCP connection under the TLS session, which does not see what is done here. */
  readonly raw: Socket;
  /** Long enough that the bytes before and after it reach the peer in two reads. */
  readonly later: (next: () => void) => void;
}

/** The certificates for the faults. */
export interface TlsWorld {
  readonly authority: CertificateAuthority;
  /** An authority that no client trusts. */
  readonly unknownAuthority: CertificateAuthority;
  /** The host name of the origin. */
  readonly serverName: string;
  readonly wallTime: number;
}

const dayMs = 86_400_000;

const certified = ({ certificate, key }: IssuedCertificate): SessionSettings => ({ cert: certificate, key });
const good = ({ authority, serverName }: TlsWorld): SessionSettings =>
  certified(authority.issue({ names: [serverName] }));

const served = (settings: (world: TlsWorld) => SessionSettings): TlsBehaviour => ({ kind: 'served', settings });
const sends = (...steps: readonly Step[]): TlsBehaviour => ({ kind: 'raw', begins: 'hello', script: () => steps });
const played = (play: (session: PlayedSession) => void): TlsBehaviour => ({ kind: 'played', play });

type Step = Script extends Iterable<infer S> ? S : never;

/** A record as it goes over the wire (RFC 8446 §5.1). */
function record(type: number, body: readonly number[], version = 0x0303): Buffer {
  return Buffer.from([type, version >> 8, version & 0xff, body.length >> 8, body.length & 0xff, ...body]);
}

/** A ServerHello of TLS 1.2 or older, with any random part. */
function serverHello(version: number, cipher: number): Buffer {
  const random = Array<number>(32).fill(0x5a);
  const body = [version >> 8, version & 0xff, ...random, 0, cipher >> 8, cipher & 0xff, 0];
  return record(22, [2, 0, 0, body.length, ...body], version);
}

function alert(id: number): TlsBehaviour {
  return sends(send(record(21, [2, id])), fin);
}

function closedHead(secure: TLSSocket): void {
  secure.write('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n');
}

const fault = (name: string, does: string, behaviour: TlsBehaviour): TlsFault => ({
  name,
  does,
  faulty: true,
  behaviour,
});
const oddity = (name: string, does: string, behaviour: TlsBehaviour): TlsFault => ({
  ...fault(name, does, behaviour),
  faulty: false,
});

/** Every misbehaviour of a TLS origin, in the order of the journey. */
export const tlsFaults: readonly TlsFault[] = [
  // Not TLS.
  fault(
    'tls-plain-http',
    'answers the handshake with a plain HTTP response',
    sends(send('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n'), fin),
  ),
  fault(
    'tls-plain-html',
    'answers the handshake with an HTML page that has no head',
    sends(send('<html><body>This port wants plain HTTP.</body></html>\n'), fin),
  ),
  fault('tls-ssh', 'is an SSH server: it greets as soon as it is connected to', {
    kind: 'raw',
    begins: 'accept',
    script: () => [send('SSH-2.0-OpenSSH_9.6\r\n')],
  }),
  fault('tls-smtp', 'is a mail server: it greets as soon as it is connected to', {
    kind: 'raw',
    begins: 'accept',
    script: () => [send('220 mail.test ESMTP ready\r\n')],
  }),
  fault('tls-plain-http2', 'speaks HTTP/2 without TLS', sends(send(Buffer.from('000000040000000000', 'hex')))),

  // No answer, or half of one.
  fault('tls-silent', 'accepts the connection and says nothing', sends()),
  fault(
    'tls-stalls',
    'begins a record of its handshake and says nothing more',
    sends(send(serverHello(0x0303, 0xc02b).subarray(0, 20))),
  ),
  fault('tls-close-at-accept', 'closes the connection (FIN) as soon as it stands', {
    kind: 'raw',
    begins: 'accept',
    script: () => [fin],
  }),
  fault('tls-close', 'closes the connection (FIN) in the middle of the handshake', sends(fin)),
  fault('tls-reset', 'resets the connection (RST) in the middle of the handshake', sends(reset)),
  fault(
    'tls-truncated-record',
    'closes the connection (FIN) in the middle of a record of its handshake',
    sends(send(serverHello(0x0303, 0xc02b).subarray(0, 20)), apart, fin),
  ),

  // Invalid answers.
  fault(
    'tls-old-hello',
    'answers in TLS 1.0, which the client did not offer',
    sends(send(serverHello(0x0301, 0x002f))),
  ),
  fault(
    'tls-cipher-not-offered',
    'chooses a cipher suite that the client did not offer',
    sends(send(serverHello(0x0303, 0x0005))),
  ),
  fault(
    'tls-garbage-record',
    'sends a record of handshake whose content is garbage',
    sends(send(record(22, Array<number>(64).fill(0xa5)))),
  ),
  fault(
    'tls-huge-record',
    'announces a record larger than any may be',
    sends(send(Buffer.from([22, 3, 3, 0xff, 0xff, 2, 0, 0]))),
  ),
  fault('tls-data-first', 'sends application data before the handshake', sends(send(record(23, [1, 2, 3, 4])))),

  // Explicit refusals.
  fault('tls-alert-40', 'sends the alert 40 (handshake_failure)', alert(40)),
  fault('tls-alert-48', 'sends the alert 48 (unknown_ca)', alert(48)),
  fault('tls-alert-70', 'sends the alert 70 (protocol_version)', alert(70)),
  fault('tls-alert-80', 'sends the alert 80 (internal_error)', alert(80)),
  fault('tls-alert-112', 'sends the alert 112 (unrecognized_name)', alert(112)),
  fault('tls-alert-120', 'sends the alert 120 (no_application_protocol)', alert(120)),
  fault('tls-alert-unassigned', 'sends the alert 99, which no RFC knows', alert(99)),
  fault(
    'tls-only-1.1',
    'speaks no version after TLS 1.1',
    served((world) => ({
      ...good(world),
      minVersion: 'TLSv1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT@SECLEVEL=0',
    })),
  ),
  fault(
    'tls-no-shared-cipher',
    'offers one cipher suite, for a kind of key that it has not',
    served((world) => ({
      ...good(world),
      maxVersion: 'TLSv1.2',
      ciphers: 'ECDHE-RSA-AES128-GCM-SHA256',
    })),
  ),
  fault(
    'tls-client-certificate',
    'demands a client certificate (TLS 1.3: it says so after the handshake)',
    served((world) => ({
      ...good(world),
      requestCert: true,
      minVersion: 'TLSv1.3',
    })),
  ),
  fault(
    'tls12-client-certificate',
    'demands a client certificate (TLS 1.2: it says so in the handshake)',
    served((world) => ({
      ...good(world),
      requestCert: true,
      maxVersion: 'TLSv1.2',
    })),
  ),

  // Invalid certificates.
  fault(
    'certificate-expired',
    'shows a certificate that ran out yesterday',
    served(({ authority, serverName, wallTime }) =>
      certified(authority.issue({ names: [serverName], notBefore: wallTime - 30 * dayMs, notAfter: wallTime - dayMs })),
    ),
  ),
  fault(
    'certificate-not-yet-valid',
    'shows a certificate that is valid from tomorrow on',
    served(({ authority, serverName, wallTime }) =>
      certified(authority.issue({ names: [serverName], notBefore: wallTime + dayMs, notAfter: wallTime + 30 * dayMs })),
    ),
  ),
  fault(
    'certificate-other-name',
    'shows a certificate for another name',
    served(({ authority }) => certified(authority.issue({ names: ['somebody-else.test'] }))),
  ),
  fault(
    'certificate-self-signed',
    'shows a certificate that it has signed itself',
    served(({ serverName, wallTime }) => certified(selfSignedCertificate(wallTime, { names: [serverName] }))),
  ),
  fault(
    'certificate-untrusted',
    'shows a certificate of an authority that nobody knows',
    served(({ unknownAuthority, serverName }) => certified(unknownAuthority.issue({ names: [serverName] }))),
  ),
  fault(
    'certificate-incomplete',
    'shows its certificate without the intermediate one',
    served(({ authority, serverName }) => {
      const { certificate, key } = authority.intermediate('Intermediate').issue({ names: [serverName] });
      return { cert: certificate.slice(0, certificate.indexOf('-----END') + 25), key };
    }),
  ),
  fault(
    'certificate-for-clients',
    'shows a certificate that was issued for clients',
    served(({ authority, serverName }) => certified(authority.issue({ names: [serverName], client: true }))),
  ),

  // Sessions that break.
  fault(
    'tls-close-before-head',
    'reads the request, then closes (FIN) without a word',
    played(({ raw }) => raw.end()),
  ),
  fault(
    'tls-reset-before-head',
    'reads the request, then resets the connection (RST)',
    played(({ raw }) => raw.resetAndDestroy()),
  ),
  fault(
    'tls-garbage-in-content',
    'sends bytes that are no TLS in the middle of its content',
    played(({ secure, raw, later }) => {
      secure.write('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nhalf');
      later(() => raw.write('and the rest in plain text'));
    }),
  ),
  fault(
    'tls-cut-length',
    'closes (FIN, without close_notify) in the middle of content with a length',
    played(({ secure, raw, later }) => {
      secure.write('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\nhalf');
      later(() => raw.end());
    }),
  ),
  fault(
    'tls-cut-until-close',
    'sends content without a length and closes (FIN) without close_notify',
    played(({ secure, raw, later }) => {
      closedHead(secure);
      secure.write('all, or is it?\n');
      later(() => raw.end());
    }),
  ),

  // Valid behaviour.
  oddity(
    'tls-until-close',
    'sends content without a length and ends it with close_notify',
    played(({ secure, later }) => {
      closedHead(secure);
      secure.write('all of it\n');
      later(() => secure.end());
    }),
  ),
  oddity(
    'tls-unclosed-length',
    'sends all of its content, with a length, and closes (FIN) without close_notify',
    played(({ secure, raw, later }) => {
      secure.write('HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nall of it\n');
      later(() => raw.end());
    }),
  ),
  oddity(
    'tls-only-1.2',
    'speaks no version after TLS 1.2',
    served((world) => ({ ...good(world), maxVersion: 'TLSv1.2' })),
  ),
  oddity(
    'tls-chain',
    'shows its certificate with an intermediate one',
    served(({ authority, serverName }) =>
      certified(authority.intermediate('Intermediate').issue({ names: [serverName] })),
    ),
  ),
];

export function findTlsFault(name: string): TlsFault | null {
  return tlsFaults.find((known) => known.name === name) ?? null;
}
