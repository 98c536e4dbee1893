import { armText, type EndpointRelease } from '../core/endpoint-release.ts';
import type { Disclosure } from '../core/route-spec.ts';
import type { InstanceExit } from '#failures/instance-exit.ts';
import {
  explain,
  explainExit,
  explainToClient,
  isPlainName,
  nextStepAfterExit,
  retryAfterSOf,
  shapeOf,
  specOf,
  statusOf,
  typeOf,
} from '#failures/failure-texts.ts';
import type { Cause, Evidence, Failure } from '#failures/failure.ts';
import type { ProxyErrorType } from '#failures/proxy-error.ts';
import { failureWithoutSecrets } from '../redact/failure.ts';
import { leftOut } from '../redact/span.ts';
import type { TextRedactor } from '../redact/text-redactor.ts';
import type { Delivery, Shape, Whose } from '#failures/shape.ts';
import { sentenceOf } from '#failures/first-letter.ts';
import { stoppedStep, stoppedText } from '#failures/process-text.ts';
import { visibleText } from '../wire/visible-text.ts';

/** What an answer of our own is made from. */
export interface AccountFacts {
  readonly failure: Failure;
  readonly delivery: Delivery;
  /** The application of the upstream, if Candor runs it; otherwise ''. */
  readonly application: string;
  /** The exit of the instance, where it came within 2 s of the failure. */
  readonly exit: { readonly exit: InstanceExit; readonly beforeMs: number } | null;
  /** The processes of the instance, where a signal has stopped all that could answer a request that got no answer; null or absent: none is known to be. */
  readonly stoppedPids?: readonly number[] | null;
  /** Why no endpoint got another attempt that was to follow; null or absent: none was to. */
  readonly noneReady?: Failure | null;
  /** That the endpoint runs which has failed; null or absent: none, or no endpoint has. */
  readonly release?: EndpointRelease | null;
  readonly requestId: string;
  readonly method: string;
  readonly disclosure: Disclosure;
  /** Takes out what even operators are not shown: an answer is kept by browsers, proxies and whoever reads along. */
  readonly redactor: TextRedactor;
  /** The endpoint that was asked last; null when none was. */
  readonly nextHop: string | null;
  /** What was spoken with it; absent where nothing was sent to it. */
  readonly nextProtocol?: string;
  /** The status that the endpoint sent; null when none came. */
  readonly receivedStatus: number | null;
  /** Milliseconds since the Unix epoch. */
  readonly wallTime: number;
  /** Where docs/failures.md is published; without it a problem's type is a URN. */
  readonly docsBase?: string;
}

/**
 * What may be told about a failure, with the disclosure already applied: every form of an answer is made from
 * this and from nothing else, so no form can say more than another. Strangers get the first part only, in
 * which no address, path or evidence occurs; operators get `forOperators` as well.
 */
export interface Account {
  readonly status: number;
  readonly cause: Cause;
  readonly shape: Shape;
  readonly type: ProxyErrorType | null;
  readonly whose: Whose;
  readonly title: string;
  /** One sentence for anybody. */
  readonly forClient: string;
  readonly delivery: Delivery;
  /** False: certainly not. True: the whole request was sent or even answered. Null: it was sent in part. */
  readonly mayHaveBeenExecuted: boolean | null;
  readonly temporary: boolean;
  readonly retryAfterS: number | null;
  readonly method: string;
  readonly requestId: string;
  readonly wallTime: number;
  /** Names the cause for programs (RFC 9457 §3.1.1): stable, and documented in docs/failures.md. */
  readonly problemType: string;
  /** Another way on for a browser, beside asking again; null: none. */
  readonly wayOn: { readonly href: string; readonly text: string } | null;
  readonly forOperators: OperatorAccount | null;
}

export interface OperatorAccount {
  /** The failure without secrets in its evidence. */
  readonly failure: Failure;
  /** What happened, with addresses and quantities; the instance's exit, and why no endpoint got another attempt, where there was one. */
  readonly sentence: string;
  readonly endpoint: string | null;
  readonly receivedStatus: number | null;
  readonly evidence: Readonly<Evidence[Cause]>;
  readonly usualCauses: readonly string[];
  readonly nextStep: string;
}

