import type { ProxyErrorType } from '../../failures/src/proxy-error.ts';
import type { Shape, Whose } from '../../failures/src/shape.ts';
import type { Stage } from '../../failures/src/stage.ts';

/** The gateway that wrote the log. A product built on another has a name of its own if its lines show it. */
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
  'cloudflared',
  'cloudflare',
  'cloudfront',
  'fastly',
  'azure-app-gateway',
  'azure-front-door',
  'iis',
  'kamal-proxy',
  'go-proxy',
  'lighttpd',
  'linkerd',
  'candor',
] as const;

/** Programs on the application's side whose logs tell why a gateway failed. */
export const applicationProducts = [
  'php-fpm',
  'gunicorn',
  'uwsgi',
  'puma',
  'passenger',
  'nodejs',
  'jvm',
  'kernel',
  'systemd',
  'kubernetes',
  'docker',
] as const;

export type ApplicationProduct = (typeof applicationProducts)[number];

/** What wrote the line: a gateway, or a program on the application's side. */
export type GatewayProduct = (typeof gateways)[number] | ApplicationProduct;

/** Who made the failure. 'application': it sent the error itself, or broke off. 'client': no failure of the gateway's. */
export type Born = 'cdn-edge' | 'load-balancer' | 'reverse-proxy' | 'platform-edge' | 'application' | 'client';

/**
 * 'access': the line concerns one exchange that has ended. 'error': a failure that happened, of an exchange or of a
 * check. 'event': the gateway or an endpoint, such as a change of health; it concerns no single request.
 */
export type LineKind = 'access' | 'error' | 'event';

/** 'unknown': something failed, and this line cannot show what. A guess would be an error. */
export type FindingShape = Shape | 'unknown';

/** What to do, in the settings of that gateway, and with lines to copy. */
export interface Fix {
  /** One sentence in the imperative: "Raise `proxy_read_timeout` above what the application needs". */
  readonly text: string;
  /** Lines of that gateway's configuration, or a command; null if its configuration is not what has to change. */
  readonly snippet: string | null;
}

/** The verdict on one line. */
export interface Finding {
  readonly gateway: GatewayProduct;
  /** The format's name, for people: "nginx error log", "nginx access log (combined)". */
  readonly format: string;
  readonly kind: LineKind;
  /** 'likely': read from a part of a line, so that the gateway, or what the rest of the line said, is not certain. */
  readonly confidence: 'certain' | 'likely';
  /** Milliseconds since the Unix epoch; null if the line has no time, or none with a date. */
  readonly atMs: number | null;
  readonly shape: FindingShape;
  /** RFC 9209 §2.3; null if nothing failed between the gateway and the application, or if the line cannot show it. */
  readonly type: ProxyErrorType | null;
  readonly stage: Stage | null;
  readonly born: Born | null;
  readonly whose: Whose | null;
  /** The status that the client got; null if the line does not have it. */
  readonly status: number | null;
  /** The endpoint or pool, in the line's own spelling; null if it names none. */
  readonly upstream: string | null;
  /** "GET /path", in the line's own spelling and at most 200 characters; null if it names none. */
  readonly request: string | null;
  /** How long the exchange took, if the line has it. */
  readonly durationMs: number | null;
  /**
   * The words or fields that decided, in the line's own spelling: `(111: Connection refused)`, `flags=UF`. Never empty
   * for a failure.
   */
  readonly evidence: readonly string[];
  /** One sentence for people: what happened. Empty if nothing failed. */
  readonly sentence: string;
  readonly fix: Fix | null;
  /**
   * Joins the lines of one failure: nginx's connection number, a request id, Apache's process and thread. Lines with the
   * same key within some seconds are one failure; null if the line stands alone.
   */
  readonly joins: string | null;
  /** Whether this line only reports a consequence of an earlier failure (`no live upstreams`, `disabled connection`). */
  readonly isConsequence: boolean;
  /** What happened to the application; only in lines of its own side. */
  readonly application?: ApplicationEvent;
}

/**
 * 'oom_kill': the kernel or the platform ended it for its memory. 'crash': it ended by itself or by a signal. 'timeout': its
 * own server ended a worker that took too long. 'saturated': all workers were busy. 'stop', 'start': planned. 'exit': it
 * ended, and the line does not say why. 'restart': it was started again after an exit. 'unhealthy': a check failed.
 * 'dependency': it could not reach another service.
 */
export type ApplicationEventKind =
  | 'oom_kill'
  | 'crash'
  | 'timeout'
  | 'saturated'
  | 'stop'
  | 'start'
  | 'exit'
  | 'restart'
  | 'unhealthy'
  | 'dependency';

/** An event of an application, from the log of its server, of the kernel or of what runs it. */
export interface ApplicationEvent {
  /** Null if nothing happened that matters; the line's time counts all the same. */
  readonly kind: ApplicationEventKind | null;
  /** Names of the application in the line: process, unit, control group, container, pod. */
  readonly names: readonly string[];
  /** Whether it concerns one worker of several: the others go on. */
  readonly isWorker?: boolean;
  /** The process, if the line has its id. */
  readonly pid?: string;
  /** The address at which the application listens, if the line has it: `http://127.0.0.1:8000`, `unix:/run/shop.sock`. */
  readonly listens?: string;
  /** `none`: the line has no time. `no_year`: `timeMs` is of the year 1972. `no_zone`: local time. */
  readonly clock: 'none' | 'no_year' | 'no_zone' | 'full';
  readonly timeMs: number | null;
}

/** How a finding counts in a summary. 'unclear': something failed, and the log cannot show whose failure it was. */
export type FindingClass = 'failure' | 'unclear' | 'denial' | 'app_error' | 'client_abort' | 'none';

export function classOf({ shape, type }: Pick<Finding, 'shape'> & Partial<Pick<Finding, 'type'>>): FindingClass {
  if (shape === 'unknown') return 'unclear';
  if (shape === 'none' || shape === 'app_error' || shape === 'client_abort') return shape;
  return type === 'http_request_denied' ? 'denial' : 'failure';
}

/**
 * Failures between the gateway and the application. They count as failures, and cause exit code 1. A request that a rule or
 * a limit denied is none, and one whose cause the log cannot show is not called one.
 */
export function isGatewayFailure(finding: Pick<Finding, 'shape'> & Partial<Pick<Finding, 'type'>>): boolean {
  return classOf(finding) === 'failure';
}

/** Failures, and responses that may be failures: what deserves a look. */
export function isSuspicious(finding: Pick<Finding, 'shape'> & Partial<Pick<Finding, 'type'>>): boolean {
  const found = classOf(finding);
  return found === 'failure' || found === 'unclear';
}
