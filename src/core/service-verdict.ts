/** Whether requests are served well, as people and dashboards show it. */
export const verdictStates = ['ok', 'failing', 'degraded', 'idle', 'unknown'] as const;

export type VerdictState = (typeof verdictStates)[number];

export interface ServiceVerdict {
  readonly state: VerdictState;
  /** Why, one clause. */
  readonly reason: string;
}
