/** Whether requests are served well, as people and dashboards show it. `maintenance`: an operator has closed routes, and nothing fails besides. */
export const verdictStates = ['ok', 'failing', 'degraded', 'maintenance', 'idle', 'unknown'] as const;

export type VerdictState = (typeof verdictStates)[number];
