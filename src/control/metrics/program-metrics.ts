import type { MetricFamily, Sample } from '../../core/metric-family.ts';
import type { JobRunStatus, JobStatus } from '../../core/schemas/jobs.ts';
import type { GatewayStatus } from '../../core/schemas/status.ts';
import { jobOutcomes, type ProgramTotals } from '../program-counts.ts';

const phases = ['starting', 'ready', 'failing', 'backing_off', 'stopping', 'stopped'] as const;

/** Of the programs of applications: instances, workers and jobs, and what they use. */
export function programFamilies(
  totals: ProgramTotals,
  jobs: readonly JobStatus[],
  applications: GatewayStatus['applications'],
): readonly MetricFamily[] {
  const families = [...ofInstances(totals, applications), ...ofUse(totals), ...ofJobs(totals, jobs)];
  // Most gateways have no jobs, and many no applications.
  return families.filter(({ samples }) => samples.length > 0);
}

function ofInstances({ outOfMemory }: ProgramTotals, applications: GatewayStatus['applications']): MetricFamily[] {
  const killed = new Map(outOfMemory.map(({ application, count }) => [application, count]));
  const withPrograms = applications.filter(({ command, instances }) => command.length > 0 || instances.length > 0);
  return [
    {
      name: 'candor_instances',
      help: 'Instances of applications and of their workers, by phase.',
      samples: withPrograms.flatMap(({ id, instances }) =>
        phases.map(
          (phase): Sample => [{ application: id, phase }, instances.filter((one) => one.phase === phase).length],
        ),
      ),
    },
    {
      name: 'candor_instances_wanted',
      help: 'How many instances of applications and of their workers are to run.',
      samples: withPrograms.flatMap(({ id, wanted }): Sample[] =>
        wanted === undefined ? [] : [[{ application: id }, wanted]],
      ),
    },
    {
      name: 'candor_instance_out_of_memory_total',
      help: 'How often instances of an application or worker were killed because memory was used up.',
      samples: withPrograms.map(({ id }) => [{ application: id }, killed.get(id) ?? 0]),
    },
  ];
}

function ofUse({ used, storage }: ProgramTotals): MetricFamily[] {
  return [
    {
      name: 'candor_program_cpu_seconds_total',
      help: 'Processor time of the programs of applications, since this process started: of instances, a worker, a job, or builds.',
      samples: used.map(({ application, kind, name, cpuMs }) => [{ application, kind, name }, cpuMs / 1000]),
    },
    {
      name: 'candor_program_memory_bytes',
      help: 'Resident memory of the programs of applications that run.',
      samples: used.map(({ application, kind, name, residentBytes }) => [{ application, kind, name }, residentBytes]),
    },
    {
      name: 'candor_application_storage_bytes',
      help: 'Size of the folders of an application, with its releases, as they were last looked at.',
      samples: storage.map(({ application, bytes }) => [{ application }, bytes]),
    },
  ];
}

function ofJobs(totals: ProgramTotals, jobs: readonly JobStatus[]): MetricFamily[] {
  const counts = new Map(totals.jobs.map(({ job, outcome, count }) => [`${job} ${outcome}`, count]));
  const each = (valueOf: (job: JobStatus) => number | null): Sample[] =>
    jobs.flatMap((one) => {
      const value = valueOf(one);
      return value === null ? [] : [[labelsOf(one), value] as const];
    });
  const last = (of: (run: JobRunStatus) => boolean) => (one: JobStatus) => one.runs.find(of);
  const ended = last(({ ms }) => ms !== null);
  const succeeded = last(({ state }) => state === 'succeeded');
  return [
    {
      name: 'candor_job_runs_total',
      help: 'Runs of a job since this process started, by outcome: succeeded, failed, skipped (it still ran when it was due), missed (nothing ran it when it was due).',
      samples: jobs.flatMap((one) =>
        jobOutcomes.map((outcome): Sample => [{ ...labelsOf(one), outcome }, counts.get(`${one.job} ${outcome}`) ?? 0]),
      ),
    },
    {
      name: 'candor_job_failing',
      help: 'Whether the last run of a job has failed, or it could not be started (1).',
      samples: each(({ failing }) => (failing === null ? 0 : 1)),
    },
    {
      name: 'candor_job_running',
      help: 'Runs of a job that go on.',
      samples: each(({ runs }) => runs.filter(({ state }) => state === 'running').length),
    },
    {
      name: 'candor_job_last_duration_seconds',
      help: 'How long the last run of a job took that has ended.',
      samples: each((one) => {
        const ms = ended(one)?.ms ?? null;
        return ms === null ? null : ms / 1000;
      }),
    },
    {
      name: 'candor_job_last_start_time_seconds',
      help: 'When the last run of a job began, in seconds since the Unix epoch.',
      samples: each(({ runs: [latest] }) => secondsOf(latest?.startedAt)),
    },
    {
      name: 'candor_job_last_success_time_seconds',
      help: 'When the last run of a job ended that has succeeded, in seconds since the Unix epoch.',
      samples: each((one) => {
        const run = succeeded(one);
        const began = secondsOf(run?.startedAt);
        return began === null ? null : began + (run?.ms ?? 0) / 1000;
      }),
    },
    {
      name: 'candor_job_next_time_seconds',
      help: 'When a job is due next, in seconds since the Unix epoch.',
      samples: each(({ nextAt }) => secondsOf(nextAt)),
    },
  ];
}

/** Prometheus itself gives each series a label `job`. */
function labelsOf({ application, job }: JobStatus): Readonly<Record<string, string>> {
  return { application, name: job.slice(application.length + 1) };
}

function secondsOf(time: string | null | undefined): number | null {
  return time == null ? null : Date.parse(time) / 1000;
}
