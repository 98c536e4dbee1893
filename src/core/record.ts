import type { EndKind, RetryReason, TunnelFacts } from './exchange.ts';
import type { Cause, Evidence } from '#failures/failure.ts';
import type { GatewayState } from './gateway-state.ts';
import type { SnakeCased } from '#failures/json-case.ts';
import type { ProxyErrorType } from '#failures/proxy-error.ts';
import type { Delivery, Shape, Whose } from '#failures/shape.ts';
import type { Stage } from '#failures/stage.ts';

/** The version of the record's schema. Readers keep keys they do not know. */
export const recordVersion = 1;

/**
 * The record of an exchange, with all its keys. Its line in the log leaves out keys that have their default value
 * (`record-defaults.ts`): `record/write-record.ts` writes it, `record/parse-record.ts` reads it.
 */
export interface ExchangeRecord {
  readonly v: typeof recordVersion;
  /** `tunnel`: it became one by an upgrade, and `bytes_…` are the tunnel's. */
  readonly kind: 'exchange' | 'tunnel';
  readonly id: string;
  /** Null if the request belongs to no trace. */
  readonly trace_id: string | null;
  /** RFC 3339, milliseconds, UTC: when the request's first byte came. */
  readonly at: string;
  /** The key of the process that served it, which its line of kind `process` explains. */
  readonly process: string | null;
  /** This and the two keys after it are null if the log has no line of the process. */
  readonly deployment: string | null;
  readonly member: string | null;
  /** When this process started: RFC 3339. */
  readonly process_started_at: string | null;
  readonly worker: number;
  readonly revision: number;
  readonly route: string | null;
  readonly upstream: string | null;
  readonly application: string | null;
  /** The release of the application that the last endpoint runs; absent without one. */
  readonly release?: string;
  readonly client: {
    readonly address: string;
    readonly port: number;
    readonly peer: string;
    readonly protocol: string;
  };
  readonly tls: { readonly version: string; readonly sni: string | null; readonly cipher: string | null } | null;
  readonly method: string;
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly path: string;
  /** Values that are not allow-listed are replaced by "…"; null without a query. */
  readonly query: string | null;
  /** The request headers that `log.headers` names; absent if the request had none of them. */
  readonly headers?: Readonly<Record<string, string>>;
  /** How long filters of the route suspended the request in total; absent if none did. */
  readonly filter_ms?: number;
  /** How long the request waited for its body before it got a connection; absent if it did not, or less than 1 ms. */
  readonly body_ms?: number;
  /** How long the request has waited until an endpoint was ready; absent if it has not. */
  readonly waited_ms?: number;
  /** `new`: the client got a cookie for its endpoint; `moved`: it had one for another endpoint, which could not get the request. Absent: neither. */
  readonly session?: 'new' | 'moved';
  /** How long the request has waited for its turn, because requests in flight are bounded, or because its address has flooded the gateway; absent if it has not, or less than 1 ms. */
  readonly turn_ms?: number;
  readonly attempts: readonly AttemptRecord[];
  /** The status that was sent to the client; null if it left before that. */
  readonly status: number | null;
  /** The status of the endpoint; null if none came. */
  readonly received_status: number | null;
  /** Of a gRPC response; −1: it came without one, so that its client takes it for UNKNOWN. */
  readonly grpc_status: number | null;
  readonly shape: Shape;
  readonly type: ProxyErrorType | null;
  readonly cause: Cause | null;
  readonly whose: Whose | null;
  readonly stage: Stage | null;
  readonly detail: string | null;
  /** The evidence of the cause; absent without one, and where the last attempt has it. */
  readonly evidence?: SnakeCased<Evidence[Cause]>;
  readonly delivery: Delivery;
  readonly end: EndKind;
  readonly bytes_in: number;
  readonly bytes_out: number;
  readonly duration_ms: number;
  /** For a tunnel: how it ended, and which side ended it. Absent for other exchanges. */
  readonly tunnel?: {
    readonly protocol: string;
    readonly how: TunnelFacts['how'];
    readonly by: TunnelFacts['by'];
    /** The status code of the first close frame; null if there was none. */
    readonly close_code: number | null;
  };
  /** What the gateway knew when the exchange ended; absent from successes. */
  readonly gateway_state?: GatewayState;
}

