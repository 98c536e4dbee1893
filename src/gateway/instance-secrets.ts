import type { LiveInstance } from '../deploy/live-instance.ts';
import type { TextRedactor } from '../record/redact.ts';
import type { ApplicationStatus } from './control.ts';

/** Instances as answers, records and status may show them: what an application printed, without its credentials. */
export function withoutSecrets(instances: readonly LiveInstance[], redactor: TextRedactor): readonly LiveInstance[] {
  return instances.map((instance) => {
    const { exit, reason } = instance;
    const lastLine = exit?.lastLine ?? null;
    return {
      ...instance,
      reason: redactor.redact(reason),
      exit: exit === null || lastLine === null ? exit : { ...exit, lastLine: redactor.redact(lastLine) },
    };
  });
}

/** The same for the status of applications. */
export function statusWithoutSecrets(
  applications: readonly ApplicationStatus[],
  redactor: TextRedactor,
): readonly ApplicationStatus[] {
  return applications.map((application) => ({
    ...application,
    instances: application.instances.map((instance) => ({
      ...instance,
      reason: redactor.redact(instance.reason),
      lastLines: instance.lastLines.map((line) => redactor.redact(line)),
    })),
  }));
}
