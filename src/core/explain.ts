import type { InstanceExit } from './endpoint.ts';
import type { AttemptFacts } from './exchange.ts';
import type { CaseTexts, FailureSpec } from './failure-spec.ts';
import { failureTable } from './failure-table.ts';
import { duration, quoted } from './failure-table/formatting.ts';
import type { Cause, Evidence, Failure } from './failure.ts';
import { type ProxyErrorType, proxyErrors } from './proxy-error.ts';
import { requestRules } from './rules.ts';
import type { Shape, Whose } from './shape.ts';
import type { Instant } from './time.ts';

/** What is known of the failure's cause, in the words that its evidence calls for. */
export function specOf(failure: Failure): FailureSpec<Cause> {
  const spec = specOfCause(failure.cause);
  const texts = textsOfEndpoints(failure) ?? spec.inThisCase?.(failure.evidence as Evidence[Cause]) ?? null;
  const combined = texts === null ? spec : { ...spec, ...texts };
  const nextStep = withAddress(combined.nextStep, failure);
  return nextStep === combined.nextStep ? combined : { ...combined, nextStep };
}

/** Where the checks of all endpoints met one cause, that cause is to be mended, by whomever it belongs to. */
function textsOfEndpoints({ cause, evidence }: Failure): CaseTexts | null {
  if (cause !== 'no_endpoint_ready' || evidence.endpointCause === undefined) return null;
  if (!Object.hasOwn(failureTable, evidence.endpointCause)) return null;
  const { whose, temporary, forClient, usualCauses, nextStep } = specOfCause(evidence.endpointCause as Cause);
  return { whose, temporary, forClient, usualCauses, nextStep };
}

/** A step that can be copied: the address and the name of the evidence, where they are plain words for a shell. */
function withAddress(nextStep: string, { cause, evidence }: Failure): string {
  const { address, name } = evidence as { readonly address?: unknown; readonly name?: unknown };
  const withAddressText = isPlainAddress(address)
    ? nextStep.replaceAll('HOST:PORT', address).replaceAll('HOST PORT', address.replace(/^\[?(.*?)\]?:(\d+)$/, '$1 $2'))
    : nextStep;
  return /^(?:dns|tls)_/.test(cause) && isPlainAddress(name)
    ? withAddressText.replaceAll(/\bNAME\b/g, name)
    : withAddressText;
}

function isPlainAddress(text: unknown): text is string {
  return typeof text === 'string' && /^[\w.:[\]-]+$/.test(text) && !text.startsWith('unix:') && !text.startsWith('-');
}

/** What is known of any failure of that cause. Its evidence goes with it: `explain` and `statusOf` pair the two. */
export function specOfCause(cause: Cause): FailureSpec<Cause> {
  // TypeScript cannot see that cause and evidence vary together; `fail` has checked it.
  return failureTable[cause] as unknown as FailureSpec<Cause>;
}

/** The status that the client gets; 0 where nobody is left to get one. */
export function statusOf(failure: Failure): number {
  const { status } = specOfCause(failure.cause);
  return typeof status === 'number' ? status : status(failure.evidence as Evidence[Cause]);
}

/** The RFC 9209 §2.3 type; null where there is no response to carry it. */
export function typeOf(failure: Failure): ProxyErrorType | null {
  return specOfCause(failure.cause).type;
}

export function shapeOf(failure: Failure): Shape {
  return shapeOfType(typeOf(failure));
}

/** The shape that a type belongs to. Without a type only the client can have left. */
export function shapeOfType(type: ProxyErrorType | null): Shape {
  return type === null ? 'client_abort' : proxyErrors[type].shape;
}

export function whoseOf(failure: Failure): Whose {
  return specOf(failure).whose;
}

/** One sentence for operators: what happened, with addresses and quantities. */
export function explain(failure: Failure): string {
  return specOfCause(failure.cause).sentence(failure.evidence as Evidence[Cause]);
}

