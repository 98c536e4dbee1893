import type { TransportFacts } from '../core/transport.ts';

/** The client that a trusted peer has named in a PROXY protocol header. */
export interface ClientSource {
  readonly address: string;
  readonly port: number;
}

/** The other end of a connection, as its preface has found it. */
export interface Peer {
  readonly transport: TransportFacts;
  /** Of the connection itself, for every request on it. */
  readonly scheme: 'http' | 'https';
  readonly listener: string;
  /** Null without a PROXY protocol header. */
  readonly source: ClientSource | null;
  /** Whether the client has offered HTTP/1.1 in its TLS handshake: then it can speak that on another connection, too. */
  readonly offersHttp1: boolean;
  /** Whether requests for this host (without a port) may come on the connection; null: for every host. */
  readonly servesHost: ((host: string) => boolean) | null;
}
