import type { CountedMethod } from './attempt-counts.ts';
import type { EndKind } from './exchange.ts';
import type { Cause } from '#failures/failure.ts';
import type { Shape, Whose } from '#failures/shape.ts';
import { clientNetwork } from './route-traffic.ts';

/** Requests that failed and have these in common. */
export interface CountedRequests {
  readonly method: CountedMethod;
  /** That the client got; 0: none. */
  readonly status: number;
  /** Of the target as the client sent it, without the query; '': there were too many, or it was too long. */
  readonly path: string;
  count: number;
}

/** Requests of one client that failed. */
export interface CountedClient {
  /** See `clientNetwork`. */
  readonly client: string;
  count: number;
}

/** Clients that are told apart in one count. */
const countedClientsMax = 16;

/** Counts a failure of a client. Returns whether it has one entry more. */
export function addClient(clients: CountedClient[], counted: string, max = countedClientsMax): boolean {
  const client = clientNetwork(counted);
  for (const known of clients)
    if (known.client === client) {
      known.count += 1;
      return false;
    }
  if (clients.length >= max) return false;
  clients.push({ client, count: 1 });
  return true;
}

/**
 * Counts of exchanges by bounded labels: routes and upstreams come from the configuration, the others from unions.
 * Workers send sums since their last batch; the main thread adds them up.
 */
export interface ExchangeCount {
  readonly route: string;
  readonly upstream: string;
  readonly statusClass: '1xx' | '2xx' | '3xx' | '4xx' | '5xx' | 'none';
  readonly shape: Shape;
  readonly cause: Cause | 'none';
  /** Of workers, who caused the failure, as their records say it; null: there is none. Absent in totals. */
  readonly whose?: Whose | null;
  /** Of workers: the time was over that their clients had set. Absent in totals. */
  readonly isClientDeadline?: boolean;
  /** Of workers, when the first of them ended: milliseconds since the Unix epoch. Absent in totals. */
  firstEndedAt?: number;
  /** Of workers, when the earliest of them began, which may have ended later: milliseconds since the Unix epoch. Absent in totals. */
  firstStartedAt?: number;
  readonly end: EndKind;
  /** The status of a gRPC response: a number up to 16, 'missing' or 'other'; null: it is none. */
  readonly grpcStatus: string | null;
  /** Of workers: their durations are lifetimes of tunnels and streams, which say nothing of how fast requests are answered. Absent in totals. */
  readonly isLongLived?: boolean;
  /** Of workers, of long-lived ones: exchanges by the time until the head of the response, in the cells of `durations`. Absent elsewhere. */
  readonly heads?: number[];
  /** Of workers, where requests succeeded: whose the last one was (`countedClient`), as a sample; ''. Absent in totals. */
  client?: string;
  /** Of workers, where requests failed: how many of which client; of a batch not all are told apart. Absent in totals. */
  clients?: CountedClient[];
  /** Of workers, where requests failed: which ones; of a batch not all are told apart. Absent in totals. */
  requests?: CountedRequests[];
  /** Of workers: what the requests were (`traitKey`), each key followed by its count; of a batch not all are told apart. Absent in totals. */
  traits?: number[];
  /** Of workers: how many of them are retries of their clients (`ClientRetries`). Absent in totals. */
  clientRetries?: number;
  count: number;
  durationMsSum: number;
  /** The shortest and the longest; Infinity and 0 without exchanges. */
  durationMsMin: number;
  durationMsMax: number;
  bytesIn: number;
  bytesOut: number;
  /** Exchanges by duration, one cell per bound of `durationBoundsMs` and one for the rest; not cumulative. */
  readonly durations: number[];
}

/** Twenty bounds in each power of ten, each at most 17 % above the one before: that is the error of a quantile. */
const boundsOfDecade = [1, 1.1, 1.25, 1.4, 1.6, 1.8, 2, 2.25, 2.5, 2.75, 3, 3.5, 4, 4.5, 5, 5.5, 6, 7, 8, 9] as const;

/** Upper bounds of the duration histogram, in milliseconds: from 0.1 ms to 100 s. The bounds of the metrics are among them. */
export const durationBoundsMs: readonly number[] = [
  // Below 1 ms by division: 1.1 / 10 is the number printed as 0.11, and 1.1 * 0.1 is not.
  ...boundsOfDecade.map((bound) => bound / 10),
  ...[1, 10, 100, 1000, 10_000].flatMap((power) =>
    boundsOfDecade.map((bound) => Math.round(bound * power * 100) / 100),
  ),
  100_000,
];

/** Where a cell of that histogram begins. */
export const startOfDuration = (cell: number): number => (cell === 0 ? 0 : (durationBoundsMs[cell - 1] as number));