/**
 * One sentence for anybody: no address, no name of what stands behind the gateway. Two causes say more than
 * their table entry: maintenance has the operator's own message, written for visitors, and a refused request
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
 * `status-code`, `coding`, sizes. Their names are those of the registry; whoever writes them knows their types.
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
    case 'response_trailers_too_large':
      return { 'trailer-section-size': failure.evidence.bytes };
    case 'response_chunk':
      return { coding: 'chunked' };
    case 'response_transfer_coding':
      // A Token, which an application's own word need not be.
      return /^[A-Za-z][\w.+-]*$/.test(failure.evidence.coding) ? { coding: failure.evidence.coding } : {};
    default:
      return typeOf(failure) === 'http_request_error' ? { 'status-code': statusOf(failure) } : {};
  }
}

/** Whole seconds until trying again makes sense, computed by whoever declined; null where nobody can say. */
export function retryAfterSOf(failure: Failure): number | null {
  return 'retryAfterS' in failure.evidence ? Math.max(0, Math.ceil(failure.evidence.retryAfterS)) : null;
}

/** The exit of an attempt's instance explains the failure that this attempt met, and no other. */
export function exitExplains(metByAttempt: string | null | undefined, cause: string | null): boolean {
  return cause !== null && metByAttempt === cause;
}

/** How long before the attempt ended its instance did; negative when the exit was seen after it. */
export function exitBeforeMs(attempt: Pick<AttemptFacts, 'endedMs'>, exit: InstanceExit, startedAt: Instant): number {
  return startedAt + attempt.endedMs - exit.atInstant;
}

/**
 * A sentence for an instance that ended shortly before the failure: "The instance was killed by SIGKILL
 * 40 ms earlier; its last line: "…"." `beforeMs` is how long before the failure it ended; negative when its
 * end was noticed only afterwards. `afterAnswerMs`: the answer was given without it, so long before.
 */
export function explainExit(exit: InstanceExit, beforeMs: number, afterAnswerMs: number | null = null): string {
  const lastLine = exit.lastLine === null ? '' : `; its last line: ${quoted(exit.lastLine)}`;
  const how = `${howItEnded(exit)}${exitTimeText(exit, beforeMs, afterAnswerMs)}`;
  return `The instance ${how}${isHowKnown(exit) ? '' : howUnknown}${lastLine}.`;
}

function exitTimeText(
  { signal, code, outOfMemory }: InstanceExit,
  beforeMs: number,
  afterAnswerMs: number | null,
): string {
  if (afterAnswerMs !== null) {
    return `; the news of the exit came ${afterAnswerMs === 0 ? '' : `${duration(afterAnswerMs)} `}after the answer`;
  }
  if (beforeMs < 0) return `, as was noticed ${duration(-beforeMs)} later`;
  // "exited with code 1, 3 ms earlier": two numbers that would run into one another.
  const hasCode = !outOfMemory && signal === null && code !== null;
  return `${hasCode ? ',' : ''} ${duration(beforeMs)} earlier`;
}

const howUnknown = ' (how is not known, since an earlier Candor process had started it)';

function isHowKnown({ code, signal, outOfMemory }: InstanceExit): boolean {
  return code !== null || signal !== null || outOfMemory;
}

/** What to do about an instance whose end explains the failure. */
export function nextStepAfterExit(exit: Pick<InstanceExit, 'code' | 'signal' | 'outOfMemory'>): string {
  const lastLines = 'what the instance wrote last (`candor events` shows it with its exit)';
  if (exit.outOfMemory) return `Give the application more memory, or find what fills it: read ${lastLines}.`;
  if (exit.signal !== null && !crashSignals.has(exit.signal))
    return `Find who sent ${exit.signal}: a deploy, a service manager or a person; \`journalctl -k -g "killed process"\` shows a kill for want of memory.`;
  const ended = exit.signal !== null ? 'crash' : exit.code !== null ? 'exit' : 'end';
  return `Read ${lastLines}, and mend what made it ${ended}.`;
}

/** Those that a process brings upon itself. */
const crashSignals: ReadonlySet<string> = new Set([
  'SIGSEGV',
  'SIGBUS',
  'SIGILL',
  'SIGFPE',
  'SIGABRT',
  'SIGTRAP',
  'SIGSYS',
]);

function howItEnded({ outOfMemory, signal, code }: InstanceExit): string {
  if (outOfMemory) return `was killed because it ran out of memory${signal === null ? '' : ` (${signal})`}`;
  if (signal !== null) return `was killed by ${signal}`;
  return code === null ? 'ended' : `exited with code ${code}`;
}
