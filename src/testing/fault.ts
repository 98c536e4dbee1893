import { connectionFaults } from './faults-connection.ts';
import { contentFaults } from './faults-content.ts';
import { garbageFaults } from './faults-garbage.ts';
import { headFaults } from './faults-head.ts';
import { lawfulOddities } from './faults-lawful.ts';
import type { OriginRequest, Script } from './origin-script.ts';

/** One misbehaviour of the fault origin. */
export interface Fault {
  /** The path is `/fault/<name>`. */
  readonly name: string;
  /** What the origin does, to be read after "The origin …". */
  readonly does: string;
  /** False for answers that look odd and are lawful: a gateway must pass them. */
  readonly faulty: boolean;
  /** When the script begins: after the request's head, or after all of its content. */
  readonly begins: 'head' | 'content';
  script(request: OriginRequest): Script;
}

/** Every misbehaviour, in the order of the journey. */
export const faults: readonly Fault[] = [
  ...connectionFaults,
  ...headFaults,
  ...garbageFaults,
  ...contentFaults,
  ...lawfulOddities,
];

const byName = new Map(faults.map((fault) => [fault.name, fault]));

export function findFault(name: string): Fault | null {
  return byName.get(name) ?? null;
}
