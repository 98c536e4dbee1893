import type { CheckSpec, StatusRange } from '../core/configuration.ts';
import { explain } from '../core/explain.ts';
import type { Cause } from '../core/failure.ts';
import type { HealthCheckResult } from '../core/health-checker.ts';
import { failureWithoutSecrets } from '../core/redact/failure.ts';
import { TextRedactor } from '../core/redact/text-redactor.ts';
import { isRefusal } from '../core/refusal.ts';
import type { CheckOutcome } from '../policy/health.ts';

type Answer = Extract<HealthCheckResult, { kind: 'answered' }>;

/** What a check expects of a response. */
type Expectation = Partial<Pick<Extract<CheckSpec, { kind: 'http' }>, 'expectStatus' | 'expectBody'>> & {
  readonly kind?: CheckSpec['kind'];
};

const redactor = new TextRedactor();

/** A configured check passes by a connection, or by a response as it expects one. A timeout never passes. */
export function outcomeOf(result: HealthCheckResult, expected: Expectation = {}): CheckOutcome {
  switch (result.kind) {
    case 'connected':
      return 'passed';
    case 'answered':
      return hasExpectedStatus(result, expected) && hasExpectedBody(result, expected) ? 'passed' : 'failed';
    case 'timed_out':
      return 'failed';
    case 'failed':
      return isRefusal(result.failure.cause) ? 'refused' : 'failed';
  }
}

/**
 * Whether a check that failed may be wrong about requests: the endpoint accepted its connection, and did not say itself that it is not well
 * (5xx). A path that does not exist, a login, a slow health page; but not a process that takes itself out.
 */
export function mayBeMistaken(result: HealthCheckResult): boolean {
  switch (result.kind) {
    case 'connected':
      return false;
    case 'answered':
      return result.status < 500;
    case 'timed_out':
      return result.connected && (result.status === null || result.status < 500);
    case 'failed':
      return result.failure.stage === 'response';
  }
}

/** The failure of a check that a request would meet too. */
export function causeOf(result: HealthCheckResult): Cause | null {
  return result.kind === 'failed' ? result.failure.cause : null;
}

/** One sentence without its full stop: 'answered 200', or what went wrong. `target`: the address that was to be checked. */
export function resultText(result: HealthCheckResult, target: string, expected: Expectation = {}): string {
  switch (result.kind) {
    case 'connected':
      return `accepts connections${atText(result.address, target)}`;
    case 'answered':
      return answerText(result, target, expected);
    case 'timed_out':
      return `${result.connected ? 'did not answer' : 'did not accept a connection'} within ${result.limitMs} ms`;
    case 'failed':
      return explain(failureWithoutSecrets(result.failure, redactor));
  }
}

const locationCharactersMax = 100;

function answerText(answer: Answer, target: string, expected: Expectation): string {
  const { status, location, address } = answer;
  if (hasExpectedStatus(answer, expected)) {
    return hasExpectedBody(answer, expected)
      ? `answered ${status}${atText(address, target)}`
      : `answered ${status}, and its body does not have the text that the check expects`;
  }
  if (expected.expectStatus !== undefined) return `answered ${status}, which the check does not expect`;
  if (status < 300 || status > 399) return `answered ${status}`;
  return `redirects${location === null ? '' : ` to ${location.slice(0, locationCharactersMax)}`} (${status})`;
}

const success: readonly StatusRange[] = [{ from: 200, to: 299 }];

function hasExpectedStatus({ status }: Answer, { expectStatus = success }: Expectation): boolean {
  return expectStatus.some(({ from, to }) => status >= from && status <= to);
}

function hasExpectedBody({ firstBytes }: Answer, { expectBody }: Expectation): boolean {
  return expectBody === undefined || new TextDecoder().decode(firstBytes).includes(expectBody);
}

/** Said of a pass at the second address of a name. */
function atText(address: string, target: string): string {
  return address === target ? '' : ` at ${address}`;
}
