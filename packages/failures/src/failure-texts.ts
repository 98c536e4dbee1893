import { upperFirst } from './first-letter.ts';
import { isSameTime, isCrashSignal } from './process-text.ts';
import type { InstanceExit } from './instance-exit.ts';
import type { CaseTexts, FailureSpec } from './failure-spec.ts';
import { failureTable } from './failure-table.ts';
import { duration, quoted } from './failure-table/formatting.ts';
import { supervisedTexts } from './failure-table/supervised.ts';
import type { Cause, Evidence, Failure } from './failure.ts';
import { heapExhaustionIn } from './heap-exhaustion.ts';
import { type ProxyErrorType, proxyErrors } from './proxy-error.ts';
import { requestRules } from './rules.ts';
import type { Shape, Whose } from './shape.ts';

/**
 * The table entry of the failure's cause, with the texts that fit its evidence. `application`: the one that Candor runs and
 * whose failure it is; null or '' if it is none.
 */
export function specOf(failure: Failure, application: string | null = null): FailureSpec<Cause> {
  const spec = specOfCause(failure.cause);
  const texts = textsOfEndpoints(failure) ?? spec.inThisCase?.(failure.evidence as Evidence[Cause]) ?? null;
  const ofSupervised = isPlainName(application) ? supervisedTexts(failure, application) : null;
  const combined = texts === null && ofSupervised === null ? spec : { ...spec, ...texts, ...ofSupervised };
  const nextStep = withAddress(combined.nextStep, failure);
  return nextStep === combined.nextStep ? combined : { ...combined, nextStep };
}

/** If the checks of all endpoints failed with the same cause, the texts of that cause tell what to do. */
function textsOfEndpoints({ cause, evidence }: Failure): CaseTexts | null {
  if (cause !== 'no_endpoint_ready' || evidence.endpointCause === undefined) return null;
  if (!Object.hasOwn(failureTable, evidence.endpointCause)) return null;
  const { whose, temporary, forClient, usualCauses, nextStep } = specOfCause(evidence.endpointCause as Cause);
  const { fix } = evidence;
  // What the check found fits better than what the cause says in general.
  if (fix !== undefined) return { whose, temporary, forClient, usualCauses: [], nextStep: `${upperFirst(fix)}.` };
  return { whose, temporary, forClient, usualCauses, nextStep };
}

/** Puts the address and the name of the evidence into the step, so that its command can be copied. Only if a shell reads them as plain words. */
export function withAddress(
  nextStep: string,
  { cause, evidence }: Pick<Failure, 'cause'> & { readonly evidence: object },
): string {
  const { address, name } = evidence as { readonly address?: unknown; readonly name?: unknown };
  const withAddressText = isPlainAddress(address)
    ? nextStep.replaceAll('HOST:PORT', address).replaceAll('HOST PORT', address.replace(/^\[?(.*?)\]?:(\d+)$/, '$1 $2'))
    : nextStep;
  return /^(?:dns|tls)_/.test(cause) && isPlainAddress(name)
    ? withAddressText.replaceAll(/\bNAME\b/g, name)
    : withAddressText;
}

/** Names come from records too, and stand in commands. */
export function isPlainName(name: unknown): name is string {
  return typeof name === 'string' && /^\w[\w.-]{0,127}$/.test(name);
}

function isPlainAddress(text: unknown): text is string {
  return typeof text === 'string' && /^[\w.:[\]-]+$/.test(text) && !text.startsWith('unix:') && !text.startsWith('-');
}

/** The table entry of a cause. */
export function specOfCause(cause: Cause): FailureSpec<Cause> {
  // TypeScript cannot see that cause and evidence vary together; `fail` has checked it.
  return failureTable[cause] as unknown as FailureSpec<Cause>;
}

/** The status that the client gets; 0 if the client has gone. */
export function statusOf(failure: Failure): number {
  const { status } = specOfCause(failure.cause);
  return typeof status === 'number' ? status : status(failure.evidence as Evidence[Cause]);
}

/** The type by RFC 9209 §2.3; null if there is no response to carry it. */
export function typeOf(failure: Failure): ProxyErrorType | null {
  return specOfCause(failure.cause).type;
}

export function shapeOf(failure: Failure): Shape {
  return shapeOfType(typeOf(failure));
}

/** The shape of a type. Only failures in which the client left have no type. */
export function shapeOfType(type: ProxyErrorType | null): Shape {
  return type === null ? 'client_abort' : proxyErrors[type].shape;
}

