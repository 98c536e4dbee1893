import { additionSentence, incidentSentence, incidentTitle, presentStep } from './incident-sentence.ts';
import { presentView } from './present-view.ts';
import { requestsQuery } from './requests-query.ts';
import type { IncidentAddition, KeptIncident } from '../core/live-incident.ts';

/** An incident as the admin API shows it. Times are RFC 3339. */
export interface IncidentStatus
  extends Omit<
    KeptIncident,
    | 'family'
    | 'firstUntil'
    | 'isRemoved'
    | 'startedAt'
    | 'firstRequestAt'
    | 'openedAt'
    | 'lastAt'
    | 'resolvedAt'
    | 'rate'
    | 'additions'
    | 'joined'
    | 'findingsAt'
  > {
  /** A few words: what fails. */
  readonly title: string;
  /** One or two sentences: what fails, how much of it, and what probably has caused it. */
  readonly reason: string;
  readonly startedAt: string;
  /** When the earliest request that failed, or had an attempt that failed, began. */
  readonly firstRequestAt: string;
  /** Finds the requests in the store. */
  readonly requestsQuery: string;
  readonly openedAt: string;
  readonly lastAt: string;
  readonly resolvedAt: string | null;
  /** When the gateway looked at once; null: it has not. */
  readonly findingsAt: string | null;
  readonly requestsPerSBefore: number | null;
  readonly requestsPerSDuring: number;
  /** The number of the incident that it turned out to be part of; null: of none. */
  readonly joined: number | null;
  readonly additions: readonly AdditionStatus[];
  /** For the cause with which requests fail now; null: it is over, or the cause is not known. */
  readonly nextStep: string | null;
}

export interface AdditionStatus extends Omit<IncidentAddition, 'since' | 'until'> {
  readonly since: string;
  /** Absent: it goes on. */
  readonly until?: string;
  /** One sentence. */
  readonly reason: string;
}

export function incidentStatus(whole: KeptIncident): IncidentStatus {
  const incident = presentView(whole);
  const {
    family: _family,
    firstUntil: _firstUntil,
    isRemoved: _isRemoved,
    joined = null,
    findingsAt = null,
    additions,
    rate,
    startedAt,
    firstRequestAt,
    openedAt,
    lastAt,
    resolvedAt,
    ...facts
  } = incident;
  return {
    ...facts,
    title: incidentTitle(incident),
    reason: incident.interrupted ? `${incidentSentence(incident)} ${interruptedSentence}` : incidentSentence(incident),
    startedAt: timeText(startedAt),
    firstRequestAt: timeText(firstRequestAt),
    requestsQuery: requestsQuery(incident),
    openedAt: timeText(openedAt),
    lastAt: timeText(lastAt),
    resolvedAt: resolvedAt === null ? null : timeText(resolvedAt),
    findingsAt: findingsAt === null ? null : timeText(findingsAt),
    requestsPerSBefore: rate.before === null ? null : rounded(rate.before),
    requestsPerSDuring: rounded(rate.during),
    suspects: suspectsOf(facts),
    joined,
    nextStep: presentStep(whole),
    additions: additions.map(({ until, ...addition }) => ({
      ...addition,
      ...(until === undefined ? {} : { until: timeText(until) }),
      since: timeText(addition.since),
      reason: additionSentence({ ...addition, ...(until === undefined ? {} : { until }) }),
      suspects: suspectsOf(addition),
    })),
  };
}

function suspectsOf({ suspects }: Pick<KeptIncident, 'suspects'>): KeptIncident['suspects'] {
  return suspects.map((suspect) => ({ ...suspect, fit: rounded(suspect.fit) }));
}

/** Of an incident that was open when the process ended. */
export const interruptedSentence = 'The gateway ended while it went on: whether it was resolved is not known.';

const timeText = (wallMs: number): string => new Date(Math.round(wallMs)).toISOString();
const rounded = (value: number): number => Math.round(value * 100) / 100;
