import type { EndpointProtocol } from '../core/upstream-spec.ts';
import type { EndpointAnswers } from './endpoint-answers.ts';
import type { Connector, UnknownCode } from '../core/connector.ts';
import type { WorkerCounts } from '../core/counters.ts';
import type { Deadlines } from '../core/deadline.ts';
import type { EndpointId } from '../core/endpoint.ts';
import type { SemaphoreSource } from '../core/semaphores.ts';
import type { UpstreamSnapshot } from '../core/snapshot.ts';
import type { Random } from '../core/random.ts';
import type { PooledConnection, PooledConnectionOwner } from '../core/pooled-connection.ts';
import type { Clock } from '../core/time.ts';
import type { ServerCertificate, Transport } from '../core/transport.ts';
import type { ConnectionOwners } from './private-connections.ts';
import type { CreateBalancer } from '../policy/balancer.ts';
import type { HeadStorage } from '../wire/head-storage.ts';
import type { ByteWriter } from '../wire/byte-writer.ts';

/** What this room needs from the others. */
export interface UpstreamPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly deadlines: Deadlines;
  readonly connector: Connector;
  /** What is counted over all workers. */
  readonly semaphores: SemaphoreSource;
  readonly writer: ByteWriter;
  readonly storage: HeadStorage;
  readonly counts: WorkerCounts;
  readonly onUnclassified: (unknown: UnknownCode) => void;
  /** The connections of clients that have private connections to endpoints. */
  readonly owners: ConnectionOwners;
  /** Called after each handshake with an endpoint. Absent: nobody asks. */
  readonly onServerCertificate?: (endpoint: EndpointId, certificate: ServerCertificate) => void;
  /** Makes a connection of what was dialed. Absent: of the protocol that ALPN has agreed on, or the settings say. */
  readonly createConnection?: CreateConnection;
  /** How many long-lived connections each endpoint may have, in all workers; absent: `longLivedMax`. */
  readonly longLivedMax?: number;
  /**
   * How to create the balancer of an upstream. It is asked again when the upstream changes; another answer replaces the
   * balancer. Absent: the one that the configuration names (`balancers.ts`).
   */
  readonly balancerOf?: (upstream: UpstreamSnapshot) => CreateBalancer;
  /** An endpoint of the upstream has said in a response that it wants no new requests. */
  /** An endpoint has refused a connection. The request may go on for long: it waits, or is tried elsewhere. */
  readonly onRefused?: (endpoint: EndpointId) => void;
}

/** What the pool says of a new connection. */
export interface ConnectionSettings {
  readonly address: string;
  readonly responseHeadBytesMax: number;
  /** What is spoken without negotiation, where the connection is in clear text. */
  readonly protocol: EndpointProtocol;
  /** Counts what the endpoint answers on all of its connections; absent: its answers are not counted. */
  readonly answers?: EndpointAnswers;
}

export type CreateConnection = (
  transport: Transport,
  settings: ConnectionSettings,
  ports: UpstreamPorts,
  owner: PooledConnectionOwner,
) => PooledConnection;
