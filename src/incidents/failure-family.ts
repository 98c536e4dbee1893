import type { Cause } from '#failures/failure.ts';
import type { CauseOfShape } from '#failures/failure-table.ts';
import { shapeOfType, specOfCause } from '#failures/failure-texts.ts';
import type { CountedCause, FailureFamily } from '../core/live-incident.ts';
import type { Shape } from '#failures/shape.ts';

/** What the gateway refuses: the compiler asks of each such cause whether it is an incident. Null: it is none. */
const refused: Record<CauseOfShape<'refused_by_gateway'>, FailureFamily | null> = {
  pool_full: 'full',
  queue_timeout: 'full',
  concurrency_limit: 'full',
  concurrency_timeout: 'full',
  deadline_unreachable: 'full',
  // A pause holds requests; that they fail was not asked for.
  pause_full: 'full',
  pause_timeout: 'full',
  no_endpoint_ready: 'not_ready',
  circuit_open: 'not_ready',
  instance_starting: 'not_ready',
  tunnels_full: 'gateway',
  too_many_endpoints: 'gateway',
  too_many_connections: 'gateway',
  local_ports_exhausted: 'gateway',
  descriptors_exhausted: 'gateway',
  shed: 'gateway',
  loop_detected: 'gateway',
  hops_exceeded: 'gateway',
  destination_prohibited: 'gateway',
  filter_timeout: 'gateway',
  // With a wrong `root`, it is each request.
  script_unknown: 'gateway',
  // Pages that had been sent before: a deploy has lost them.
  site_file_missing: 'gateway',
  file_forbidden: 'gateway',
  file_failed: 'gateway',
  file_pool_full: 'gateway',
  file_timeout: 'gateway',
  file_changed: 'gateway',
  authentication_busy: 'gateway',
  authentication_unavailable: 'gateway',
  gateway_fault: 'gateway',
  configuration_fault: 'gateway',
  // What clients ask for in vain, and what operators ask for.
  no_route: null,
  file_not_found: null,
  script_not_found: null,
  maintenance: null,
  closed_by_route: null,
  drained: null,
  // What an operator has decided about clients.
  rate_limited: null,
  too_many_requests_at_once: null,
  access_denied: null,
  not_authenticated: null,
  not_permitted: null,
  login_failed: null,
  link_refused: null,
  gateway_stopping: null,
};

const byCause: Partial<Record<Cause, FailureFamily | null>> = {
  ...refused,
  connect_refused: 'gone',
  connect_reset: 'gone',
  connect_socket_missing: 'gone',
  connect_timeout: 'network',
  connect_unroutable: 'network',
  connect_not_permitted: 'network',
  tls_timeout: 'network',
  // Tunnels that end without a close frame are no incidents.
  tunnel_idle: null,
  tunnel_unclosed: null,
};

const byShape: Record<Shape, FailureFamily | null> = {
  unreachable: 'network',
  too_slow: 'slow',
  reset: 'gone',
  garbage: 'garbage',
  refused_by_gateway: 'gateway',
  app_error: 'application',
  client_abort: null,
  none: null,
};

/** Null: no failure, or one that is part of no incident. */
export function familyOf(cause: Cause | 'none', shape: Shape): FailureFamily | null {
  if (cause === 'none') return byShape[shape];
  const known = byCause[cause];
  if (known !== undefined) return known;
  if (cause.startsWith('dns_')) return 'dns';
  if (cause.startsWith('tls_')) return 'tls';
  return byShape[shape];
}

/** Of an attempt, which has a cause. */
export function familyOfCause(cause: Cause): FailureFamily | null {
  return familyOf(cause, shapeOfType(specOfCause(cause).type));
}

/** What visitors notice although no request fails. */
export const isWithoutFailure = (family: FailureFamily): family is 'slower' | 'changed' =>
  family === 'slower' || family === 'changed';

/** Whether what is counted has a cause: an application's own 5xx, a late and a changed response have none. */
export const isCause = (kind: CountedCause['cause']): kind is Cause =>
  kind !== 'app_error' && kind !== 'late_response' && kind !== 'changed_response';

/** The first bytes of the response were no HTTP: another program, or an application that has written something else. */
export function isNotHttp(kind: CountedCause['cause']): boolean {
  return kind === 'response_not_http' || kind === 'response_not_http2';
}

/** The request names the gateways that it has been through: in a loop they have done so, or its client has made them up. */
export function isLoop(kind: CountedCause['cause']): boolean {
  return kind === 'loop_detected' || kind === 'hops_exceeded';
}

/** The attempt waited for a connection that it never got: the endpoint knows nothing of it. */
export function isWithoutConnection(cause: Cause): boolean {
  return cause === 'pool_full' || cause === 'queue_timeout';
}

/** Whether failures of this family follow from others: endpoints that fail are taken out, slow ones fill their queue; what fails is often slow before. */
export function isConsequenceOf(family: FailureFamily, of: FailureFamily): boolean {
  if (family === of) return false;
  return family === 'not_ready' || isWithoutFailure(family) || (family === 'full' && of === 'slow');
}
