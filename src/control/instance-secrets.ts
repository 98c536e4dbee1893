import type { HealthCheckReport } from '../core/health-check-report.ts';
import type { LiveInstance } from '../core/live-instance.ts';
import type { ManagedState } from '../core/managed-tls.ts';
import type { TextRedactor } from '../redact/text-redactor.ts';
import type { UpstreamSnapshot } from '../core/snapshot.ts';
import type { SupervisedApplicationStatus } from '../deploy/supervisor.ts';
import type { ApplicationStatus, InstanceStatus } from '../core/schemas/status.ts';

/** Instances as responses, records and the status may show them: without the credentials that an application printed. */
export function withoutSecrets(instances: readonly LiveInstance[], redactor: TextRedactor): readonly LiveInstance[] {
  return instances.map((instance) => {
    const { exit, finding, reason } = instance;
    const lastLine = exit?.lastLine ?? null;
    return {
      ...instance,
      reason: redactor.redact(reason),
      finding: finding === null ? null : { ...finding, reason: redactor.redact(finding.reason) },
      exit: exit === null || lastLine === null ? exit : { ...exit, lastLine: redactor.redact(lastLine) },
    };
  });
}

/** The same for the status of applications, with what their processes use. */
export function statusWithoutSecrets(
  applications: readonly SupervisedApplicationStatus[],
  redactor: TextRedactor,
  usageOf: (instance: string) => InstanceStatus['usage'] = () => null,
): readonly ApplicationStatus[] {
  return applications.map((application) => ({
    ...application,
    command: redactor.redactCommand(application.command),
    instances: application.instances.map((instance) => ({
      ...instance,
      reason: redactor.redact(instance.reason),
      usage: usageOf(instance.id),
      earlierCommand: instance.earlierCommand === null ? null : redactor.redactCommand(instance.earlierCommand),
      lastLines: redactor.redactLines(instance.lastLines),
    })),
  }));
}

/** The same for endpoints: their reasons quote answers of endpoints and output of applications. */
export function endpointsWithoutSecrets(
  upstreams: readonly UpstreamSnapshot[],
  redactor: TextRedactor,
): readonly UpstreamSnapshot[] {
  return upstreams.map((upstream) => ({
    ...upstream,
    endpoints: upstream.endpoints.map((endpoint) => ({ ...endpoint, reason: redactor.redact(endpoint.reason) })),
  }));
}

/** The same for certificates: their failures quote the CA, and what a hook has printed. */
export function certificatesWithoutSecrets(
  states: readonly ManagedState[],
  redactor: TextRedactor,
): readonly ManagedState[] {
  return states.map((state) => {
    const { failure } = state;
    return failure === null
      ? state
      : {
          ...state,
          failure: { ...failure, reason: redactor.redact(failure.reason), fix: redactor.redact(failure.fix) },
        };
  });
}

/** The same for the last check of an endpoint: it quotes the answer. */
export function checkWithoutSecrets(check: HealthCheckReport | null, redactor: TextRedactor): HealthCheckReport | null {
  if (check === null) return null;
  return {
    ...check,
    reason: redactor.redact(check.reason),
    body: check.body === null ? null : redactor.redact(check.body),
    ...(check.lines === undefined ? {} : { lines: redactor.redactLines(check.lines) }),
  };
}
