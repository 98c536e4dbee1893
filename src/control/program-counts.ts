import type { Event } from '../core/event.ts';
import type { ProgramUse } from '../usage/usage.ts';

/** `skipped`: it still ran when it was due; `missed`: nothing ran it when it was due. */
export const jobOutcomes = ['succeeded', 'failed', 'skipped', 'missed'] as const;
type JobOutcome = (typeof jobOutcomes)[number];

/** What is counted of programs of applications since the start of the process. */
export interface ProgramTotals {
  readonly jobs: readonly { readonly job: string; readonly outcome: JobOutcome; readonly count: number }[];
  /** Instances, of applications and workers, that were killed because memory was used up. */
  readonly outOfMemory: readonly { readonly application: string; readonly count: number }[];
  readonly used: readonly ProgramUse[];
  /** The folders of applications. */
  readonly storage: readonly { readonly application: string; readonly bytes: number }[];
}

/** Counts ends of programs by their events. All keys come from the configuration. */
export class ProgramCounts {
  readonly #jobs = new Map<string, Map<JobOutcome, number>>();
  readonly #outOfMemory = new Map<string, number>();

  onEvent(event: Event): void {
    switch (event.kind) {
      case 'job_ended':
        return this.#count(event.evidence.job, event.to === 'failed' ? 'failed' : 'succeeded', 1);
      case 'job_skipped':
        return this.#count(event.evidence.job, 'skipped', 1);
      case 'job_missed':
        return this.#count(event.evidence.job, 'missed', event.evidence.count);
      case 'job_failing':
        if (event.to === 'removed') this.#jobs.delete(event.evidence.job);
        return;
      case 'instance_exited': {
        if (!event.evidence.outOfMemory) return;
        const application = event.subject.slice('instance:'.length).replace(/\/[^/]*$/, '');
        this.#outOfMemory.set(application, (this.#outOfMemory.get(application) ?? 0) + 1);
        return;
      }
      default:
    }
  }

  #count(job: string, outcome: JobOutcome, count: number): void {
    const known = this.#jobs.get(job) ?? new Map<JobOutcome, number>();
    this.#jobs.set(job, known.set(outcome, (known.get(outcome) ?? 0) + count));
  }

  get totals(): Pick<ProgramTotals, 'jobs' | 'outOfMemory'> {
    return {
      jobs: [...this.#jobs].flatMap(([job, counts]) =>
        [...counts].map(([outcome, count]) => ({ job, outcome, count })),
      ),
      outOfMemory: [...this.#outOfMemory].map(([application, count]) => ({ application, count })),
    };
  }
}
