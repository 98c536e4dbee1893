import { shapeWords, whoseWords } from '#failures/failure-words.ts';
import type { Shape, Whose } from '#failures/shape.ts';
import { type IncidentSuspect, isOfChecksAlone } from './live-incident.ts';

interface Verdict {
  readonly cause: string | null;
  readonly shape: Shape;
}

/** What clients notice of an incident in which no request fails. */
type Unusual = 'late' | 'otherwise';

/** Null: its requests fail. Each shape that a late response and another answer have belongs to a cause where requests fail. */
export function unusualOf({ cause, shape }: Verdict): Unusual | null {
  if (cause !== null) return null;
  return shape === 'too_slow' ? 'late' : shape === 'none' ? 'otherwise' : null;
}

/** 'unreachable, caused by the application', 'other answers than before, by the application' */
export function verdictText({
  whose,
  ...facts
}: Verdict & { readonly whose: Whose; readonly suspects: readonly Pick<IncidentSuspect, 'name'>[] }): string {
  const by = whoseWords[whose];
  if (unusualOf(facts) === 'otherwise') return `other answers than before, by ${by}`;
  return isOfChecksAlone(facts) ? shapeWords[facts.shape] : `${shapeWords[facts.shape]}, caused by ${by}`;
}
