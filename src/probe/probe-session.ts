import { Deadlines } from '../core/deadline.ts';
import type { UpstreamTls } from '../core/upstream-spec.ts';
import type { Connector } from '../core/connector.ts';
import { hostPort } from '../core/endpoint.ts';
import type { Cause, Failure } from '#failures/failure.ts';
import type { PooledConnection, PooledConnectionOwner } from '../core/pooled-connection.ts';
import type { Transport } from '../core/transport.ts';
import { Dial, type DialTarget } from '../upstream/dial.ts';
import { Http2EndpointConnection } from '../upstream/h2/connection.ts';
import { Http1Connection } from '../upstream/http1-connection.ts';
import { OtherProtocolLook } from '../upstream/other-protocol.ts';
import { protocolsOffered } from '../upstream/pool-dial.ts';
import { ByteWriter } from '../wire/byte-writer.ts';
import { HeadStorage } from '../wire/head-storage.ts';
import { responseLimits } from '../wire/limits.ts';
import { probeFailure, type ProbeFailure, type HttpReport, roundedMs } from './probe-report.ts';
import { ProbeExchange, type ProbeRequest } from './probe-exchange.ts';
import type { ProbeLimits, ProbePorts } from './probe-ports.ts';

/** What the sessions of one probe share. */
export interface SessionPorts extends ProbePorts {
  readonly connector: Connector;
  readonly deadlines: Deadlines;
  readonly writer: ByteWriter;
  readonly storage: HeadStorage;
}

export function sessionPorts(ports: ProbePorts, connector: Connector): SessionPorts {
  const shared = { deadlines: new Deadlines(ports.clock, 5), writer: new ByteWriter(), storage: new HeadStorage() };
  return { ...ports, connector, ...shared };
}

/** One literal address, and how connections to it are made. */
export interface SessionTarget {
  readonly host: string;
  readonly port: number;
  /** The name to ask for in TLS, and that the certificate must have. */
  readonly name: string;
  readonly tls: UpstreamTls | null;
  /** Whether HTTP/2 is spoken: within TLS if the server agrees, in clear text without asking. */
  readonly http2: boolean;
  readonly limits: ProbeLimits;
}

/** An answer to a request in another protocol than the server's. */
const closed: ReadonlySet<Cause> = new Set(['closed_before_response', 'reset_before_response']);

/** How a connection was made, or why not. */
interface DialReport {
  readonly address: string;
  readonly connectMs: number | null;
  readonly tlsMs: number | null;
  readonly failure: ProbeFailure | null;
}

/** Requests to one address, one after the other, on one connection as long as the server keeps it. */
export class ProbeSession implements PooledConnectionOwner {
  /** Announces no end to the server (see `PooledConnectionOwner`). */
  readonly reusesConnections = true;
  readonly address: string;
  connections = 0;
  /** How the last connection was made. */
  lastDial: DialReport | null = null;
  readonly #target: SessionTarget;
  readonly #ports: SessionPorts;
  #connection: PooledConnection | null = null;

  constructor(target: SessionTarget, ports: SessionPorts) {
    this.#target = target;
    this.#ports = ports;
    this.address = hostPort(target.host, target.port);
  }

  /** Sends a request, on a new connection if there is none. Null if no connection could be made: `lastDial` says why. */
  async request(request: ProbeRequest): Promise<HttpReport | null> {
    const open = (this.#connection?.streamsFree ?? 0) > 0 ? this.#connection : null;
    const connection = open ?? (await this.#connect());
    if (connection === null) return null;
    // No event of the socket can come between a connection and its first request: only microtasks lie between them.
    const stream = connection.openStream(this.#ports.clock.now());
    const report = await new ProbeExchange(stream, request, this.#target.limits, this.#ports).done;
    const { tls, http2 } = this.#target;
    const wasClosed = report.failure !== null && closed.has(report.failure.cause);
    if (!wasClosed || tls !== null || http2 || report.isReused) return report;
    const spoken = await this.#otherProtocol();
    return spoken === null ? report : { ...report, failure: probeFailure(spoken) };
  }

  /** What the address speaks in place of HTTP, as a failure; null: nothing that is known. */
  #otherProtocol(): Promise<Failure | null> {
    return new Promise((resolve) => {
      new OtherProtocolLook(this.#dialTarget, this.#ports, resolve).begin();
    });
  }

  close(): void {
    this.#connection?.close();
  }

  async #connect(): Promise<PooledConnection | null> {
    const transport = await this.#dial();
    if (transport === null) return null;
    this.connections++;
    const { http2 } = this.#target;
    const protocol = http2 ? ('http2' as const) : ('http1' as const);
    const settings = { address: this.address, responseHeadBytesMax: responseLimits.headBytesMax, protocol };
    const { tls } = transport.facts;
    this.#connection = (tls === null ? http2 : tls.alpn === 'h2')
      ? new Http2EndpointConnection(transport, settings, this.#ports, this)
      : new Http1Connection(transport, settings, this.#ports, this);
    return this.#connection;
  }

  #dial(): Promise<Transport | null> {
    const { clock } = this.#ports;
    const begunAt = clock.now();
    let connectMs: number | null = null;
    let tlsMs: number | null = null;
    const address = this.address;
    return new Promise((resolve) => {
      const over = (transport: Transport | null, failure: Failure | null): void => {
        this.lastDial = { address, connectMs, tlsMs, failure: failure === null ? null : probeFailure(failure) };
        resolve(transport);
      };
      new Dial(this.#dialTarget, this.#ports, {
        onStageDone: (stage) => {
          if (stage === 'connect') connectMs = roundedMs(clock.now() - begunAt);
          if (stage === 'tls') tlsMs = roundedMs(clock.now() - begunAt - (connectMs ?? 0));
        },
        onDialed: (transport) => over(transport, null),
        onDialFailed: (failure) => over(null, failure),
      }).begin();
    });
  }

  get #dialTarget(): DialTarget {
    const { host, port, name, tls, http2, limits } = this.#target;
    const address = { kind: 'tcp', host, port } as const;
    const alone = { secondAddress: null, addressText: this.address, header: null };
    return { ...alone, address, name, tls, protocols: protocolsOffered(http2 ? 'http2' : 'http1'), limits };
  }

  // The owner of its connection.

  onStreamEnded(): void {}

  onStreamsFreeChanged(): void {}

  onHttp1Required(): void {}

  onReserved(): void {}

  onConnectionClosed(connection: object): void {
    if (this.#connection === connection) this.#connection = null;
  }
}