/** Gauges and totals of one worker. */
export interface WorkerCounts {
  readonly worker: number;
  clientConnections: number;
  clientConnectionsTotal: number;
  /** Connections that were reset, or answered with the reason and closed, for one of the five reasons below. */
  clientConnectionsRefused: number;
  /** All workers together had as many connections as allowed. */
  refusedAtMax: number;
  /** All workers together had as many connections of that address as allowed. */
  refusedAtAddressMax: number;
  /** The connection could not be counted: the thread that held the lock was not scheduled, or had ended. */
  refusedUncounted: number;
  /** The process has hardly any descriptor left. */
  refusedWithoutDescriptor: number;
  /** The worker has hardly any memory left. */
  refusedWithoutMemory: number;
  /** Connections that waited before they were served, because their address had flooded. */
  clientConnectionsDelayed: number;
  /** TLS handshakes that waited because their address had begun too many, and the address of the last one; '' before the first. */
  handshakesDelayed: number;
  lastDelayedHandshake: string;
  /** 1 while the worker accepts no connections because its memory is nearly used up, 2 while it refuses requests because its event loop is late, else 0. */
  shedding: number;
  /** How often a new connection found descriptors scarce, and how many idle connections were closed for it. */
  descriptorsScarce: number;
  closedForDescriptors: number;
  /** The last address that was refused; '' before the first. */
  lastRefusedAddress: string;
  /** The last address that had as many connections as one address may have; '' before the first. */
  lastAddressAtMax: string;
  exchangesActive: number;
  /** How many of `exchangesActive` are tunnels. */
  tunnelsActive: number;
  /** Bytes that wait in buffers: of requests for the rest of their body and a connection, of responses for their client. */
  bufferedRequestBytes: number;
  bufferedResponseBytes: number;
  upstreamConnections: number;
  upstreamConnectionsIdle: number;
  upstreamConnectionsLongLived: number;
  upstreamConnectionsTotal: number;
  upstreamReusesTotal: number;
  /** Idle connections that the endpoint had closed, detected before a request was sent on them. */
  staleReusesAvoided: number;
  /** Attempts on a connection that the endpoint was closing, with and without a further attempt. */
  staleReusesRetried: number;
  staleReusesFailed: number;
  /** Attempts that followed another one, those that were made beside another one, and those that the budget did not allow. */
  retriesTotal: number;
  hedgesTotal: number;
  retriesOverBudgetTotal: number;
  /** Requests that wait until an endpoint is ready, and those that have begun to wait. */
  readyWaiters: number;
  readyWaitsTotal: number;
  /** Failures without an entry in the tables. A value above 0 is a defect of Candor. */
  unclassifiedTotal: number;
}

/** The counts of a worker at its start. */
export function noCounts(worker: number): WorkerCounts {
  return {
    worker,
    clientConnections: 0,
    clientConnectionsTotal: 0,
    clientConnectionsRefused: 0,
    refusedAtMax: 0,
    refusedAtAddressMax: 0,
    refusedUncounted: 0,
    refusedWithoutDescriptor: 0,
    refusedWithoutMemory: 0,
    clientConnectionsDelayed: 0,
    handshakesDelayed: 0,
    lastDelayedHandshake: '',
    shedding: 0,
    descriptorsScarce: 0,
    closedForDescriptors: 0,
    lastRefusedAddress: '',
    lastAddressAtMax: '',
    exchangesActive: 0,
    tunnelsActive: 0,
    bufferedRequestBytes: 0,
    bufferedResponseBytes: 0,
    upstreamConnections: 0,
    upstreamConnectionsIdle: 0,
    upstreamConnectionsLongLived: 0,
    upstreamConnectionsTotal: 0,
    upstreamReusesTotal: 0,
    staleReusesAvoided: 0,
    staleReusesRetried: 0,
    staleReusesFailed: 0,
    retriesTotal: 0,
    hedgesTotal: 0,
    retriesOverBudgetTotal: 0,
    readyWaiters: 0,
    readyWaitsTotal: 0,
    unclassifiedTotal: 0,
  };
}

/** Where at least three quarters ended within one step of the table: that duration. */
export function commonDuration(durations: ArrayLike<number>): number | null {
  const cell = commonCell(durations);
  return cell === null ? null : (durationBoundsMs[cell] ?? null);
}

/** The cell in which, or next to which, at least three quarters are. */
export function commonCell(durations: ArrayLike<number>): number | null {
  let all = 0;
  let most = 0;
  for (let cell = 0; cell < durations.length; cell++) {
    all += durations[cell] as number;
    if ((durations[cell] as number) > (durations[most] as number)) most = cell;
  }
  const near = (durations[most] as number) + (durations[most + 1] ?? 0) + (durations[most - 1] ?? 0);
  return all < 1 || near < 0.75 * all ? null : most;
}