export function whoseOf(failure: Failure, application: string | null = null): Whose {
  return specOf(failure, application).whose;
}

/** One sentence for operators: what happened, with addresses and quantities. */
export function explain(failure: Failure): string {
  return specOfCause(failure.cause).sentence(failure.evidence as Evidence[Cause]);
}

/**
 * One sentence for anyone: without addresses, and without names of upstreams or applications. Two causes say more than
 * their table entry: maintenance has the operator's message for visitors, and a refused request
 * names the rule, which is about the client's own bytes.
 */
export function explainToClient(failure: Failure): string {
  if (failure.cause === 'maintenance') {
    const { message } = failure.evidence;
    return message === '' ? specOf(failure).forClient : message;
  }
  if (failure.cause === 'request_refused') {
    const { reason, section } = requestRules[failure.evidence.rule];
    return `The request was refused because ${reason} (${section}).`;
  }
  return specOf(failure).forClient;
}

/**
 * The parameters that RFC 9209 defines for the failure's type, as far as they are known: `rcode`, `alert-id`,
 * `status-code`, `coding`, sizes. Names as in the registry; the code that writes them knows their types.
 */
export function proxyStatusParameters(failure: Failure): Readonly<Record<string, string | number>> {
  switch (failure.cause) {
    case 'dns_not_found':
    case 'dns_failed':
      return failure.evidence.rcode === null ? {} : { rcode: failure.evidence.rcode };
    case 'tls_alert':
      return { 'alert-id': failure.evidence.alertId, 'alert-message': failure.evidence.alertMessage };
    case 'response_head_too_large':
      return { 'header-section-size': failure.evidence.bytes };
    case 'response_body_too_large':
      return { 'body-size': failure.evidence.bytes };
    case 'response_trailers_too_large':
      return { 'trailer-section-size': failure.evidence.bytes };
    case 'response_chunk':
      return { coding: 'chunked' };
    case 'response_transfer_coding':
      // RFC 9209 wants a Token; an application may send anything.
      return /^[A-Za-z][\w.+-]*$/.test(failure.evidence.coding) ? { coding: failure.evidence.coding } : {};
    default:
      return typeOf(failure) === 'http_request_error' ? { 'status-code': statusOf(failure) } : {};
  }
}

/** Whole seconds until a retry makes sense; null if not known. */
export function retryAfterSOf(failure: Failure): number | null {
  return 'retryAfterS' in failure.evidence ? Math.max(0, Math.ceil(failure.evidence.retryAfterS)) : null;
}

/** The header lines that its response has beside Retry-After (RFC 9110 §11.6.1, and the draft of RateLimit fields). */
export function headersOf({ evidence }: Failure): readonly (readonly [name: string, value: string])[] {
  const headers: (readonly [string, string])[] = [];
  if ('challenge' in evidence && evidence.challenge !== '') headers.push(['WWW-Authenticate', evidence.challenge]);
  if ('rateLimitPolicy' in evidence) headers.push(['RateLimit-Policy', evidence.rateLimitPolicy]);
  if ('rateLimit' in evidence) headers.push(['RateLimit', evidence.rateLimit]);
  return headers;
}

/** Whether the exit of an attempt's instance explains the failure: if this attempt failed with that cause, or was cut as the gateway stopped the instance. */
export function exitExplains(metByAttempt: string | null | undefined, cause: string | null): boolean {
  return cause !== null && metByAttempt != null && (metByAttempt === cause || cause === 'drained');
}

/**
 * A sentence for an instance that ended shortly before the failure: "The instance was killed by SIGKILL
 * 40 ms earlier; its last line: "…"." `beforeMs` is how long before the failure the instance ended; negative if its
 * end was noticed later. `afterAnswerMs`: how long after the answer the exit became known; null if the answer has it.
 */
export function explainExit(exit: InstanceExit, beforeMs: number, afterAnswerMs: number | null = null): string {
  const lastLine = exit.lastLine === null ? '' : `; its last line: ${quoted(exit.lastLine)}`;
  const how = `${howItEnded(exit)}${exitTimeText(exit, beforeMs, afterAnswerMs)}`;
  const replaced = exit.stopped?.replacedBy ?? null;
  const instance = `The instance${replaced === null ? '' : `, replaced by ${replaced},`}`;
  return `${instance} ${how}${isHowKnown(exit) ? '' : howUnknown}${lastLine}.`;
}

