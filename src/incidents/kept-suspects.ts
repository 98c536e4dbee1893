import type { IncidentSuspect } from '../core/live-incident.ts';
import type { OpenIncident } from './open-incident.ts';

/**
 * While requests fail, the facts of this second count. What kept requests from being sent stays suspected when checks meet something else (`checksChanged`),
 * which is told as an addition.
 */
export function suspectsWhileFailing(
  found: readonly IncidentSuspect[],
  { suspects, additions, root }: Pick<OpenIncident, 'suspects' | 'additions' | 'root'>,
  checksChanged: boolean,
): readonly IncidentSuspect[] {
  if ((additions.laterCauses.size > 0 || checksChanged) && suspects.length > 0)
    return suspects.map((one) => found.find(({ name }) => name === one.name) ?? one);
  return found.length === 0 && root === 'not_ready' ? suspects : found;
}

/** What was true while requests failed stays suspected; what to do is what helps now. `isAdding`: what is found only now is suspected too. */
export function withEarlierSuspects(
  found: readonly IncidentSuspect[],
  earlier: readonly IncidentSuspect[],
  isAdding: boolean,
): readonly IncidentSuspect[] {
  const names = new Set(earlier.map(({ name }) => name));
  const kept = earlier.map((one) => {
    const now = found.find(({ name, sentence }) => name === one.name && sentence === one.sentence);
    return now === undefined ? one : { ...one, nextStep: now.nextStep };
  });
  const added = isAdding ? found.filter(({ name }) => !names.has(name)) : [];
  return [...kept, ...added].sort((a, b) => b.fit - a.fit);
}
