import { wasStopped } from './recorded-exit.ts';
import type { Event } from './event.ts';

export type EventLevel = 'error' | 'warn' | 'info';

/** The level of an event: a recovery is information, and a warning needs an operator's attention. */
export function levelOf(event: Event): EventLevel {
  switch (event.kind) {
    case 'worker_lost':
    case 'logger_lost':
    case 'store_lost':
    case 'otlp_lost':
    case 'configuration_rejected':
    case 'certificate_not_yet_valid':
    case 'upgrade_failed':
    case 'incident_opened':
    case 'incident_grown':
    case 'incident_corrected':
    case 'instance_not_started':
    case 'instance_wrong_listen_address':
      return 'error';
    case 'instance_not_ready':
    case 'instance_exposed':
    case 'child_out_of_memory':
    case 'instance_restarting':
    case 'worker_restarting':
    case 'worker_silent':
    case 'health_disagreement':
    case 'http2_limit_reached':
    case 'tls_handshakes_failed':
    case 'descriptors_few':
    case 'certificate_renewal_failed':
    case 'log_dropped':
    case 'log_not_rotated':
    case 'log_reopened':
    case 'log_truncated':
    case 'clock_changed':
    case 'state_unusable':
    case 'admin_refused':
    case 'job_missed':
    case 'job_skipped':
      return 'warn';
    case 'job_ended':
      return event.to === 'failed' ? 'error' : 'info';
    case 'job_failing':
      return event.to === 'failing' ? 'error' : 'info';
    case 'certificate_expiring':
      return event.evidence.daysLeft <= 1 ? 'error' : 'warn';
    case 'drain_phase':
      return event.to === 'force_closing' && event.evidence.exchanges + event.evidence.tunnels > 0 ? 'warn' : 'info';
    case 'name_state':
      return event.to === 'resolved' ? 'info' : 'warn';
    case 'log_file_followed':
      return event.to === 'following' ? 'info' : 'warn';
    case 'store_failing':
    case 'otlp_failing':
      return event.to === 'failing' ? 'warn' : 'info';
    case 'limit_refusals':
      return event.to === 'many' ? 'warn' : 'info';
    case 'connections_refused':
      return event.to === 'accepting' ? 'info' : 'warn';
    case 'descriptors_exhausted':
      return event.to === 'enough' ? 'info' : event.to === 'refusing' ? 'error' : 'warn';
    case 'workers_failing':
    case 'application_not_ready':
    case 'application_crash_loop':
      return event.to === 'failing' ? 'error' : 'info';
    case 'upstream_unavailable':
      return event.to === 'unavailable' ? 'error' : 'info';
    case 'circuit_breaker':
      return event.to === 'open' ? 'warn' : 'info';
    case 'dependency_state':
      return event.to === 'down' ? 'error' : event.to === 'degraded' ? 'warn' : 'info';
    case 'endpoint_state':
      return event.to === 'unhealthy' ? 'warn' : 'info';
    case 'rollout':
      return event.to === 'aborted' || event.to === 'refused' || event.to === 'interrupted' ? 'error' : 'info';
    case 'instance_exited':
      return wasStopped(event) ? 'info' : 'error';
    default:
      return 'info';
  }
}
