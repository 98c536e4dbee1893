import { shapeWords, whoseWords } from '#failures/failure-words.ts';
import type { Whose } from '#failures/shape.ts';
import { type IncidentSuspect, isOfChecksAlone } from './live-incident.ts';
import { type KindOfIncident, unusualOf } from './unusual-incident.ts';

interface Verdict extends KindOfIncident {
  readonly whose: Whose;
  readonly suspects: readonly Pick<IncidentSuspect, 'name'>[];
}

/** 'unreachable, caused by the application', 'other answers than before, by the application' */
export function verdictText({ whose, ...facts }: Verdict): string {
  const by = whoseWords[whose];
  if (unusualOf(facts) === 'otherwise') return `other answers than before, by ${by}`;
  return isOfChecksAlone(facts) ? shapeWords[facts.shape] : `${shapeWords[facts.shape]}, caused by ${by}`;
}
