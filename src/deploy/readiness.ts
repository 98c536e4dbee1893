import { unmetExpectation } from '../core/check-expectation.ts';
import type { ReadinessSpec } from '../core/configuration.ts';
import type { Cancellable } from '../core/connector.ts';
import { explain } from '#failures/failure-texts.ts';
import { clause } from '#failures/failure-table/formatting.ts';
import type { Failure } from '#failures/failure.ts';
import { guessWords, isOtherProtocol, type OtherProtocol } from '#failures/guess-words.ts';
import { healthAdvice } from '../core/health-json.ts';
import type { HealthChecker, HealthCheckResult, HttpProbe } from '../core/health-checker.ts';
import { failureWithoutSecrets } from '../redact/failure.ts';
import { TextRedactor } from '../redact/text-redactor.ts';
import { isRefusal } from '../core/refusal.ts';
import type { ResponseExpectation } from '../core/upstream-spec.ts';
import { harmless } from './output-lines.ts';

const redactor = new TextRedactor();

/** One readiness check of an instance: a GET on its port, or a connection to it. `timeoutMs` is for the whole response. */
export interface ReadinessCheck extends Omit<ReadinessSpec, 'intervalMs' | 'passes' | 'startMs' | 'program'> {
  readonly port: number;
}

/** What a readiness check observed. */
export type ReadinessResult =
  /** A connection, where one is enough. */
  | { readonly kind: 'connected' }
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly location: string | null;
      readonly firstBytes: string;
      /** What its health document says of parts that do not work; absent: nothing, or it has sent none. */
      readonly advice?: string;
      /** A gRPC server answers no GET otherwise. */
      readonly isGrpc?: true;
      /** Whether it is as the configuration expects, and in what it is not; absent: the configuration does not say. */
      readonly expected?: { readonly unmet: string | null };
    }
  | { readonly kind: 'refused' }
  /** `status`: of the head, where one came in time. */
  | { readonly kind: 'timed_out'; readonly limitMs: number; readonly status: number | null }
  /** The connection ended before the response did. */
  | { readonly kind: 'closed'; readonly errno: string }
  | { readonly kind: 'not_http'; readonly firstBytes: string }
  | { readonly kind: 'other_protocol'; readonly protocol: OtherProtocol }
  /** It was asked over HTTP/1.1 without TLS. */
  | { readonly kind: 'unasked_protocol'; readonly protocol: 'http2' | 'tls' }
  | { readonly kind: 'not_http2'; readonly firstBytes: string }
  /** HTTP that breaks a rule; every request would be answered with a 502. */
  | { readonly kind: 'malformed'; readonly reason: string }
  /** Of a program without a port; `text`: one clause. */
  | { readonly kind: 'program'; readonly passed: boolean; readonly text: string };

/** Only a 2xx status in time is readiness: a redirect leads to a page that was not checked, and silence is no answer. */
export function hasPassed(observation: ReadinessResult): boolean {
  if (observation.kind === 'program') return observation.passed;
  if (observation.kind !== 'answered') return observation.kind === 'connected';
  if (observation.expected !== undefined) return observation.expected.unmet === null;
  return (observation.status >= 200 && observation.status <= 299) || observation.isGrpc === true;
}

/** The path that is checked where the configuration names none: a page of the application, which may fail as any other. */
const defaultReadinessPath = '/';

/**
 * Whether an instance that has been ready stays ready. At a readiness path of its own an application takes itself out
 * by another status than 2xx. A first page that answers 500 or 404 is an answer for its clients, who would get a 503 of the
 * gateway in its place.
 */
export function keepsReady(observation: ReadinessResult, readiness: ReadinessSpec): boolean {
  return hasPassed(observation) || (!hasOwnCheck(readiness) && observation.kind === 'answered');
}

/** Whether a check may tell more than requests do: it asks for a path of its own, or expects something of the first page. */
export function hasOwnCheck(readiness: Pick<ReadinessSpec, 'path' | keyof ResponseExpectation>): boolean {
  return readiness.path !== defaultReadinessPath || hasExpectation(readiness);
}