/** The record of the exchanges that a worker had in flight when it was lost: one line for all of them. */
export interface LostRecord {
  readonly v: typeof recordVersion;
  readonly kind: 'lost';
  /** When the loss was noticed: RFC 3339, milliseconds, UTC. */
  readonly at: string;
  /** The key of the process that served it, which its line of kind `process` explains. */
  readonly process: string | null;
  /** This and the two keys after it are null if the log has no line of the process. */
  readonly deployment: string | null;
  readonly member: string | null;
  /** When this process started: RFC 3339. */
  readonly process_started_at: string | null;
  readonly worker: number;
  readonly revision: number;
  /** How many exchanges have no record of their own. */
  readonly exchanges: number;
  /**
   * Client connections that ended with the worker and had bytes that it had not read: requests that it
   * never saw, or more of those in flight. Null if not known, because the worker ended by itself.
   */
  readonly unread_connections: number | null;
  /** Why the worker was lost, in words. */
  readonly reason: string;
}

/**
 * What is the same in every record of a process. A log has this line at its beginning and whenever it was opened again, so that
 * the records of the process need only its key.
 */
export interface ProcessRecord {
  readonly v: typeof recordVersion;
  readonly kind: 'process';
  /** Six characters: 0 to 9 and a to z. */
  readonly process: string;
  /** When the line was written: RFC 3339, milliseconds, UTC. */
  readonly at: string;
  readonly deployment: string;
  readonly member: string;
  /** When the process started: RFC 3339. */
  readonly started_at: string;
  /** The version of the program. */
  readonly version: string;
  readonly pid: number;
}

export interface AttemptRecord {
  readonly endpoint: string;
  readonly address: string;
  readonly state: string;
  /** true: the address was the last known one of a name whose lookup has failed since; otherwise absent. */
  readonly address_stale?: true;
  /** Of the connection to the endpoint, if it was not HTTP/1.1. */
  readonly protocol?: 'HTTP/2';
  readonly reused: boolean;
  readonly idle_ms: number | null;
  readonly local_port: number | null;
  /** Milliseconds since the exchange began; null if the stage was not reached. */
  readonly started_ms: number;
  /** When the attempt got a connection after waiting for one; absent if it did not wait, or waited in vain. */
  readonly queued_ms?: number;
  readonly dns_ms: number | null;
  readonly connected_ms: number | null;
  readonly tls_ms: number | null;
  readonly sent_ms: number | null;
  readonly head_ms: number | null;
  readonly ended_ms: number;
  readonly status: number | null;
  readonly cause: Cause | null;
  readonly stage: Stage | null;
  readonly evidence: SnakeCased<Evidence[Cause]> | null;
  readonly exit: {
    readonly code: number | null;
    readonly signal: string | null;
    readonly oom: boolean;
    readonly before_ms: number;
    readonly last_line: string | null;
    /** Candor stopped it; `replaced_by`: the instance that had replaced it, null if none had. Absent: it ended otherwise. */
    readonly stopped?: { readonly replaced_by: string | null };
    /** Only in responses of a running gateway: the exit became known this long after the exchange was answered. */
    readonly after_answer_ms?: number;
  } | null;
  readonly retry: boolean;
  readonly retry_reason: RetryReason;
  /** Bytes that came with the end of the response, behind it: the gateway has dropped them, and closed the connection. Absent: none. */
  readonly surplus_bytes?: number;
  /** Bytes of the request's body that the connection took, and of the response's that came. Absent: none, or the only attempt of a success. */
  readonly bytes_to_endpoint?: number;
  readonly bytes_from_endpoint?: number;
}
