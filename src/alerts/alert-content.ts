import type { Alert } from '../core/alert.ts';

/** What an event says of an alert; the rest is the same for all. */
export type AlertContent = Omit<Alert, 'id' | 'at' | 'deployment' | 'member' | 'subject' | 'about'> & {
  /** Absent: its key. */
  readonly about?: string;
};

/** What an alert has that is of no upstream. */
export const noneOf = {
  upstream: null,
  upstreams: [],
  routes: [],
  evidence: [],
  nextStep: null,
  incident: null,
  steps: [],
} as const;
