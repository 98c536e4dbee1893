/** What every part of the feature knows of it. */

export const jobsName = 'jobs';

/** What happens to a tick while the job still runs. */
type JobOverlap = 'skip' | 'wait' | 'allow';

export const jobOverlaps = ['skip', 'wait', 'allow'] as const satisfies readonly JobOverlap[];

/** A program of an application that runs to its end: at times, once for each release, or by hand. */
export interface JobSpec {
  readonly name: string;
  /** Program and arguments; no shell. */
  readonly command: readonly string[];
  /** Cron's words; 'once': once for each release; null: by hand alone. */
  readonly schedule: string | null;
  /** Null: that of the machine. */
  readonly timeZone: string | null;
  readonly overlap: JobOverlap;
  /** Whether the last of the ticks that were missed is run late. */
  readonly catchesUp: boolean;
  readonly timeoutMs: number;
  /** Beside the environment of the application. */
  readonly environment: Readonly<Record<string, string>>;
}

/** Of an application. */
export interface JobsSpec {
  readonly jobs: readonly JobSpec[];
}

/** Why a run was started. */
export type JobStarter = 'schedule' | 'catch_up' | 'once' | 'hand';

/** What people call it: 'shop.report'. */
export function jobIdOf(application: string, name: string): string {
  return `${application}.${name}`;
}
