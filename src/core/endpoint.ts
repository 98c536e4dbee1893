import type { Cause } from '#failures/failure.ts';

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
 *     healthy ──▶ ejected ──▶ probation ──▶ healthy      by the results of its requests, while its checks pass
 *
 * `starting`: an instance that Candor runs and that is not ready; never eligible. `unknown`: a configured address whose first
 * check has no result yet. `ejected`: its requests fail although its checks pass. Both are eligible only while no endpoint is
 * healthy. `probation`: it was ejected and gets one request at a time. `unchecked`: `check: none`.
 *
 * `circuit_open`: its requests fail, too few others are left to eject it, and its circuit breaker keeps requests away; `half_open`: it then
 * gets one request at a time. Never eligible.
 */
export const endpointStates = [
  'starting',
  'unknown',
  'unchecked',
  'healthy',
  'unhealthy',
  'ejected',
  'probation',
  'circuit_open',
  'half_open',
  'draining',
  'gone',
] as const;

export type EndpointState = (typeof endpointStates)[number];

/** What the checks of an instance that is not ready observe, and how to fix it. */
export interface ReadinessFinding {
  /** One clause: what was requested, and what came back. */
  readonly reason: string;
  /** One imperative clause: what the operator can change. */
  readonly fix: string | null;
  /** It lasts until a person changes something. */
  readonly lasting: boolean;
  /** The instance is not ready because its program has ended, so many times in a row; absent: checks are the reason. */
  readonly exits?: number;
  /** Its program runs no earlier than at this time on the process-wide monotonic clock; absent: it runs, or that is not known. */
  readonly startsAtInstant?: number;
  /** The failure that a request would meet in the same way; absent: it would get a response. */
  readonly cause?: Cause;
}

/** The instance of an endpoint; null: it is none of an application. The id of an endpoint is that of its upstream, that of its instance, and its address: `web/shop/1/127.0.0.1:4000`. */
export function instanceOf(endpoint: string, address: string): string | null {
  const upstreamEnd = endpoint.indexOf('/');
  const rest = endpoint.slice(upstreamEnd + 1);
  return rest.endsWith(`/${address}`) ? rest.slice(0, -address.length - 1) : null;
}
