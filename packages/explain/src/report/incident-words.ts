import type { CauseConfidence, Incident, IncidentPart, LeftOut } from '../summary-report.ts';
import { findingShapeWords, gatewayWords, manyText, numberText, timeAfter, timeText } from './finding-words.ts';

/** How many requests failed in the incident, with a cause of their own or as a consequence. */
export function incidentSize(incident: Incident | undefined): number {
  return incident === undefined ? 0 : incident.count + incident.consequences;
}

/**
 * The largest incident first, since that is the one that people were alerted for; it is seldom the first in time. Equal
 * ones stay in order.
 */
export function worstFirst(incidents: readonly Incident[]): readonly Incident[] {
  return incidents.toSorted((a, b) => incidentSize(b) - incidentSize(a));
}

/** '2026-11-21 12:03:07 to 12:03:19'. */
export function incidentSpan({ startMs, endMs }: Incident): string {
  const [start, end] = [timeText(startMs), timeText(endMs)];
  return start === end ? start : `${start} to ${timeAfter(endMs, startMs)}`;
}

/** '54 failures at 127.0.0.1:3000, 270 a minute'. */
export function incidentHead(incident: Incident): string {
  const { upstreams, gateway, perMinute } = incident;
  const where = upstreams.length === 0 ? gatewayWords[gateway] : upstreams.join(', ');
  const noun = incident.parts.every(({ shape }) => shape === 'unknown') ? 'failed request' : 'failure';
  return `${manyText(incidentSize(incident), noun)} at ${where}, ${numberText(Math.round(perMinute))} a minute`;
}

const typeWords: Readonly<Partial<Record<string, string>>> = {
  connection_refused: 'connections refused',
  connection_timeout: 'connections not answered',
  connection_terminated: 'connections reset',
  http_response_incomplete: 'responses cut',
};

/** '3 connections reset, then 41 connections refused until 12:03:19, then 10 consequences'. */
export function partsText({ parts, startMs }: Incident): string {
  const start = timeText(startMs);
  const texts = parts.map((part) => {
    const until = timeText(part.endMs) !== start ? ` until ${timeAfter(part.endMs, startMs)}` : '';
    return `${numberText(part.count)} ${partWords(part)}${until}`;
  });
  return texts.join(', then ');
}

function partWords({ shape, type, isConsequence, count }: IncidentPart): string {
  if (isConsequence) return count === 1 ? 'consequence' : 'consequences';
  const words = type === null ? undefined : typeWords[type];
  if (words !== undefined) return count === 1 ? words.replace(/^(\w+)s /, '$1 ') : words;
  return `${findingShapeWords[shape]}${type === null ? '' : ` (${type})`}`;
}

export const confidenceWords: Readonly<Record<CauseConfidence, string>> = {
  certain: 'certain cause',
  likely: 'likely cause',
  possible: 'possible cause',
};

/** Incidents that are shown in a terminal; the page and JSON have more. */
const incidentsShown = 5;

/**
 * The largest incidents. One smaller than a twentieth of the largest is background noise and is left out, unless the
 * application's side explains it.
 */
export function shownIncidents(
  incidents: readonly Incident[],
  beyond: LeftOut,
): { readonly shown: readonly Incident[]; readonly leftOut: LeftOut } {
  const sorted = worstFirst(incidents);
  const least = incidentSize(sorted[0]) / 20;
  const worth = sorted.filter((one) => incidentSize(one) >= least || one.cause !== null).slice(0, incidentsShown);
  const passedOver = sorted.filter((one) => !worth.includes(one));
  const count = passedOver.reduce((sum, one) => sum + incidentSize(one), beyond.count);
  return { shown: worth, leftOut: { kinds: beyond.kinds === null ? null : beyond.kinds + passedOver.length, count } };
}
