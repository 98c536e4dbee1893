import { availableParallelism } from 'node:os';

/** Gateways have one core, the origin and the load another. */
export const gatewayCore = 0;
export const loadCore = 1;

export function needTwoCores(): void {
  if (availableParallelism() < 2) throw new Error('two cores are needed: one for the gateway, one for load and origin');
}
