import type { ClientCertificates } from './listener-spec.ts';
import type { Cancellable } from './connector.ts';
import type { ServerCertificate, Transport } from './transport.ts';

/** Starts TLS on accepted connections: an effect that `downstream/` needs, as an interface. */
export interface TlsServer {
  /**
   * Continues the connection of `transport` in TLS. `first` are the bytes that have been read from it: the beginning of a
   * handshake. They are valid during the call only. The transport may not be used any more. One of the waiter's methods is called, once, and none after `cancel`,
   * which closes the connection.
   */
  start(transport: Transport, first: Uint8Array, session: TlsSessionSettings, waiter: TlsServerWaiter): Cancellable;
  /** Sessions of the host get tickets with these keys from now on, and no others are accepted. */
  changeTicketKeys(host: TlsHostSettings, keys: Uint8Array): void;
}

/** Chooses by the host name that a client asks for (SNI) what it is shown. */
export interface TlsHosts {
  /** `serverName`: in lowercase; null: the client has named none. Null: the client is refused. */
  hostFor(serverName: string | null): TlsHostSettings | null;
  /** The host has no certificate yet, but is to get one. */
  isAwaited(serverName: string): boolean;
  /** A client has asked for this name in a handshake. Its address is read only where the name is reported. */
  noteAsked(serverName: string, client: { readonly clientAddress: string }): void;
  /** What a CA is shown that looks for a challenge (RFC 8737 §3); null: there is none. */
  challengeFor(serverName: string): TlsHostSettings | null;
}

/** How the session is to be: the settings of the host that the client has named. */
export interface TlsSessionSettings {
  /** The same object while the settings are unchanged, so that a TLS context is made once for each. */
  readonly host: TlsHostSettings;
  /** The host name that the client asks for, in lowercase; null: it names none. */
  readonly serverName: string | null;
  /** The protocols that the server offers (RFC 7301), the preferred one first. */
  readonly protocols: readonly string[];
  /** The highest version that the client speaks, such as 0x0304 for TLS 1.3. */
  readonly versionMax: number;
}

/** What clients of one host name are shown, and what they must show. */
export interface TlsHostSettings {
  /**
   * The hosts' sessions are resumed among themselves if they have the same name here. Sessions of another name are never resumed, so that
   * neither a certificate nor a client's certificate is taken over from another host.
   */
  readonly id: string;
  /** One for each kind of key. */
  readonly certificates: readonly CertificateWithKey[];
  readonly versionMin: 'TLSv1.2' | 'TLSv1.3';
  /** OpenSSL's names, for TLS 1.2; null: the TLS library's choice, which is for TLS 1.3. */
  readonly ciphers: string | null;
  readonly clientCertificates: ClientCertificates | null;
  /** 48 bytes, which all workers have: tickets of one are accepted by all. `changeTicketKeys` replaces them. */
  ticketKeys: Uint8Array;
}

/** A certificate with its intermediate ones, and its private key, in PEM. */
export interface CertificateWithKey {
  readonly certificate: string;
  readonly key: string;
}

export interface TlsServerWaiter {
  /**
   * The handshake is complete. No byte is delivered before this returns. `failure`: the client has shown a certificate that is not
   * accepted, and is no client that has shown one.
   */
  onSecure(transport: Transport, failure: HandshakeFailure | null): void;
  onHandshakeFailed(failure: HandshakeFailure): void;
}

/** Why a client's handshake failed. The connection has been closed. */
export interface HandshakeFailure {
  readonly reason: HandshakeFailureReason;
  /** The error code of the system or of the TLS library, or the peer's alert; '' where there is none. */
  readonly code: string;
}

/** Failed handshakes of one kind. */
export interface FailedHandshakes extends HandshakeFailure {
  readonly listener: string;
  readonly count: number;
  /** The address of the last client, and the host name that it asked for; null: it named none, or its handshake did not come as far. */
  readonly address: string;
  readonly serverName: string | null;
}

export type HandshakeFailureReason =
  /** The client speaks only versions of TLS that the listener does not. */
  | 'no_shared_version'
  | 'no_shared_cipher'
  /** No protocol that the client offers by ALPN is spoken here. */
  | 'no_shared_protocol'
  /** No certificate is there for the name that the client asks for, or for clients that name none. */
  | 'unknown_name'
  /** The certificate for the name is still to be obtained. */
  | 'no_certificate_yet'
  /** The client does not accept the certificate. */
  | 'certificate_refused'
  | 'client_certificate_missing'
  | 'client_certificate_invalid'
  /** The client sent an alert of another kind. */
  | 'alert'
  /** The client closed or reset the connection. */
  | 'closed'
  | 'timeout'
  /** The certificate or its key cannot be used: OpenSSL does not accept them. */
  | 'unusable_certificate'
  /** Too many handshakes at once. */
  | 'limit'
  /** What the client sent is no handshake, or not a valid one. */
  | 'garbage';

/** The certificate that an endpoint has shown in the latest handshake. */
export interface EndpointCertificate {
  readonly endpoint: string;
  readonly certificate: ServerCertificate;
}
