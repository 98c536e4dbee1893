/** Requests of one kind that clients send again and again. `{n}` in the path is a number by chance. */
export interface Flow {
  readonly method: string;
  readonly path: string;
  readonly perSecond: number;
  /** Addresses of the clients; all ordinary ones without it. */
  readonly clients?: readonly string[];
  readonly timeoutMs?: number;
  readonly body?: string;
  /** The body is sent over this time. */
  readonly bodyMs?: number;
  /** The client leaves when so much of the response has come. */
  readonly leavesAfterBytes?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** How often a request that failed is sent again at once. */
  readonly retries?: number;
  /** Clients that are no customers: what they get is not counted as harm. */
  readonly isOutsider?: true;
}

/** What clients have seen of one kind of requests within one second. */
export interface FlowSecond {
  requests: number;
  /** A status of 500 or more, a reset, a cut, a timeout. */
  failed: number;
  /** Answers that differ from those before the outage. */
  different: number;
  /** Answers that took more than three times as long as before. */
  slow: number;
}

/** What the lab tells the process of the clients. */
export type ClientOrder =
  | { readonly kind: 'flows'; readonly flows: Readonly<Record<string, Flow>> }
  | { readonly kind: 'learned' }
  | { readonly kind: 'streams'; readonly events: number; readonly sockets: number };

/** What that process tells the lab, each second. */
export interface ClientReport {
  readonly second: number;
  readonly flows: Readonly<Record<string, FlowSecond>>;
  /** What else is worth knowing of failures: how often each error was seen. */
  readonly errors: Readonly<Record<string, number>>;
}

/** The addresses of ordinary clients. */
export const addresses: readonly string[] = addressesFrom(1, 14);

/** So many addresses, from `127.0.66.<first>` on. */
export function addressesFrom(first: number, count: number): string[] {
  return Array.from({ length: count }, (_each, index) => `127.0.66.${first + index}`);
}

const usualFlows: readonly (readonly [method: string, path: string, perSecond: number])[] = [
  ['GET', '/', 3],
  ['GET', '/api/cart', 6],
  ['POST', '/api/cart', 3],
  ['GET', '/api/cart/count', 5],
  ['POST', '/api/checkout', 3],
  ['GET', '/api/checkout/options', 2],
  ['GET', '/api/orders', 3],
  ['GET', '/api/orders/{n}', 3],
  ['GET', '/api/session', 5],
  ['GET', '/search?q={n}', 5],
  ['GET', '/search/suggest?q={n}', 4],
  ['GET', '/static/app.js', 3],
  ['GET', '/static/style.css', 3],
  ['GET', '/products', 4],
  ['GET', '/products/{n}', 6],
  ['GET', '/reports/monthly', 0.3],
];

/** The flow of ordinary clients, by names such as `GET /api/cart`; each is sent `factor` times as often. */
export function ordinaryFlows(factor = 1): Readonly<Record<string, Flow>> {
  return Object.fromEntries(
    usualFlows.map(([method, path, perSecond]) => [
      `${method} ${path}`,
      { method, path, perSecond: perSecond * factor },
    ]),
  );
}
