import type { Shape } from '#failures/shape.ts';

export interface KindOfIncident {
  readonly cause: string | null;
  readonly shape: Shape;
}

/** What clients notice of an incident in which no request fails. */
type Unusual = 'late' | 'otherwise';

/** Null: its requests fail. Each shape that a late response and another answer have belongs to a cause where requests fail. */
export function unusualOf({ cause, shape }: KindOfIncident): Unusual | null {
  if (cause !== null) return null;
  return shape === 'too_slow' ? 'late' : shape === 'none' ? 'otherwise' : null;
}
