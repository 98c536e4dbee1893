import type { Instant } from '../core/time.ts';
import { type Observation, passes } from './readiness.ts';

/** An answer that is seen for so long is not the first page being compiled, and a person waits for the reason. */
const answerPersistsMs = 1_000;

/** Nothing listens while any application starts; most listen within this. */
const refusalPersistsMs = 5_000;

/** Kinds of trouble of one start that are told; an application that has more of them has been told enough of. */
const toldMax = 5;

/** Decides when an instance that starts and is not ready is worth an event: once for each kind of trouble that persists. */
export class ReadinessTrouble {
  #kind = '';
  #since = 0 as Instant;
  readonly #told = new Set<string>();

  /** Whether to tell of the trouble now. */
  note(observation: Observation, now: Instant): boolean {
    const kind = kindOf(observation);
    if (kind !== this.#kind) {
      this.#kind = kind;
      this.#since = now;
    }
    if (passes(observation) || this.#told.has(kind) || this.#told.size >= toldMax) return false;
    if (now - this.#since < (observation.kind === 'refused' ? refusalPersistsMs : answerPersistsMs)) return false;
    this.#told.add(kind);
    return true;
  }
}

function kindOf(observation: Observation): string {
  return observation.kind === 'answered' ? `answered ${observation.status}` : observation.kind;
}
