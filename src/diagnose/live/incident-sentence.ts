import { specOfCause } from '../../core/explain.ts';
import type { LiveIncident } from '../../core/live-incident.ts';

/** What an incident is, in one or two sentences: what fails, how much of it, and what probably has caused it. */
export function incidentSentence(incident: LiveIncident): string {
  const { id, resolvedAt, startedAt, lastAt, suspects } = incident;
  const [suspect] = suspects;
  const seconds = Math.max(1, Math.round((lastAt - startedAt) / 1000));
  const what = `${incidentTitle(incident)}: ${extentOf(incident)}`;
  const when = resolvedAt === null ? '' : ` in ${durationOf(seconds)}; no more since`;
  const why = suspect === undefined ? 'What has caused it is not known.' : suspect.sentence;
  return `Incident ${id}: ${lowerFirst(what)}${when}. ${why}`;
}

/** A few words: what fails. */
export function incidentTitle({ cause, upstream }: LiveIncident): string {
  const what = cause === null ? 'The application answers with 5xx' : specOfCause(cause).title;
  return upstream === '' ? what : `${what} (upstream ${upstream})`;
}

/** 'N of M requests failed'; or that clients saw nothing of it. */
export function extentOf({ failed, attemptsFailed, requests }: LiveIncident): string {
  if (failed === 0) return `${attemptsFailed} attempts failed, and other attempts answered their requests`;
  return `${failed} of ${requests} requests failed`;
}

function durationOf(seconds: number): string {
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
}

const lowerFirst = (text: string): string => text.charAt(0).toLowerCase() + text.slice(1);
