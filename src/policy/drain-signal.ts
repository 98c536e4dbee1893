import type { DrainSignalSpec } from '../core/upstream-spec.ts';

/** Whether the value of the header of a response says that its endpoint wants no new requests. */
export function isDrainSignal(value: string | null, spec: DrainSignalSpec): boolean {
  if (value === null) return false;
  return spec.value === null ? value.trim().toLowerCase() !== 'false' : value === spec.value;
}

/** What health documents call it: the agent checks of HAProxy, Consul, and Spring Boot. */
const drainWords: ReadonlySet<string> = new Set(['drain', 'draining', 'maint', 'maintenance', 'out_of_service']);

export function isDrainWord(status: string): boolean {
  return drainWords.has(status.trim().toLowerCase());
}
