import type { Cause } from '#failures/failure.ts';
import type { Shape, Whose } from '#failures/shape.ts';
import type { Stage } from '#failures/stage.ts';

/** What a probe has found, as plain data: `candor probe --json` prints it. Durations are in milliseconds. */
export interface ProbeReport {
  readonly direct: WayReport;
  /** Null: the probe was not asked to go through a gateway. */
  readonly gateway: WayReport | null;
  readonly verdict: ProbeVerdict;
}

/** One way to the application: to its own address, or through a gateway. */
export interface WayReport {
  readonly url: string;
  /** The Host header that was sent; with TLS also the name that was asked for. */
  readonly host: string;
  /** Null where the URL has an address. */
  readonly dns: DnsReport | null;
  readonly addresses: readonly AddressReport[];
  /** Null without TLS, and where no handshake could begin. */
  readonly tls: TlsReport | null;
  /** The first GET at the first address that works, else at the one whose failure tells most; null if there is no address. */
  readonly get: HttpReport | null;
  /** Null if GET has failed already. */
  readonly head: HttpReport | null;
  /** Null if no response came. */
  readonly series: SeriesReport | null;
  /** Null unless the probe may send more than GET and HEAD. */
  readonly write: WriteReport | null;
}

export interface DnsReport {
  readonly name: string;
  /** `machine`: the hosts file. `dns`: a name server. `system`: another source of the system. Null: no answer in time. */
  readonly source: 'machine' | 'dns' | 'system' | null;
  readonly ms: number;
  readonly ttlS: number | null;
  /** Why an address family has no answer although it is not just absent; null: nothing failed. */
  readonly failure: ProbeFailure | null;
}

export interface AddressReport {
  /** '10.0.0.1:3000' */
  readonly address: string;
  readonly connectMs: number | null;
  /** The handshake after the connection; null without TLS. */
  readonly tlsMs: number | null;
  readonly status: number | null;
  readonly failure: ProbeFailure | null;
}

export interface TlsReport {
  readonly version: string;
  readonly cipher: string | null;
  /** What the server chose of h2 and http/1.1. */
  readonly alpn: string | null;
  /** The name that was sent (SNI); null: the URL has an address. */
  readonly serverName: string | null;
  /** Whether a handshake without the name gets the same certificate. */
  readonly withoutName: 'same' | 'other' | 'refused' | 'unknown';
  /** Why the certificate is not accepted, as a code; null: it is. */
  readonly refusal: string | null;
  /** The server's own certificate first. */
  readonly chain: readonly CertificateReport[];
}

export interface CertificateReport {
  readonly subject: string;
  readonly issuer: string;
  readonly names: string;
  /** RFC 3339. */
  readonly notBefore: string | null;
  readonly notAfter: string | null;
  /** Whole days until it expires; negative if it has. */
  readonly daysLeft: number | null;
}

export interface HttpReport {
  readonly address: string;
  readonly method: string;
  readonly status: number | null;
  readonly reason: string;
  readonly version: string | null;
  /** From the last byte of the request to the response head, and to its end. */
  readonly headMs: number | null;
  readonly totalMs: number | null;
  readonly framing: 'none' | 'length' | 'chunked' | 'until-close' | null;
  readonly contentLength: number | null;
  readonly bytesReceived: number;
  /** `limit`: the probe stopped reading a longer body. `unread`: an event stream or another protocol, which has no end. */
  readonly end: 'complete' | 'limit' | 'unread' | 'failed';
  readonly isReused: boolean;
  /** Whether a gateway such as Candor uses the connection again: not after a HEAD that announces a body, which may still come. */
  readonly keepsAlive: boolean;
  readonly keepAliveTimeoutS: number | null;
  /** The statuses of interim responses (1xx). */
  readonly interim: readonly number[];
  /** A few headers that say how the response came; never a cookie. */
  readonly headers: readonly HeaderReport[];
  /** The layer that wrote the response; null where the response is good, or does not show it. */
  readonly author: ResponseAuthor | null;
  readonly failure: ProbeFailure | null;
}

export interface HeaderReport {
  readonly name: string;
  readonly value: string;
}

export interface ResponseAuthor {
  readonly layer: string;
  readonly isGateway: boolean;
  readonly sentence: string;
}

/** A failure in the words of records (`#failures/failure-table.ts`). */
export interface ProbeFailure {
  readonly stage: Stage;
  readonly shape: Shape;
  readonly cause: Cause;
  readonly whose: Whose;
  readonly sentence: string;
  readonly usualCauses: readonly string[];
  readonly nextStep: string;
  readonly evidence: Readonly<Record<string, unknown>>;
}

/** Several GETs, one after the other, the first one included. */
export interface SeriesReport {
  readonly requests: number;
  readonly failed: number;
  /** The first failure; null: none. */
  readonly failure: ProbeFailure | null;
  readonly statuses: readonly { readonly status: number; readonly count: number }[];
  readonly connections: number;
  /** Requests on a connection that had served another one. */
  readonly reused: number;
  /** Of those, how many failed because the server ended the connection; each was repeated on a new one. */
  readonly stale: number;
  /** The first of these failures. */
  readonly staleFailure: ProbeFailure | null;
  readonly headMs: TimingReport | null;
  readonly totalMs: TimingReport | null;
  /** How many response heads took at most so long; the last entry (null) has the rest. */
  readonly histogram: readonly { readonly upToMs: number | null; readonly count: number }[];
}

export interface TimingReport {
  readonly min: number;
  readonly median: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** What `--write` allows: one of each. */
export interface WriteReport {
  readonly post: HttpReport;
  readonly largeHeader: HttpReport;
  readonly webSocket: HttpReport;
}

/**
 * Where the fault is. `application`: the direct way fails. `gateway`: the gateway cannot be reached, or refuses by itself.
 * `between`: the gateway is reached, and what it gets from the application, or sends to it, is not what the direct way gets.
 * `direct`: only the direct way fails.
 */
export type FaultyLayer = 'application' | 'gateway' | 'between' | 'direct';

export interface ProbeVerdict {
  readonly works: boolean;
  /** Null if it works. */
  readonly layer: FaultyLayer | null;
  readonly stage: Stage | null;
  /** Null if a gateway answers with an error and does not say of which kind. */
  readonly shape: Shape | null;
  readonly cause: string | null;
  readonly sentence: string;
  readonly nextStep: string | null;
  /** What does not fail and is worth knowing. */
  readonly notes: readonly string[];
}