export function giveAccount(facts: AccountFacts): Account {
  const { failure, delivery } = facts;
  const spec = specOf(failure, facts.application);
  return {
    status: statusOf(failure),
    cause: failure.cause,
    shape: shapeOf(failure),
    type: typeOf(failure),
    whose: spec.whose,
    title: spec.title,
    forClient: explainToClient(failure),
    delivery,
    mayHaveBeenExecuted: mayHaveBeenExecuted(delivery),
    temporary: spec.temporary,
    retryAfterS: retryAfterSOf(failure),
    method: facts.method,
    requestId: visibleText(facts.requestId, requestIdMax),
    wallTime: facts.wallTime,
    problemType:
      facts.docsBase === undefined ? `urn:candor:failure:${failure.cause}` : `${facts.docsBase}#${failure.cause}`,
    wayOn: wayOnOf(failure),
    forOperators: facts.disclosure === 'operator' ? accountForOperators(facts) : null,
  };
}

function wayOnOf({ cause, evidence }: Failure): Account['wayOn'] {
  if ((cause !== 'login_failed' && cause !== 'not_permitted') || evidence.loginPath === undefined) return null;
  const text = cause === 'login_failed' ? 'Log in again' : 'Log in with another account';
  return { href: evidence.loginPath, text };
}

/** Ours have 36 characters; what a trusted peer sent is cut rather than repeated at any length. */
export const requestIdMax = 128;

function accountForOperators(facts: AccountFacts): OperatorAccount {
  const { exit, stoppedPids = null, noneReady = null, nextHop, receivedStatus, redactor } = facts;
  const failure = withoutBytes(failureWithoutSecrets(facts.failure, redactor));
  const spec = specOf(failure, facts.application);
  const lastLine = exit?.exit.lastLine ?? null;
  const shownExit = exit && { ...exit.exit, lastLine: lastLine && redactor.redact(lastLine) };
  const ended = exit === null || shownExit === null ? '' : ` ${explainExit(shownExit, exit.beforeMs)}`;
  const stopped = stoppedPids === null ? '' : ` ${sentenceOf(stoppedText({ pids: stoppedPids, isWhole: true }))}`;
  const noneFollowed =
    noneReady === null ? '' : ` ${explain(withoutBytes(failureWithoutSecrets(noneReady, redactor)))}`;
  const nextStep =
    shownExit !== null
      ? nextStepAfterExit(shownExit)
      : stoppedPids !== null
        ? stoppedStep(stoppedPids, ' if it is still stopped')
        : spec.nextStep;
  return {
    failure,
    sentence: explain(failure) + ended + stopped + releaseText(facts) + noneFollowed,
    endpoint: nextHop,
    receivedStatus,
    evidence: failure.evidence,
    // What the instance left behind says more than any usual cause.
    usualCauses: shownExit === null && stoppedPids === null ? spec.usualCauses : [],
    nextStep: withId(nextStep, facts.requestId),
  };
}

/** "HTTP/1." in hexadecimal: what a sentence may need to know of the bytes. */
const http1Bytes = '485454502f312e';

/**
 * Bytes that could not be parsed may be a part of the response to another client, and whoever gets an answer is a client: the record has the first of them, for those who may
 * read it.
 */
function withoutBytes(failure: Failure): Failure {
  if (!('firstBytes' in failure.evidence)) return failure;
  const firstBytes = failure.evidence.firstBytes.startsWith(http1Bytes) ? http1Bytes : leftOut;
  return { ...failure, evidence: { ...failure.evidence, firstBytes } } as Failure;
}

/** So that the command can be copied; an id that a shell could misread comes from a client. */
function withId(step: string, id: string): string {
  return isPlainName(id) ? step.replaceAll('REQUEST-ID', id) : step;
}

function mayHaveBeenExecuted(delivery: Delivery): boolean | null {
  if (delivery === 'not_sent' || delivery === 'refused_by_peer') return false;
  return delivery === 'partial' ? null : true;
}

/** While two releases run, it says where to look first. */
function releaseText({ release = null }: AccountFacts): string {
  if (release === null || release.arm === null) return '';
  const { name, weight } = release.arm;
  return ` The endpoint runs ${armText(release.name, name, weight)}.`;
}