function hasExpectation({ expectStatus, expectHeaders, expectBody }: ResponseExpectation): boolean {
  return (expectStatus ?? expectHeaders ?? expectBody) !== undefined;
}

/** What a check does, as it stands in sentences. */
export function checkText({ path, port, tcp }: Pick<ReadinessCheck, 'path' | 'port' | 'tcp'>): string {
  return tcp === true ? `a connection to port ${port}` : `GET ${path} on port ${port}`;
}

/** The request, and what was observed. */
export function readinessResultText(
  observation: ReadinessResult,
  check: Pick<ReadinessCheck, 'path' | 'port' | 'tcp'>,
): string {
  const request = checkText(check);
  switch (observation.kind) {
    case 'connected':
      return `${request} was accepted`;
    case 'answered':
      return `${request} answered ${answerText(observation)}`;
    case 'refused':
      return `${request}: connection refused, nothing listens there yet`;
    case 'timed_out':
      return observation.status === null
        ? `${request}: no answer within ${observation.limitMs} ms`
        : `${request} answered ${observation.status}, but not completely within ${observation.limitMs} ms`;
    case 'closed':
      return `${request}: the connection was closed without an answer (${observation.errno})`;
    case 'not_http':
      return `${request}: the answer is not HTTP${quoted(observation.firstBytes)}`;
    case 'other_protocol':
      return `${request}: the connection was closed without an answer, and the port speaks ${guessWords[observation.protocol]}, which the gateway does not speak`;
    case 'unasked_protocol':
      return `${request}: the port speaks ${observation.protocol === 'tls' ? 'TLS' : 'HTTP/2 and not HTTP/1.1, and the application has no http2: true'}`;
    case 'not_http2':
      return `${request}: the answer is not HTTP/2${quoted(observation.firstBytes)}`;
    case 'malformed':
      return `${request}: ${observation.reason}`;
    case 'program':
      return observation.text;
  }
}

function answerText(answer: Extract<ReadinessResult, { kind: 'answered' }>): string {
  const { status, location, firstBytes, advice, expected } = answer;
  if (expected?.unmet != null) return `${status}${expected.unmet}`;
  if (status >= 300 && status <= 399 && location !== null) return `${status}, which redirects to ${location}`;
  // The body of a page that is missing, locked or fine tells nothing more.
  const isPlain = status < 300 || status === 401 || status === 403 || status === 404;
  if (isPlain) return String(status);
  return advice === undefined ? `${status}${quoted(firstBytes)}` : `${status} (${advice})`;
}

function quoted(bytes: string): string {
  return bytes === '' ? '' : ` ("${bytes}")`;
}

/**
 * Checks once, by the checker of all health checks. An instance must answer whole: a page that breaks in the middle is not
 * ready. `onResult` is called exactly once unless the check is cancelled before.
 */
export function checkReadiness(
  checker: HealthChecker,
  check: ReadinessCheck,
  onResult: (observation: ReadinessResult) => void,
): Cancellable {
  const { port, path, tcp, headers = [], expectHeaders = [], timeoutMs, protocol } = check;
  const get: HttpProbe = {
    ...{ kind: 'http', path, host: 'localhost', userAgent: 'readiness-check', reads: 'body', keptBytesMax },
    ...{ headers, readsHeaders: expectHeaders.map(([name]) => name) },
  };
  const probe = tcp === true ? ({ kind: 'tcp' } as const) : get;
  const address = { kind: 'tcp', host: '127.0.0.1', port } as const;
  const request = { address, tls: null, probe, timeoutMs, ...(protocol === undefined ? {} : { protocol }) };
  return checker.check(request, (result) => onResult(readinessOf(result, check)));
}

/** A health document is read whole, as those of upstreams are. */
const keptBytesMax = 65_536;

const locationCharactersMax = 200;

/** RFC 9110 §15.5.6 and §15.5.16: with these a gRPC server refuses a GET, or its missing content type. */
const grpcRefusals: ReadonlySet<number> = new Set([405, 415]);

