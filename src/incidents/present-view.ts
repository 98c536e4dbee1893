import { shapeOfType, specOfCause, whoseOf } from '#failures/failure-texts.ts';
import type { Failure } from '#failures/failure.ts';
import type { CountedCause, IncidentAddition, LiveIncident } from '../core/live-incident.ts';

/**
 * The incident with the cause with which requests fail now in front: where the failures that it began with have ended while those of an addition go on,
 * the two change places. Its number, counts and start stay.
 */
export function presentView<T extends LiveIncident>(incident: T): T {
  const { resolvedAt, firstUntil, additions } = incident;
  const present = additions.findLast(({ until, causes }) => until === undefined && causes.length > 0);
  const [kind] = present?.causes ?? [];
  if (resolvedAt !== null || firstUntil === undefined || present === undefined || kind === undefined) return incident;
  const { firstUntil: _ended, ...facts } = incident;
  return {
    ...facts,
    ...factsOf(kind),
    suspects: present.suspects,
    additions: [firstAsAddition(incident, firstUntil), ...additions.filter((one) => one !== present)],
  } as LiveIncident as T;
}

function factsOf(kind: CountedCause['cause']): Pick<LiveIncident, 'cause' | 'shape' | 'whose'> {
  if (kind === 'app_error') return { cause: null, shape: 'app_error', whose: 'application' };
  const whose = whoseOf({ cause: kind, evidence: {} } as Failure, null);
  return { cause: kind, shape: shapeOfType(specOfCause(kind).type), whose };
}

/** What it began with, as what has ended. */
function firstAsAddition({ cause, causes, startedAt, suspects }: LiveIncident, until: number): IncidentAddition {
  const kind = cause ?? 'app_error';
  const counted = causes.find((one) => one.cause === kind);
  return {
    ...{ since: startedAt, until, routes: [], endpoints: [], causes: [kind], suspects },
    ...(counted === undefined ? {} : { failed: counted.failed, attemptsFailed: counted.attemptsFailed }),
  };
}
