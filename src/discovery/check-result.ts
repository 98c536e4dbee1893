import { unmetExpectation } from '../core/check-expectation.ts';
import type { CheckSpec, DrainSignalSpec, ResponseExpectation } from '../core/upstream-spec.ts';
import type { ReadinessFinding } from '../core/endpoint.ts';
import { explain } from '#failures/failure-texts.ts';
import { clause } from '#failures/failure-table/formatting.ts';
import { lowerFirst } from '#failures/first-letter.ts';
import { spokenIn, stepOfOtherProtocol } from '#failures/guess-words.ts';
import type { Cause } from '#failures/failure.ts';
import type { GrpcAnswer, HealthCheckResult } from '../core/health-checker.ts';
import { failureWithoutSecrets } from '../redact/failure.ts';
import { TextRedactor } from '../redact/text-redactor.ts';
import { isRefusal } from '../core/refusal.ts';
import type { CheckOutcome } from '../policy/health.ts';
import { isDrainSignal, isDrainWord } from '../policy/drain-signal.ts';
import { healthAdvice, healthStatus } from '../core/health-json.ts';

type Answer = Extract<HealthCheckResult, { kind: 'answered' }>;

/** What a check expects of a response. */
type Expectation = ResponseExpectation & { readonly kind?: CheckSpec['kind'] };

const redactor = new TextRedactor();

/** A configured check passes by a connection, or by a response as it expects one. A timeout never passes. */
export function outcomeOf(result: HealthCheckResult, expected: Expectation = {}): CheckOutcome {
  switch (result.kind) {
    case 'connected':
      return 'passed';
    case 'answered':
      return isAsExpected(result, expected) ? 'passed' : 'failed';
    case 'timed_out':
      return 'failed';
    case 'failed':
      return isRefusal(result.failure.cause) ? 'refused' : 'failed';
  }
}

/** Whether the check could not be made because the gateway has no descriptor or local port left. */
export function isOwnShortage(result: HealthCheckResult): boolean {
  if (result.kind !== 'failed') return false;
  const { cause } = result.failure;
  return cause === 'descriptors_exhausted' || cause === 'local_ports_exhausted';
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
      return result.status < 500 && result.grpc?.serving !== 'NOT_SERVING';
    case 'timed_out':
      return result.connected && (result.status === null || result.status < 500);
    case 'failed':
      return result.failure.stage === 'response';
  }
}

/** Why the endpoint wants no new requests; null: it wants them; undefined: the check says nothing of that. */
export function drainOf(result: HealthCheckResult, spec: DrainSignalSpec | undefined): string | null | undefined {
  if (spec === undefined || result.kind !== 'answered' || result.grpc !== undefined) return undefined;
  if (isDrainSignal(result.headers?.get(spec.header) ?? null, spec)) return 'its response to the check says so';
  const status = result.isAdvice === true ? healthStatus(new TextDecoder().decode(result.firstBytes)) : '';
  return isDrainWord(status) ? `its health document says ${redactor.redact(status)}` : null;
}

/** The failure of a check that a request would meet too. */
export function causeOf(result: HealthCheckResult): Cause | null {
  return result.kind === 'failed' ? result.failure.cause : null;
}

/** The endpoint speaks another protocol than the one of its upstream: what it is, and what to do; null: that is not known. */
export function findingOf(result: HealthCheckResult): ReadinessFinding | null {
  if (result.kind !== 'failed') return null;
  const spoken = spokenIn(result.failure);
  if (spoken === null) return null;
  const reason = clause(explain(failureWithoutSecrets(result.failure, redactor)));
  return { reason, fix: lowerFirst(clause(stepOfOtherProtocol[spoken])), lasting: true, cause: result.failure.cause };
}

/** What the health document of the endpoint says of parts that do not work; null: nothing, or it has sent none. */
export function adviceOf(result: HealthCheckResult): string | null {
  if (result.kind !== 'answered' || result.isAdvice !== true) return null;
  const advice = healthAdvice(new TextDecoder().decode(result.firstBytes));
  return advice === null ? null : redactor.redact(advice);
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

function isAsExpected(answer: Answer, expected: Expectation): boolean {
  if (answer.grpc !== undefined) return answer.grpc.code === 0 && answer.grpc.serving === 'SERVING';
  return unmetIn(answer, expected) === null;
}

function unmetIn(answer: Answer, expected: Expectation): ReturnType<typeof unmetExpectation> {
  return unmetExpectation(answer, expected, () => new TextDecoder().decode(answer.firstBytes));
}

function answerText(answer: Answer, target: string, expected: Expectation): string {
  const { status, location, address, grpc } = answer;
  if (grpc !== undefined) return grpcText(grpc, status);
  const advice = adviceOf(answer);
  const why = advice === null ? '' : ` (${advice})`;
  const unmet = unmetIn(answer, expected);
  if (unmet === null) return `answered ${status}${atText(address, target)}${why}`;
  if (unmet.kind === 'header') return `answered ${status}, and its header ${unmet.name} is not as the check expects`;
  if (unmet.kind === 'body') return `answered ${status}, and its body does not have the text that the check expects`;
  if (expected.expectStatus !== undefined) return `answered ${status}, which the check does not expect${why}`;
  if (status < 300 || status > 399) return `answered ${status}${why}`;
  return `redirects${location === null ? '' : ` to ${redactor.redact(location).slice(0, locationCharactersMax)}`} (${status})`;
}

function grpcText({ code, serving }: GrpcAnswer, status: number): string {
  if (status !== 200) return `answered the gRPC health check with the HTTP status ${status}`;
  if (code === 0) return `says ${serving ?? 'nothing that can be read'} to the gRPC health check`;
  const meaning = code === null ? undefined : grpcMeanings[code];
  const known = meaning === undefined ? '' : `: ${meaning}`;
  return `answered the gRPC health check with ${code === null ? 'no status' : `status ${code}`}${known}`;
}

const grpcMeanings: Readonly<Record<number, string>> = {
  5: 'it does not know the service',
  12: 'it has no health service (grpc.health.v1)',
  14: 'it is unavailable',
  16: 'it asks for authentication',
};

/** Said of a pass at the second address of a name. */
function atText(address: string, target: string): string {
  return address === target ? '' : ` at ${address}`;
}
