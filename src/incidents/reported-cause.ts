import type { CorrectedCause, IncidentSuspect } from '../core/live-incident.ts';

/** The ranking moves while facts come in: another cause has to stand first for so long. */
const standsMs = 10_000;

type ReportedSuspect = Pick<IncidentSuspect, 'name' | 'sentence'>;

/** The cause that people were told when an incident opened, and its only correction. */
export class ReportedCause {
  /** Null: that it is not known; undefined: nothing has been told, or an earlier process has. */
  #reported: ReportedSuspect | null | undefined;
  #other: { readonly name: string; readonly sinceMs: number } | null = null;
  /** Null: nothing was corrected. */
  correction: CorrectedCause | null = null;

  report([first]: readonly IncidentSuspect[]): void {
    this.#reported = first === undefined ? null : named(first);
  }

  /** Once a second. Whether another cause than the one that was told has stood first long enough: at most once. */
  see([first]: readonly IncidentSuspect[], ms: number, wallMs: number): boolean {
    if (this.#reported === undefined || this.correction !== null) return false;
    if (first === undefined || first.name === this.#reported?.name) {
      this.#other = null;
      return false;
    }
    if (this.#other?.name !== first.name) this.#other = { name: first.name, sinceMs: ms };
    if (ms - this.#other.sinceMs < standsMs) return false;
    this.correction = { at: wallMs, from: this.#reported, to: named(first) };
    return true;
  }
}

const named = ({ name, sentence }: ReportedSuspect): ReportedSuspect => ({ name, sentence });
