/** The states of a circuit breaker. `open`: requests are answered at once; `half_open`: a few at a time are let through. */
export const circuitStates = ['closed', 'open', 'half_open'] as const;

export type CircuitState = (typeof circuitStates)[number];

/** So many endpoints have an entry. */
export const endpointConditionsMax = 4;
