import { type Shape, shapes } from '#failures/shape.ts';
import type { TimelineJson, ShownStep } from './model.ts';
import type { EventJson } from '../core/event-json.ts';
import { overlayWords, subjectWords } from './event-words.ts';
import { addressHash } from './page-address.ts';

/** Times of the page Timeline, with the length of a step that the gateway holds for each. */
export const timeRanges = [
  { id: '10m', name: '10 minutes', seconds: 600, stepS: 10 },
  { id: '2h', name: '2 hours', seconds: 7200, stepS: 60 },
  { id: '24h', name: '24 hours', seconds: 86_400, stepS: 60 },
] as const;

export type ShownRange = (typeof timeRanges)[number];

/** What failed, in the order in which charts stack it; an exchange that went well has no shape here. */
export const failedShapes: readonly Shape[] = shapes.filter((shape) => shape !== 'none');

/** The figures of a timeline as columns, without gaps. */
interface TimelineColumns {
  /** Seconds since the Unix epoch: the beginning of each step. */
  readonly times: readonly number[];
  readonly requestsPerS: readonly number[];
  /** Requests by shape, each of `failedShapes` that occurs. */
  readonly shapes: ReadonlyMap<Shape, readonly number[]>;
  readonly p50Ms: readonly (number | null)[];
  readonly p99Ms: readonly (number | null)[];
}

/** Steps that the gateway left out had no request. They begin where those of the gateway do. The step that goes on is not among them: it would look like a drop to zero. */
export function timelineColumns({ step_s: stepS, since, until, steps }: TimelineJson): TimelineColumns {
  const [first] = steps;
  const phase = first === undefined ? 0 : (Date.parse(first.at) / 1000) % stepS;
  const stepsUntil = (at: string): number => (Date.parse(at) / 1000 - phase) / stepS;
  const byIndex = new Map(steps.map((step) => [Math.round(stepsUntil(step.at)), step]));
  const from = Math.min(Math.round(stepsUntil(since)), ...byIndex.keys());
  const to = Math.max(Math.floor(stepsUntil(until)) - 1, ...byIndex.keys());
  const indices = Array.from({ length: Math.max(0, to - from + 1) }, (_, offset) => from + offset);
  const column = <T>(of: (step: ShownStep) => T, empty: T): T[] =>
    indices.map((index) => {
      const step = byIndex.get(index);
      return step === undefined ? empty : of(step);
    });
  const occurring = failedShapes.filter((shape) => steps.some((step) => (step.shapes[shape] ?? 0) > 0));
  return {
    times: indices.map((index) => index * stepS + phase),
    requestsPerS: column(({ requests }) => requests / stepS, 0),
    shapes: new Map(occurring.map((shape) => [shape, column((step) => step.shapes[shape] ?? 0, 0)])),
    p50Ms: column(({ p50_ms: ms }) => ms, null),
    p99Ms: column(({ p99_ms: ms }) => ms, null),
  };
}

/** The sum of all shapes up to each, so that areas drawn from the last to the first lie on each other. */
export function stackedColumns(columns: TimelineColumns): ReadonlyMap<Shape, readonly number[]> {
  const sums = columns.times.map(() => 0);
  return new Map(
    [...columns.shapes].map(([shape, counts]) => {
      counts.forEach((count, index) => {
        sums[index] = (sums[index] as number) + count;
      });
      return [shape, [...sums]];
    }),
  );
}

interface TimelineTotals {
  readonly requests: number;
  readonly errors: number;
  readonly byShape: ReadonlyMap<Shape, number>;
  readonly worstP99Ms: number | null;
}

export function timelineTotals({ steps }: Pick<TimelineJson, 'steps'>): TimelineTotals {
  const sum = (of: (step: ShownStep) => number): number => steps.reduce((total, step) => total + of(step), 0);
  const counts = failedShapes.map((shape) => [shape, sum((step) => step.shapes[shape] ?? 0)] as const);
  const worst = Math.max(...steps.map(({ p99_ms: ms }) => ms ?? -1), -1);
  return {
    requests: sum(({ requests }) => requests),
    errors: sum(({ errors }) => errors),
    byShape: new Map(counts.filter(([, count]) => count > 0)),
    worstP99Ms: worst < 0 ? null : worst,
  };
}

export type MarkerKind = 'incident' | 'configuration' | 'release' | 'health' | 'maintenance' | 'gateway';

export interface TimelineMarker {
  readonly kind: MarkerKind;
  /** Milliseconds since the Unix epoch. */
  readonly at: number;
  /** In words: 'endpoint shop/10.0.0.1:3000'. */
  readonly subject: string;
  readonly text: string;
  /** Stands beside its line in a chart: the release whose rollout begins or fails; null: none. */
  readonly label: string | null;
  /** The page that shows more of it; null: there is none. */
  readonly link: string | null;
}

const kindOf: Readonly<Partial<Record<EventJson['kind'], MarkerKind>>> = {
  incident_opened: 'incident',
  incident_corrected: 'incident',
  incident_resolved: 'incident',
  configuration_applied: 'configuration',
  configuration_rejected: 'configuration',
  rollout: 'release',
  secret_changed: 'release',
  instance_started: 'release',
  instance_exited: 'release',
  endpoint_state: 'health',
  dependency_state: 'health',
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
            label: kind === 'rollout' ? rolloutLabel(event) : null,
          },
        ];
  });
}

/** Null: a step of a rollout, or its end as planned. */
function rolloutLabel({ from, to, evidence }: EventJson): string | null {
  const { release } = evidence as { readonly release: string };
  if (from === null) return release;
  return to === 'aborted' || to === 'refused' || to === 'interrupted' ? `${release} ${to}` : null;
}

function linkOf({ kind, evidence }: EventJson, marker: MarkerKind): string | null {
  const { configuration, incident, application } = evidence as Readonly<Record<string, unknown>>;
  if (kind === 'rollout') return addressHash('releases', String(application));
  if (marker === 'configuration' && typeof configuration === 'number')
    return addressHash('configuration', String(configuration));
  return marker === 'incident' && typeof incident === 'number' ? addressHash('incidents', String(incident)) : null;
}
