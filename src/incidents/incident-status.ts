import type { IncidentStatus } from '../core/schemas/incidents.ts';
import {
  additionSentence,
  incidentSentence,
  incidentTitle,
  mostSentences,
  presentStep,
  presentView,
  rarerSentence,
} from './incident-sentence.ts';
import { markSentences } from './incident-marks.ts';
import { requestsQuery } from './requests-query.ts';
import type { KeptIncident } from '../core/live-incident.ts';

export function incidentStatus(whole: KeptIncident): IncidentStatus {
  const incident = presentView(whole);
  const {
    family: _family,
    firstUntil: _firstUntil,
    isRemoved: _isRemoved,
    joined = null,
    findingsAt = null,
    most,
    rarer,
    corrected,
    acknowledged,
    muted,
    additions,
    rate,
    startedAt,
    firstRequestAt,
    openedAt,
    lastAt,
    resolvedAt,
    excerpts,
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
    ...(excerpts === undefined ? {} : { excerpts: excerpts.map((one) => ({ ...one, at: timeText(one.at) })) }),
    acknowledged: acknowledged === undefined ? null : { ...acknowledged, at: timeText(acknowledged.at) },
    muted: muted === undefined ? null : { ...muted, at: timeText(muted.at), until: timeText(muted.until) },
    marks: [...markSentences(incident)],
    ...mostOf(whole, most),
    rarer: rarer === undefined ? null : { ...rarer, sentence: rarerSentence(rarer, whole) },
    corrected: corrected === undefined ? null : { ...corrected, at: timeText(corrected.at) },
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

function mostOf(incident: KeptIncident, most: KeptIncident['most']): Pick<IncidentStatus, 'most'> {
  const [sentence] = mostSentences(incident, 'path');
  return most === undefined || sentence === undefined ? {} : { most: { ...most, sentence } };
}

function suspectsOf({ suspects }: Pick<KeptIncident, 'suspects'>): KeptIncident['suspects'] {
  return suspects.map((suspect) => ({ ...suspect, fit: rounded(suspect.fit) }));
}

/** Of an incident that was open when the process ended. */
export const interruptedSentence = 'The gateway ended while it went on: whether it was resolved is not known.';

const timeText = (wallMs: number): string => new Date(Math.round(wallMs)).toISOString();
const rounded = (value: number): number => Math.round(value * 100) / 100;
