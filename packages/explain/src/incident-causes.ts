import type { TimedEvent } from './application-events.ts';
import { type CauseJudgement, haveCommonName, isOnAnotherHost, judgeCause } from './cause-confidence.ts';
import type { ApplicationEventKind } from './finding.ts';
import type { CauseConfidence, Incident, IncidentCause, IncidentPart } from './summary-report.ts';

/** How an event of the application's side shows in the gateway's log. */
interface Relation {
  /** How long before the first failure the event may have happened, and how long after it. */
  readonly beforeMs: number;
  readonly afterMs: number;
  /** Whether it may also happen at any time of the incident. */
  readonly isThroughout: boolean;
  readonly explains: (part: IncidentPart) => boolean;
}

const isCut = ({ shape }: IncidentPart): boolean => shape === 'reset';
const isRefused = ({ type, shape }: IncidentPart): boolean =>
  type === 'connection_refused' || type === 'destination_unavailable' || (shape === 'unreachable' && type === null);
const isUnclear = ({ shape }: IncidentPart): boolean => shape === 'unknown';
const isEnded = (part: IncidentPart): boolean => isCut(part) || isRefused(part) || isUnclear(part);
const isSlow = ({ shape, type }: IncidentPart): boolean => shape === 'too_slow' || type === 'connection_timeout';
const isFull = ({ type }: IncidentPart): boolean => type === 'connection_limit_reached';

const ended: Relation = { beforeMs: 60_000, afterMs: 3000, isThroughout: false, explains: isEnded };
const busy: Relation = {
  beforeMs: 300_000,
  afterMs: 10_000,
  isThroughout: true,
  explains: (part) => isSlow(part) || isFull(part) || isRefused(part) || isUnclear(part),
};
const killed: Relation = {
  beforeMs: 5000,
  afterMs: 3000,
  isThroughout: true,
  explains: (part) => isCut(part) || isSlow(part) || isUnclear(part),
};

/** Of equally sure explanations, the first counts. Kinds that explain nothing by themselves have no relation. */
const relations: readonly (readonly [kind: ApplicationEventKind, relation: Relation])[] = [
  ['oom_kill', ended],
  ['crash', ended],
  ['stop', ended],
  ['timeout', killed],
  ['saturated', busy],
  ['exit', ended],
  ['restart', ended],
  ['unhealthy', busy],
];

/** An event this near to the first failure is not a coincidence. */
const nearMs = 10_000;

/** The incidents, each with the event of the application's side that explains it best. */
export function withCauses(incidents: readonly Incident[], events: readonly TimedEvent[]): readonly Incident[] {
  if (events.length === 0) return incidents;
  return incidents.map((incident) => ({ ...incident, cause: causeOf(incident, events) }));
}

/** Of the surest explanations the first kind counts, and of that kind the nearest event. */
function causeOf(incident: Incident, events: readonly TimedEvent[]): IncidentCause | null {
  const around = events.filter(
    (one) =>
      one.atMs >= incident.startMs - 300_000 && one.atMs <= incident.endMs + 10_000 && !isOnAnotherHost(incident, one),
  );
  let best: IncidentCause | null = null;
  for (const [kind, relation] of relations) {
    const cause = causeOfKind(incident, around, kind, relation);
    if (cause !== null && (best === null || rank[cause.confidence] > rank[best.confidence])) best = cause;
  }
  return best;
}

function causeOfKind(
  incident: Incident,
  around: readonly TimedEvent[],
  kind: ApplicationEventKind,
  relation: Relation,
): IncidentCause | null {
  const found = around.filter(({ event, atMs }) => {
    // The other workers of a server go on: the end of one refuses no connection.
    const ofEvent = event.isWorker === true && relation === ended ? killed : relation;
    return event.kind === kind && isRelated(incident, atMs, ofEvent);
  });
  const causes = found.map((one) => {
    const cause = (kind === 'stop' ? null : plannedBefore(around, one)) ?? one;
    return causeFrom(cause, judgeCause(incident, cause, distance(incident, cause) <= nearMs));
  });
  causes.sort(
    (a, b) =>
      rank[b.confidence] - rank[a.confidence] ||
      Number(knows(incident, b)) - Number(knows(incident, a)) ||
      distance(incident, a) - distance(incident, b),
  );
  return causes[0] ?? null;
}

const rank: Readonly<Record<CauseConfidence, number>> = { certain: 2, likely: 1, possible: 0 };

const distance = ({ startMs }: Incident, { atMs }: Pick<TimedEvent, 'atMs'>): number => Math.abs(startMs - atMs);

/** The kernel says why it has ended a process, where its server only sees that it is gone. */
const knows = (incident: Incident, cause: IncidentCause): boolean =>
  cause.source === 'kernel' && distance(incident, cause) <= nearMs;

function isRelated({ startMs, endMs, parts }: Incident, atMs: number, relation: Relation): boolean {
  const until = relation.isThroughout ? endMs + relation.afterMs : startMs + relation.afterMs;
  return atMs >= startMs - relation.beforeMs && atMs <= until && parts.some(relation.explains);
}

/** A unit that is stopped on purpose exits, and may be killed: its stop is the cause. */
function plannedBefore(around: readonly TimedEvent[], exit: TimedEvent): TimedEvent | null {
  if (exit.event.kind === 'oom_kill') return null;
  const stop = around.findLast(
    ({ event, atMs }) =>
      event.kind === 'stop' &&
      atMs <= exit.atMs &&
      exit.atMs - atMs <= 120_000 &&
      haveCommonName(event.names, exit.event.names),
  );
  return stop ?? null;
}

function causeFrom(
  { source, event, atMs, sentence, fix, example }: TimedEvent,
  { confidence, reason }: CauseJudgement,
): IncidentCause {
  const kind = event.kind ?? 'exit';
  return { ...example, confidence, reason, source, kind, atMs, sentence, fix };
}
