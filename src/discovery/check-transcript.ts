import type { CheckSpec } from '../core/upstream-spec.ts';
import type { HealthCheckReport } from '../core/health-check-report.ts';
import type { HealthCheckResult } from '../core/health-checker.ts';
import { TextRedactor } from '../redact/text-redactor.ts';

/** Enough to recognise an error page. */
const bodyBytesMax = 200;

const redactor = new TextRedactor();

/** What a check has sent and got, without secrets. */
export function transcriptOf(
  result: HealthCheckResult,
  check: Exclude<CheckSpec, { kind: 'none' }>,
): Pick<HealthCheckReport, 'request' | 'status' | 'body'> {
  const status = result.kind === 'answered' || result.kind === 'timed_out' ? result.status : null;
  return { request: requestLine(check), status, body: check.kind === 'grpc' ? null : bodyOf(result) };
}

function requestLine(check: Exclude<CheckSpec, { kind: 'none' }>): string | null {
  if (check.kind === 'tcp') return null;
  if (check.kind === 'grpc') return `POST /grpc.health.v1.Health/Check (service "${check.service}")`;
  return `GET ${redactor.redact(check.path)}`;
}

function bodyOf(result: HealthCheckResult): string | null {
  if (result.kind !== 'answered' && result.kind !== 'failed') return null;
  const { firstBytes } = result;
  if (firstBytes.length === 0) return null;
  return redactor.redact(new TextDecoder().decode(firstBytes.subarray(0, bodyBytesMax)));
}
