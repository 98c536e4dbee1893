import { heapExhaustionOf } from '#failures/heap-exhaustion.ts';
import type { ExitKind } from './incident-additions.ts';
import type { SeenOf } from './suspect-facts.ts';

/** When the exits that may explain an incident came first. Kept with the incident: of a long crash loop, the oldest events are dropped. */
export class FirstExits {
  readonly #ms = new Map<ExitKind, number>();

  /** `exits`: the kept ones, the oldest first, of an incident that started at `startedMs`. Returns the first of each kind, in milliseconds after the start. */
  note(exits: readonly SeenOf<'instance_exited'>[], startedMs: number): ReadonlyMap<ExitKind, number> {
    for (const { event, afterMs } of exits) this.#add(exitKindOf(event), startedMs + afterMs);
    return new Map([...this.#ms].map(([kind, ms]) => [kind, ms - startedMs]));
  }

  /** Takes over those of another incident, which has the same reason. */
  absorb(other: FirstExits): void {
    for (const [kind, ms] of other.#ms) this.#add(kind, ms);
  }

  #add(kind: ExitKind, ms: number): void {
    this.#ms.set(kind, Math.min(ms, this.#ms.get(kind) ?? Infinity));
  }
}

/** A runtime that gets no more memory ends its program itself. */
export const exitKindOf = ({ evidence }: SeenOf<'instance_exited'>['event']): ExitKind =>
  evidence.outOfMemory || heapExhaustionOf(evidence.output) !== null ? 'out_of_memory' : 'crash';
