import type { EventJson } from '../core/event-json.ts';
import { overlayWords, subjectWords } from './event-words.ts';
import { addressHash } from './page-address.ts';

export type MarkerKind = 'incident' | 'configuration' | 'release' | 'health' | 'maintenance' | 'gateway';

export interface TimelineMarker {
  readonly kind: MarkerKind;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** In words: 'endpoint shop/10.0.0.1:3000'. */
  readonly subject: string;
  readonly text: string;
  /** The page that shows more of it; null: there is none. */
  readonly link: string | null;
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
  return events.flatMap((event) => {
    const { kind, at, subject, reason } = event;
    const marker = kindOf[kind];
    return marker === undefined
      ? []
      : [
          {
            ...{ kind: marker, at: Date.parse(at), subject: subjectWords(subject), link: linkOf(event, marker) },
            text: kind === 'overlay_changed' ? overlayWords(event) : reason,
          },
        ];
  });
}

function linkOf({ evidence }: EventJson, marker: MarkerKind): string | null {
  const { configuration, incident } = evidence as { readonly configuration?: unknown; readonly incident?: unknown };
  if (marker === 'configuration' && typeof configuration === 'number')
    return addressHash('configuration', String(configuration));
  return marker === 'incident' && typeof incident === 'number' ? addressHash('incidents', String(incident)) : null;
}