function exitTimeText(
  { signal, code, outOfMemory, stopped }: InstanceExit,
  beforeMs: number,
  afterAnswerMs: number | null,
): string {
  if (afterAnswerMs !== null) {
    return `; the exit became known ${afterAnswerMs === 0 ? '' : `${duration(afterAnswerMs)} `}after the answer`;
  }
  if (isSameTime(beforeMs)) return ' at the same time';
  if (beforeMs < 0) return `, which was noticed ${duration(-beforeMs)} later`;
  // "exited with code 1, 3 ms earlier": the comma separates two numbers.
  const hasCode = stopped === undefined && !outOfMemory && signal === null && code !== null;
  return `${hasCode ? ',' : ''} ${duration(beforeMs)} earlier`;
}

const howUnknown = ' (how is not known, since an earlier Candor process had started it)';

function isHowKnown({ code, signal, outOfMemory, stopped }: InstanceExit): boolean {
  return stopped !== undefined || code !== null || signal !== null || outOfMemory;
}

/** For a program that could not be started. */
export const stepAfterNoStart =
  'Correct what keeps the program from starting, or the command of the application; Candor tries again by itself.';

/** Why a program does not run; `often`: '8 times in 18 s', empty for once. */
export function notStartedText(instance: string, often: string, reason: string): string {
  const why = reason.replace(/\.$/, '');
  return often === ''
    ? `${instance} could not be started: ${why}`
    : `${instance} could not be started ${often}, the last time: ${why}`;
}

/** For a program that ended by itself and is known to have printed nothing. */
export const stepAfterSilentEnd =
  'Look at what the application writes elsewhere, and let it print why it ends; `candor events` has its exits.';

/** An exit, for the step that follows from it. */
interface ExitForStep extends Pick<InstanceExit, 'code' | 'signal' | 'outOfMemory' | 'stopped'> {
  /** The error that it printed last; absent: not known. */
  readonly lastLine?: string | null;
  /** All output of the run has been read, and has no line with text; absent: it has one, or more may come. */
  readonly isSilent?: boolean;
}

/** The next step if the end of an instance explains the failure. */
export function nextStepAfterExit(exit: ExitForStep): string {
  if (hasStopEnded(exit)) return stepAfterStop;
  const isSilent = exit.isSilent === true;
  const lastLines = 'the last output of the instance (`candor events --full` shows it with its exit)';
  if (exit.outOfMemory)
    return `Give the application more memory, or find out what uses it${isSilent ? '' : `: read ${lastLines}`}.`;
  const heap = heapExhaustionIn(exit.lastLine ?? '');
  if (heap !== null) return heap.nextStep;
  if (isSignalOfOthers(exit.signal))
    return `Find who sent ${exit.signal}: a deploy, a service manager or a person; \`journalctl -k -g "killed process"\` shows whether the system killed it because it ran out of memory.`;
  if (isSilent) return stepAfterSilentEnd;
  const ended = exit.signal !== null ? 'crash' : exit.code !== null ? 'exit' : 'end';
  return `Read ${lastLines}, and fix the cause of the ${ended}.`;
}

/** The next step where Candor stopped the instance, because it was replaced or the gateway stopped. */
export const stepAfterStop =
  'Let the application finish its requests when it gets SIGTERM, before it exits; raise `drain.timeout` if they normally take longer than that.';

/** Whether the stop by Candor ended the instance: one that crashed while it was stopped has another fault. */
function hasStopEnded({
  stopped,
  outOfMemory,
  signal,
}: Pick<InstanceExit, 'outOfMemory' | 'signal' | 'stopped'>): boolean {
  return stopped !== undefined && !outOfMemory && !isCrashSignal(signal);
}

/** Whether another process sent the signal; false for signals that a crash causes. */
export function isSignalOfOthers(signal: string | null): signal is string {
  return signal !== null && !isCrashSignal(signal);
}

function howItEnded(exit: InstanceExit): string {
  const { outOfMemory, signal, code, stopped } = exit;
  const how = signal ?? (code === null ? null : `code ${code}`);
  if (hasStopEnded(exit)) return `was stopped by Candor${how === null ? '' : ` (${how})`}`;
  if (outOfMemory) return `was killed because it ran out of memory${signal === null ? '' : ` (${signal})`}`;
  if (signal !== null) return `was killed by ${signal}${stopped !== undefined ? ' (while Candor stopped it)' : ''}`;
  return code === null ? 'ended' : `exited with code ${code}`;
}
