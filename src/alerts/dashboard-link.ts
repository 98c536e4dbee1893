import type { Alert } from '../core/alert.ts';

/** To the incident, or to the first page. */
export function dashboardLink(base: string | null, { incident }: Pick<Alert, 'incident'>): string | null {
  if (base === null) return null;
  return `${base.replace(/\/+$/, '')}/#/${incident === null ? 'now' : `incidents/${incident}`}`;
}
