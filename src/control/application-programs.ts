import type { ApplicationSpec } from '../core/configuration.ts';
import type { Launcher } from '../core/launch.ts';
import type { OutputSource } from '../core/output-line.ts';
import type { Clock } from '../core/time.ts';
import type { EndedJob, JobWatchdog } from '../deploy/release-job.ts';
import type { ApplicationPrograms, ProgramOrder } from '../features/main-feature.ts';

interface ApplicationProgramsParts extends Omit<ApplicationPrograms, 'run'> {
  readonly clock: Clock;
  readonly launcher: () => Launcher;
  readonly watchdog: () => JobWatchdog;
  readonly onOutput: (source: OutputSource, line: string) => void;
}

/** Programs that run beside the instances of an application, in its release and as its features want them started. */
export function applicationPrograms(parts: ApplicationProgramsParts): ApplicationPrograms {
  const { inForce, redact, predecessorEnded } = parts;
  const run: ApplicationPrograms['run'] = async (order, signal, onLine) => {
    const spec = inForce(order.application);
    if (spec === null) return notThere;
    // Loaded where it is needed: most gateways run no job.
    const { runLaunched } = await import('../deploy/release-job.ts');
    const note = (line: string): void => {
      parts.onOutput(sourceOf(order), line);
      onLine(line);
    };
    return runLaunched(
      parts.launcher(),
      launchedOf(order, spec),
      jobOf(order, spec),
      parts.clock,
      note,
      signal,
      parts.watchdog(),
    );
  };
  return { inForce, redact, predecessorEnded, run };
}

const notThere: EndedJob = {
  failure: 'it was not started: the configuration does not have its application',
  ...{ lines: [], code: null, signal: null },
};

const sourceOf = ({ application, program }: ProgramOrder): OutputSource => ({
  ...{ application, instance: program, pid: null, stream: 'stdout', path: null },
});

const launchedOf = ({ application, program }: ProgramOrder, spec: ApplicationSpec) => ({
  ...{ application, program, kind: 'job' as const, settings: spec.features ?? {} },
  ...{ release: spec.release ?? null, directory: spec.directory },
});

const jobOf = ({ command, environment, limitMs }: ProgramOrder, spec: ApplicationSpec) => ({
  ...{ command, limitMs, directory: spec.directory, stopMs: spec.stopMs },
  environment: { ...spec.environment, ...environment },
});
