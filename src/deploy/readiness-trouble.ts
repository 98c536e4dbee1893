import type { Instant } from '../core/time.ts';
import { type ReadinessResult, hasPassed } from './readiness.ts';

/** An answer that persists this long is not the first page being compiled, and a person waits for the reason. */
const answerPersistsMs = 1_000;

/** Nothing listens while an application starts; most listen within this time. */
const refusalPersistsMs = 5_000;

/** Kinds of problems that are reported of one start. */
const reportedMax = 5;

/** Decides when an instance that starts and is not ready is worth an event: once for each kind of trouble that persists. */
export class ReadinessTrouble {
  #kind = '';
  #since = 0 as Instant;
  readonly #reported = new Set<string>();

  /** Whether to tell of the trouble now. */
  shouldReport(observation: ReadinessResult, now: Instant): boolean {
    const kind = kindOf(observation);
    if (kind !== this.#kind) {
      this.#kind = kind;
      this.#since = now;
    }
    if (hasPassed(observation) || this.#reported.has(kind) || this.#reported.size >= reportedMax) return false;
    if (now - this.#since < (observation.kind === 'refused' ? refusalPersistsMs : answerPersistsMs)) return false;
    this.#reported.add(kind);
    return true;
  }
}

function kindOf(observation: ReadinessResult): string {
  return observation.kind === 'answered' ? `answered ${observation.status}` : observation.kind;
}
