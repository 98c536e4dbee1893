import { unusualOf } from '../core/unusual-incident.ts';
import type { IncidentJson } from './model.ts';
import { countFigure } from './shown-figures.ts';

type Counted = Pick<IncidentJson, 'cause' | 'shape' | 'failed' | 'attempts_failed'>;

/** What is wrong with the requests that an incident counts. */
export function extentLabel(incident: Pick<Counted, 'cause' | 'shape'>): string {
  const unusual = unusualOf(incident);
  return unusual === 'late' ? 'late' : unusual === 'otherwise' ? 'answered otherwise' : 'failed';
}

/** '1 request failed', '12 attempts failed', '809 requests late' */
export function extentFigures(incident: Counted): string {
  const { failed, attempts_failed: attempts } = incident;
  const counted = failed === 0 ? countWithNoun(attempts, 'attempt') : countWithNoun(failed, 'request');
  return `${counted} ${extentLabel(incident)}`;
}

export const countWithNoun = (count: number, noun: string): string =>
  `${countFigure(count)} ${noun}${count === 1 ? '' : 's'}`;
