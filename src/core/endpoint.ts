export type UpstreamId = string & { readonly id: 'upstream' };
export type EndpointId = string & { readonly id: 'endpoint' };
export type RouteId = string & { readonly id: 'route' };
export type ApplicationId = string & { readonly id: 'application' };

export type EndpointAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

export function addressText(address: EndpointAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return hostPort(address.host, address.port);
}

/** Host and port as in an authority: IPv6 addresses in brackets (RFC 3986 §3.2.2). */
export function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Whether an endpoint may be chosen.
 *
 *     starting ──▶ healthy ◀──▶ unhealthy
 *     unknown ───▶ healthy / unhealthy        any ──▶ draining ──▶ gone
 *
 *     healthy ──▶ ejected ──▶ probation ──▶ healthy      by its own traffic, while its checks pass
 *
 * `starting` is for instances that Candor runs: never eligible. `unknown` is for configured addresses whose
 * first check is not back, `ejected` for those whose requests fail although their checks pass: eligible only while
 * none is healthy. `probation` was ejected, and gets one request at a time. `unchecked` is for `check: none`.
 */
export const endpointStates = [
  'starting',
  'unknown',
  'unchecked',
  'healthy',
  'unhealthy',
  'ejected',
  'probation',
  'draining',
  'gone',
] as const;

export type EndpointState = (typeof endpointStates)[number];

/** What checks of an instance that is not ready see, and what to do about it. */
export interface ReadinessFinding {
  /** One clause: what was asked, and what came back. */
  readonly says: string;
  /** One clause, an imperative: what a person can change. */
  readonly fix: string | null;
  /** It stays so until a person changes something. */
  readonly lasting: boolean;
}

/**
 * The last exit of the process behind an endpoint that Candor runs. Code and signal are both null where how it ended is
 * not known: the process had been started by an earlier Candor, and only a parent is told.
 */
export interface InstanceExit {
  /** On the process-wide monotonic clock. */
  readonly atInstant: number;
  readonly code: number | null;
  readonly signal: string | null;
  readonly outOfMemory: boolean;
  readonly lastLine: string | null;
}
