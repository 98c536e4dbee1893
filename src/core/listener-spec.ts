export interface ListenerSpec {
  readonly id: string;
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Whether connections begin with a PROXY protocol header; only from trusted peers. */
  readonly proxyProtocol: boolean;
  /** Whether clients may speak HTTP/2. */
  readonly http2: boolean;
  /** Null: connections are in clear text. */
  readonly tls: ListenerTls | null;
}

/** What a server accepts of clients. */
export interface TlsVersions {
  readonly versionMin: 'TLSv1.2' | 'TLSv1.3';
  /** Cipher suites of TLS 1.2 by OpenSSL's names. */
  readonly ciphers: string;
}

/** TLS at a listener. */
export interface ListenerTls extends TlsVersions {
  /** From files; at least one unless `automatic` is there. Clients that name no host get the first. */
  readonly certificates: readonly ListenerCertificate[];
  /** Certificates that the gateway obtains by itself; null: none. */
  readonly automatic: AutomaticTls | null;
  /** Clients that name another host than the certificates have get the first certificate too; otherwise they are refused. */
  readonly servesUnknownNames: boolean;
  /** Requests in clear text for a host that has a certificate here are redirected to this port; null: they are not. */
  readonly redirectPort: number | null;
  /** Browsers are told to use TLS alone for so long (RFC 6797); null: they are told nothing. */
  readonly hstsSeconds: number | null;
  /** Null: clients are not asked for certificates. */
  readonly clientCertificates: ClientCertificates | null;
}

/** Certificates that the gateway obtains by itself. */
export type AutomaticTls = AcmeTls | LocalTls;

/** From CAs that speak ACME (RFC 8555). */
export interface AcmeTls {
  readonly kind: 'acme';
  /** In lowercase, wildcards included; each gets a certificate of its own. Those of `certificates` are not among them. */
  readonly hosts: readonly string[];
  /** Mail addresses. */
  readonly contacts: readonly string[];
  /** URLs of the CAs' directories, the preferred one first. */
  readonly directories: readonly string[];
  /** Root certificates in PEM that the CAs' servers are trusted by, besides the public ones; null: none. */
  readonly roots: string | null;
  /** How names are proven, the preferred way first. */
  readonly challenges: readonly ChallengeKind[];
  /** The command that sets DNS records; null: there is none. */
  readonly dnsHook: readonly string[] | null;
  /** How long a record that the command has set is waited for until the CA is let look; 0: not at all. */
  readonly propagationMs: number;
  /** Null: only `hosts` get certificates. */
  readonly onDemand: OnDemandTls | null;
  /** An account at the first CA that exists elsewhere, to which the ACME account is bound (RFC 8555 §7.3.4); null: none. A secret. */
  readonly externalAccount: { readonly keyId: string; readonly hmacKey: string } | null;
}

/** Certificates for names that no route has literally, obtained when a client asks for one. At least one of `allow` and `ask` is given. */
export interface OnDemandTls {
  /** The wildcards of the routes' hosts; null: there is a route for every host. */
  readonly routes: readonly string[] | null;
  /** Names, and wildcards that stand for one label. */
  readonly allow: readonly string[];
  /** The URL that is asked about other names; null: they get none. */
  readonly ask: string | null;
}

/** How a CA may convince itself that a name is ours. */
export type ChallengeKind = 'http-01' | 'tls-alpn-01' | 'dns-01';

/** From a CA of the gateway's own, which only those trust who were told to. */
export interface LocalTls {
  readonly kind: 'internal';
  readonly hosts: readonly string[];
}

/** A certificate that clients are shown. */
export interface ListenerCertificate {
  /** The host names that it has, in lowercase; one with `*.` in front has all names one level below. */
  readonly names: readonly string[];
  /** In PEM, followed by intermediate certificates. */
  readonly certificate: string;
  /** Its private key, in PEM. */
  readonly key: string;
  /** When it expires, in milliseconds since the Unix epoch: the first of it and its intermediate certificates. */
  readonly notAfter: number;
  /** Absent where the gateway has obtained the certificate: such a one is valid at once, and alone for its names. */
  readonly facts?: FileCertificateFacts;
}

/** What the file of a certificate says. */
export interface FileCertificateFacts {
  /** The kind of its key, such as `rsa` or `ec`. A host name may have one certificate of each. */
  readonly keyType: string;
  /** From when on it and its intermediate certificates are valid, in milliseconds since the Unix epoch. */
  readonly notBefore: number;
  /** Who issued it, as people know it by; null: it is self-signed. */
  readonly issuer: string | null;
}

export interface ClientCertificates {
  /** The authorities whose certificates are accepted, in PEM. */
  readonly authorities: string;
  /** A client without a certificate is refused. */
  readonly isRequired: boolean;
}

export interface ClientLimits {
  /** For a whole request head, from its first byte (408). */
  readonly headMs: number;
  /** Between bytes of a request body (408). */
  readonly bodyMs: number;
  /** Between requests on a kept-alive connection; then it is closed without a response. */
  readonly keepAliveMs: number;
  /** Between bytes of a response that the client reads. */
  readonly writeMs: number;
  readonly headBytesMax: number;
  readonly headersMax: number;
  readonly targetBytesMax: number;
  /** Null: no limit. */
  readonly bodyBytesMax: number | null;
  /** In all workers together. */
  readonly connectionsMax: number;
  /** From one address, in all workers together, except trusted peers; null: no limit. */
  readonly connectionsPerAddressMax: number | null;
  /** TLS handshakes a second from one address, in each worker, except trusted peers; null: no limit. */
  readonly handshakesPerSecondMax: number | null;
  /** How many leading bits of an IPv6 address count as one address. */
  readonly ipv6PrefixBits: number;
  /** Requests on one connection that wait for their responses (pipelining). */
  readonly pipelinedMax: number;
  /** Minimum bytes per second of a head, of a body, and of reading a response, after `rateGraceMs`; 0: no limit. */
  readonly headRateMin: number;
  readonly bodyRateMin: number;
  readonly writeRateMin: number;
  readonly rateGraceMs: number;
  /** What the buffers of all exchanges of one worker take together. */
  readonly bufferBytesMax: number;
}
