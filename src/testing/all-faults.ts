import type { Fault } from './fault.ts';
import { connectionFaults } from './faults-connection.ts';
import { bodyFaults } from './faults-body.ts';
import { garbageFaults } from './faults-garbage.ts';
import { headFaults } from './faults-head.ts';
import { lawfulOddities } from './faults-lawful.ts';

/** Every misbehaviour, in the order of the journey. */
export const faults: readonly Fault[] = [
  ...connectionFaults,
  ...headFaults,
  ...garbageFaults,
  ...bodyFaults,
  ...lawfulOddities,
];

const byName = new Map(faults.map((fault) => [fault.name, fault]));

export function findFault(name: string): Fault | null {
  return byName.get(name) ?? null;
}
