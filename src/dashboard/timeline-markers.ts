import type { EventJson } from '../core/event-json.ts';

export type MarkerKind = 'incident' | 'configuration' | 'release' | 'health' | 'maintenance' | 'gateway';

export interface TimelineMarker {
  readonly kind: MarkerKind;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  readonly subject: string;
  readonly text: string;
}

const kindOf: Readonly<Partial<Record<EventJson['kind'], MarkerKind>>> = {
  incident_opened: 'incident',
  incident_resolved: 'incident',
  configuration_applied: 'configuration',
  configuration_rejected: 'configuration',
  instance_started: 'release',
  instance_exited: 'release',
  endpoint_state: 'health',
  health_disagreement: 'health',
  circuit_breaker: 'health',
  name_addresses: 'health',
  overlay_changed: 'maintenance',
  process_started: 'gateway',
  upgrade_taken_over: 'gateway',
  worker_lost: 'gateway',
  certificate_issued: 'gateway',
};

export const markerWords: Readonly<Record<MarkerKind, string>> = {
  incident: 'incidents',
  configuration: 'configuration',
  release: 'application',
  health: 'health',
  maintenance: 'operators',
  gateway: 'gateway',
};

/** Events that may explain a change of the figures, the newest first. */
export function markersOf(events: readonly EventJson[]): TimelineMarker[] {
  return events.flatMap(({ kind, at, subject, reason }) => {
    const marker = kindOf[kind];
    return marker === undefined ? [] : [{ kind: marker, at: Date.parse(at), subject, text: reason }];
  });
}
