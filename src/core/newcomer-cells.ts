/** Where `newcomers` has good answers and refusals: those to GET, and those to requests that may change something; a client is known by the same ones. */
export const newcomerCells = { good: [0, 1], refused: [2, 3] } as const;
