import type { FailureCount } from './failure-count.ts';

/**
 * Attempts of the requests of one route at one endpoint since a worker's last batch. What one endpoint does on a route is compared with what the others
 * do there, and what a route does with its own past.
 */
export interface RouteTraffic {
  readonly route: string;
  readonly upstream: string;
  readonly endpoint: string;
  /** Attempts that were answered. */
  readonly answered: number;
  /** How many of them with 5xx, or a gRPC status that says the same. */
  readonly serverErrors: number;
  /** Attempts that got a connection and no whole response, and count against the health of the endpoint; absent: none. */
  readonly failures?: number;
  /** From the start of an attempt to its response head, by cells (`latency-cells.ts`); each cell that is not empty, and its count. */
  readonly latencies: readonly number[];
  /** What whole responses below 500 were (`answerKey`): of each its key, its count, and a bit for each client, of 32; absent: not known. */
  readonly answers?: readonly number[];
  /** The same by pattern; absent: none. */
  readonly patterns?: readonly PatternAnswers[];
  /** First attempts that failed by the endpoint's doing, by cause; absent: none. What follows them is not independent of them. */
  readonly causes?: readonly FailureCount[];
  /** Some of the clients of these, as hashes; absent: none. */
  readonly failedClients?: readonly number[];
  /** Some of the attempts that were answered with 5xx. */
  readonly failed: readonly AttemptOfClient[];
  /** The slowest of those that took longer than `slowMs`, and those whose response has not begun for longer. */
  readonly slow: readonly AttemptOfClient[];
  readonly awaited: readonly AttemptOfClient[];
}

/** What an application answers at paths that look alike. */
export interface PatternAnswers {
  /** '/orders/#': numbers are left out, and of many names in one folder each ('/wiki/*'). */
  readonly pattern: string;
  /** As those of a route. */
  readonly answers: readonly number[];
  readonly latencies: readonly number[];
  /** How many of its answers were to clients that had no good one on the route before, by `newcomerCells`; absent: none. */
  readonly newcomers?: readonly number[];
  /** As of a route, and fewer; absent: none. */
  readonly slow?: readonly AttemptOfClient[];
}

/** The first lines of a 5xx of an application, without secrets. */
export interface ErrorBody extends Pick<RouteTraffic, 'route' | 'upstream' | 'endpoint'> {
  readonly status: number;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly lines: readonly string[];
}

export interface AttemptOfClient {
  /** A hash of the client's address. */
  readonly client: number;
  /** How long the response head took, or has not come. */
  readonly ms: number;
}

/** Numbers of one kind of answer in `answers`. */
export const answerParts = 3;

/** A response head that took no longer is not late on any route: the limit of each is above it (`lateLimitMs`). */
export const slowMs = 100;

/** What begins so is the name of a user in place of an address (`countedClient`). */
export const userPrefix = 'user ';

/** FNV-1a: tells clients apart without their addresses. */
export function clientHash(client: string): number {
  const text = clientNetwork(client);
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return hash >>> 0;
}

/** As what a client counts: the name of its user, or its address; of IPv6 the /64 ('2001:db8:0:1::/64'), every address of which one customer may use. */
export function clientNetwork(address: string): string {
  if (!address.includes(':') || address.startsWith(userPrefix)) return address;
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  // A dotted end stands for two groups.
  const groups = before.length + after.length + (address.includes('.') ? 1 : 0);
  const missing = tail === undefined ? 0 : Math.max(0, 8 - groups);
  const all = [...before, ...new Array<string>(missing).fill('0'), ...after];
  return `${all
    .slice(0, 4)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}

/** The cells that are not empty, each followed by its count: a route uses few of them. */
export function filledCells(cells: readonly number[]): number[] {
  const filled: number[] = [];
  for (let cell = 0; cell < cells.length; cell++) if (cells[cell] !== 0) filled.push(cell, cells[cell] as number);
  return filled;
}
