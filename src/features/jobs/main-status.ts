import type { JobRunStatus, JobStatus } from '../../core/schemas/jobs.ts';
import type { Clock } from '../../core/time.ts';
import type { JobRun } from './main-history.ts';
import type { Job } from './main-job.ts';
import { machineZone } from '../machine-zone.ts';

/** What people read of a job. */
export function jobStatus(job: Job, clock: Clock, command: string): JobStatus {
  const { id, application, spec, history, failing } = job;
  return {
    ...{ job: id, application, command, schedule: spec.schedule, overlap: spec.overlap },
    timeZone: spec.schedule === null || spec.schedule === 'once' ? null : (spec.timeZone ?? machineZone()),
    catchUp: spec.catchesUp ? 'last' : 'none',
    nextAt: timeOrNull(job.nextTick),
    waits: job.isWaiting,
    failing: failing?.reason ?? null,
    failingS: failing === null ? null : Math.round((clock.now() - failing.since) / 1000),
    runs: history.runs.toReversed().map(runStatus),
    runsTotal: history.runsTotal,
    skipped: history.skipped && { at: timeOf(history.skipped.tick), reason: history.skipped.reason },
    missed: history.missed && {
      ...{ first: timeOf(history.missed.first), last: timeOf(history.missed.last) },
      ...{ count: history.missed.count, isMore: history.missed.isMore, reason: history.missed.reason },
    },
  };
}

function runStatus({ run, tick, by, actor, release, startedAt, end }: JobRun): JobRunStatus {
  return {
    ...{ run, by, actor, release, dueAt: timeOrNull(tick), startedAt: timeOf(startedAt) },
    state: end === null ? 'running' : end.failure === null ? 'succeeded' : 'failed',
    ...{ ms: end?.ms ?? null, code: end?.code ?? null, signal: end?.signal ?? null, failure: end?.failure ?? null },
    output: [...(end?.lines ?? [])],
  };
}

const timeOf = (wallTime: number): string => new Date(wallTime).toISOString();
const timeOrNull = (wallTime: number | null): string | null => (wallTime === null ? null : timeOf(wallTime));
