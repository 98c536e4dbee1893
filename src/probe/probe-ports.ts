import type { UpstreamTls } from '../core/upstream-spec.ts';
import type { Connector, UnknownCode } from '../core/connector.ts';
import type { NameResolver } from '../core/name-resolver.ts';
import type { Random } from '../core/random.ts';
import type { Clock } from '../core/time.ts';
import type { ResponseAuthor } from './probe-report.ts';

/** What a probe needs from its program. */
export interface ProbePorts {
  readonly clock: Clock;
  readonly random: Random;
  /** Default: real sockets. */
  readonly connector?: Connector;
  /** Default: the names of this machine. */
  readonly resolver?: NameResolver;
  /** Who wrote a response; null where the response does not show it. */
  readonly authorOf: (response: ProbedResponse) => ResponseAuthor | null;
  /** Called for an error code that no table has. */
  readonly onUnclassified: (unknown: UnknownCode) => void;
  /** Called as steps begin: 'direct: GET 3 of 10'. */
  readonly onStep: (step: string) => void;
}

export interface ProbedResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  /** Its beginning. */
  readonly body: string;
}

export interface ProbeLimits {
  readonly dnsMs: number;
  readonly connectMs: number;
  readonly tlsMs: number;
  /** From the request to the whole response head. */
  readonly headMs: number;
  /** Between two bytes of a response. */
  readonly idleMs: number;
  /** For one whole exchange; a body that is still coming then is left unread. */
  readonly totalMs: number;
  /** For all further requests of the series. */
  readonly seriesMs: number;
  /** The first GET reads so much of its body, and each further request as much as `furtherBytesMax`. */
  readonly bodyBytesMax: number;
  readonly furtherBytesMax: number;
}

export interface ProbeOptions {
  readonly target: URL;
  /** The same path through a gateway; null: the direct way alone. */
  readonly via: URL | null;
  /** Sent as Host on both ways, and asked for in TLS; null: the host of each URL. */
  readonly host: string | null;
  /** GETs on each way, the first one included. */
  readonly requests: number;
  readonly allowsWrite: boolean;
  /** Speaks HTTP/2: within TLS where the server agrees, in clear text (without asking) on the direct way alone. */
  readonly http2: boolean;
  /** As `address:port`; empty: the system's. */
  readonly nameServers: readonly string[];
  readonly tls: Pick<UpstreamTls, 'verify' | 'ca'>;
  readonly userAgent: string;
  readonly limits: ProbeLimits;
}

/** The limits for a timeout of each step. Between two bytes half of it may pass, so that a stalled head is told from a slow one. */
export function limitsFor(timeoutMs: number): ProbeLimits {
  return {
    dnsMs: timeoutMs,
    connectMs: timeoutMs,
    tlsMs: timeoutMs,
    headMs: timeoutMs,
    idleMs: timeoutMs / 2,
    totalMs: timeoutMs * 2,
    seriesMs: timeoutMs * 3,
    bodyBytesMax: 64 * 1024 * 1024,
    furtherBytesMax: 1024 * 1024,
  };
}
