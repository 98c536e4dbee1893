import type { ProxyErrorType } from '../core/proxy-error.ts';
import type { Shape, Whose } from '../core/shape.ts';
import type { Stage } from '../core/stage.ts';

/** Whose log it is. A product that is built on another has a name of its own where its lines tell the two apart. */
export const gateways = [
  'nginx',
  'openresty',
  'ingress-nginx',
  'kong',
  'apisix',
  'apache',
  'haproxy',
  'envoy',
  'istio',
  'caddy',
  'traefik',
  'aws-alb',
  'aws-clb',
  'heroku',
  'varnish',
  'node',
  'fly',
  'vercel',
  'gcp-lb',
  'candor',
] as const;

export type GatewayProduct = (typeof gateways)[number];

/** Who made the failure. 'application': it answered so itself, or broke off; 'client': it is no failure of the gateway's. */
export type Born = 'cdn-edge' | 'load-balancer' | 'reverse-proxy' | 'platform-edge' | 'application' | 'client';

/**
 * 'access': about one exchange that has ended. 'error': about a failure that happened, of an exchange or of a check.
 * 'event': about the gateway or an endpoint, such as a health check's change of mind; it says nothing of one request.
 */
export type LineKind = 'access' | 'error' | 'event';

/** 'unknown': something went wrong, and this line cannot tell what. A guess would be an error. */
export type FindingShape = Shape | 'unknown';

/** What to do about it: of that gateway, exact, and in words that can be copied. */
export interface Fix {
  /** One sentence in the imperative: "Raise `proxy_read_timeout` above what the application needs". */
  readonly text: string;
  /** Lines of that gateway's configuration, or a command; null where it is not its configuration that is to change. */
  readonly snippet: string | null;
}

/** What one line says. */
export interface Finding {
  readonly gateway: GatewayProduct;
  /** The format's name, for people: "nginx error log", "nginx access log (combined)". */
  readonly format: string;
  readonly kind: LineKind;
  /** Milliseconds since the Unix epoch; null where the line has no time, or none with a date. */
  readonly atMs: number | null;
  readonly shape: FindingShape;
  /** RFC 9209 §2.3; null where nothing failed on the gateway's way to the application, or nobody can tell. */
  readonly type: ProxyErrorType | null;
  readonly stage: Stage | null;
  readonly born: Born | null;
  readonly whose: Whose | null;
  /** What the client was answered with; null where the line does not say. */
  readonly status: number | null;
  /** The endpoint or pool, as the line has it; null where it names none. */
  readonly upstream: string | null;
  /** "GET /path", as the line has it and never longer than 200 characters; null where it names none. */
  readonly request: string | null;
  /** How long it took, where the line says so. */
  readonly durationMs: number | null;
  /** The words or fields that decided, in the line's own spelling: `(111: Connection refused)`, `flags=UF`. Never empty for a failure. */
  readonly evidence: readonly string[];
  /** One sentence for people: what happened. Empty where nothing went wrong. */
  readonly sentence: string;
  readonly fix: Fix | null;
  /**
   * What joins lines of one failure: a connection's number of nginx, a request's id, the pair of Apache's codes.
   * Lines with the same key within some seconds are one failure; null where the line stands for itself.
   */
  readonly joins: string | null;
  /** That this line only says what an earlier failure led to (`no live upstreams`, `disabled connection`). */
  readonly isConsequence: boolean;
}

/** Failures of the gateway's way to the application: what counts, and what exit code 1 is for. */
export function isGatewayFailure({ shape }: Pick<Finding, 'shape'>): boolean {
  return shape !== 'none' && shape !== 'app_error' && shape !== 'client_abort';
}