function readinessOf(result: HealthCheckResult, check: ReadinessCheck): ReadinessResult {
  const { path, protocol, timeoutMs: limitMs } = check;
  switch (result.kind) {
    case 'connected':
      return { kind: 'connected' };
    case 'answered': {
      const { status, location } = result;
      const shown = location === null ? null : harmless(redactor.redact(location).slice(0, locationCharactersMax));
      const isGrpc = protocol === 'http2' && path === defaultReadinessPath && grpcRefusals.has(status);
      const firstBytes = firstText(result.firstBytes);
      const advice = result.isAdvice === true ? healthAdvice(new TextDecoder().decode(result.firstBytes)) : null;
      return {
        ...{ kind: 'answered', status, location: shown, firstBytes },
        ...(isGrpc ? { isGrpc } : {}),
        ...(hasExpectation(check)
          ? {
              expected: {
                unmet: unmetText(
                  unmetExpectation(result, check, () => new TextDecoder().decode(result.firstBytes)),
                  { sought: check.expectBody, firstBytes },
                ),
              },
            }
          : {}),
        ...(advice === null ? {} : { advice: harmless(redactor.redact(advice)) }),
      };
    }
    case 'timed_out':
      return { kind: 'timed_out', limitMs, status: result.status };
    case 'failed':
      return failed(result.failure, result.firstBytes, limitMs);
  }
}

/** The text that is looked for is the operator's own. */
function unmetText(
  unmet: ReturnType<typeof unmetExpectation>,
  { sought = '', firstBytes }: { readonly sought: string | undefined; readonly firstBytes: string },
): string | null {
  switch (unmet?.kind) {
    case undefined:
      return null;
    case 'status':
      return ', which readiness.expect does not accept';
    case 'header':
      return `, and its header ${unmet.name} is not as readiness.expect says`;
    case 'body':
      return `, and its body does not have the text that readiness.expect names (${JSON.stringify(harmless(sought.slice(0, firstCharactersMax)))})${firstBytes === '' ? ', but is empty' : `, but begins with "${firstBytes}"`}`;
  }
}

function failed(failure: Failure, firstBytes: Uint8Array, limitMs: number): ReadinessResult {
  if (isRefusal(failure.cause)) return { kind: 'refused' };
  switch (failure.cause) {
    case 'connect_timeout':
      return { kind: 'timed_out', limitMs, status: null };
    case 'response_not_http': {
      const { guess } = failure.evidence;
      if (isOtherProtocol(guess)) return { kind: 'other_protocol', protocol: guess };
      if (guess === 'http2' || guess === 'tls') return { kind: 'unasked_protocol', protocol: guess };
      return { kind: 'not_http', firstBytes: firstText(firstBytes) };
    }
    case 'response_status_line':
      return { kind: 'not_http', firstBytes: firstText(firstBytes) };
    case 'response_not_http2':
      return { kind: 'not_http2', firstBytes: firstText(firstBytesOf(failure.evidence.firstBytes)) };
    case 'response_frames':
    case 'response_version':
    case 'response_header':
    case 'response_framing':
    case 'response_transfer_coding':
    case 'response_head_too_large':
    case 'response_too_many_headers':
    case 'response_chunk':
    case 'response_trailers_too_large':
      return { kind: 'malformed', reason: harmless(clause(explain(failureWithoutSecrets(failure, redactor)))) };
    default: {
      const { evidence } = failure;
      const errno = 'errno' in evidence && typeof evidence.errno === 'string' ? evidence.errno : 'ECONNRESET';
      return { kind: 'closed', errno };
    }
  }
}

function firstBytesOf(hexadecimal: string): Uint8Array {
  return Buffer.from(hexadecimal, 'hex');
}

/** Enough to recognise an error page or a protocol, too little to leak much. */
const firstCharactersMax = 64;
const textBytesMax = 512;

function firstText(bytes: Uint8Array): string {
  // Redacted before it is shortened: half a secret would not be recognised.
  const text = redactor
    .redact(Buffer.from(bytes.subarray(0, textBytesMax)).toString('utf8'))
    .replace(/\s+/g, ' ')
    .trim();
  return harmless(text.slice(0, firstCharactersMax));
}
