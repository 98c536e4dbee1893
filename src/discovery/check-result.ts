import { explain } from '../core/explain.ts';
import type { Cause } from '../core/failure.ts';
import type { HealthCheckResult } from '../core/health-checker.ts';
import { failureWithoutSecrets } from '../core/redact/failure.ts';
import { TextRedactor } from '../core/redact/text-redactor.ts';
import { isRefusal } from '../core/refusal.ts';
import type { CheckOutcome } from '../policy/health.ts';

const redactor = new TextRedactor();

/** A configured check passes by a connection, or by a 2xx status. A timeout never passes. */
export function outcomeOf(result: HealthCheckResult): CheckOutcome {
  switch (result.kind) {
    case 'connected':
      return 'passed';
    case 'answered':
      return result.status >= 200 && result.status <= 299 ? 'passed' : 'failed';
    case 'timed_out':
      return 'failed';
    case 'failed':
      return isRefusal(result.failure.cause) ? 'refused' : 'failed';
  }
}

/** The failure of a check that a request would meet too. */
export function causeOf(result: HealthCheckResult): Cause | null {
  return result.kind === 'failed' ? result.failure.cause : null;
}

/** One sentence without its full stop: 'answered 200', or what went wrong. `target`: the address that was to be checked. */
export function resultText(result: HealthCheckResult, target: string): string {
  switch (result.kind) {
    case 'connected':
      return `accepts connections${atText(result.address, target)}`;
    case 'answered':
      return answerText(result, target);
    case 'timed_out':
      return `${result.connected ? 'did not answer' : 'did not accept a connection'} within ${result.limitMs} ms`;
    case 'failed':
      return explain(failureWithoutSecrets(result.failure, redactor));
  }
}

const locationCharactersMax = 100;

function answerText(
  { status, location, address }: Extract<HealthCheckResult, { kind: 'answered' }>,
  target: string,
): string {
  if (status >= 200 && status <= 299) return `answered ${status}${atText(address, target)}`;
  if (status < 300 || status > 399) return `answered ${status}`;
  return `redirects${location === null ? '' : ` to ${location.slice(0, locationCharactersMax)}`} (${status})`;
}

/** Said of a pass at the second address of a name. */
function atText(address: string, target: string): string {
  return address === target ? '' : ` at ${address}`;
}
