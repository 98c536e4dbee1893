import { outputStep } from '#failures/output-step.ts';
import type { SuspectContext } from './suspect-facts.ts';
import { applicationsOf } from './watched-upstream.ts';

/** Lines from so long before the first failure are shown: what goes wrong is often printed before a request fails. */
const beforeMs = 5000;

/** How to see what the applications that the gateway runs have printed meanwhile; null: it runs none of them. */
export function outputStepOf({ incident, watched }: Pick<SuspectContext, 'incident' | 'watched'>): string | null {
  const applications = applicationsOf(watched);
  if (applications.length === 0) return null;
  const since = incident.startedAt - beforeMs;
  return outputStep(applications, { of: 'time', since, isStored: watched.storesOutput === true });
}
