import { assert } from '../core/assert.ts';
import { exitBeforeMs, exitExplains } from '../core/explain.ts';
import { fail, type Failure } from '../core/failure.ts';
import type { FieldSink, Framing, OutgoingResponse } from '../core/message.ts';
import { requestRules } from '../core/rules.ts';
import type { DownstreamStream } from '../core/stream.ts';
import type { Clock, Instant } from '../core/time.ts';
import { httpDate } from '../wire/http-date.ts';
import type { Attempt } from './attempt.ts';
import { type GeneratedResponse, type GenerateFacts, generateResponse, staticResponse } from './generate.ts';
import { lastHopResponse } from './max-forwards.ts';
import type { Route } from './ports.ts';
import type { ExchangeState } from './state.ts';

/** A response of our own, ready for the client's side. */
export interface OwnAnswer {
  readonly head: OutgoingResponse;
  readonly content: Uint8Array;
}

/** Hands the whole of it over. */
export function sendAnswer({ head, content }: OwnAnswer, downstream: DownstreamStream): void {
  downstream.respond(head);
  downstream.sendContent(content, 0, content.length, 'owned');
  downstream.endContent(null);
}

/** The answer to a failure: generated from what the exchange knows when it fails. */
export function failureAnswer(exchange: ExchangeState, failure: Failure, clock: Clock): OwnAnswer {
  const { request, serving, statusReceived, clientCapabilities } = exchange;
  const { disclosure, errorPages } = exchange.matched ?? serving.unrouted;
  const attempt = exchange.attempts.at(-1) ?? null;
  const response = generateResponse({
    failure,
    delivery: exchange.delivery,
    exit: attempt === null ? null : exitFacts(attempt, failure, exchange.startedAt),
    requestId: exchange.id,
    method: exchange.method,
    accept: request.fields.get('accept'),
    contentType: request.fields.get('content-type'),
    takesTrailersOnly: clientCapabilities.multiplexed && request.takesTrailers,
    parsed: failure.stage !== 'request' || failure.cause !== 'request_refused',
    disclosure,
    redactor: serving.redactor,
    deployment: serving.deployment,
    nextHop: attempt?.address ?? null,
    ...(attempt === null || attempt.delivery === 'not_sent' ? {} : { nextProtocol: attempt.protocol }),
    receivedStatus: statusReceived === 0 ? null : statusReceived,
    errorPages,
    wallTime: clock.wallTime(),
  });
  return answerOf(response, clock);
}

function exitFacts(attempt: Attempt, { cause }: Failure, startedAt: Instant): GenerateFacts['exit'] {
  const { exit } = attempt;
  return exit === null || !exitExplains(attempt.failure?.cause, cause)
    ? null
    : { exit, beforeMs: exitBeforeMs(attempt, exit, startedAt) };
}

/** The answer of a route that answers by itself; `actionFailure` has found nothing against it. */
export function actionAnswer({ action, redirectTo }: Route, exchange: ExchangeState, clock: Clock): OwnAnswer {
  assert(action.kind !== 'upstream' && action.kind !== 'maintenance', 'the route answers by itself, and may');
  const location = redirectTo?.(exchange.authority, exchange.target) ?? null;
  const made = action.kind === 'redirect' && location !== null ? { ...action, location } : action;
  return answerOf(staticResponse(made, { requestId: exchange.id, method: exchange.method }), clock);
}

/** The failure that the gateway answers with in place of the action of a route without an upstream; null: the action answers. */
export function actionFailure({ id, action, redirectTo }: Route, exchange: ExchangeState): Failure | null {
  switch (action.kind) {
    // Announced by the operator, and told as any other refusal of ours is.
    case 'maintenance':
      return fail('maintenance', 'route', { route: id, message: action.message, retryAfterS: action.retryAfterS });
    // For load balancers in front: whether they had better send requests here.
    case 'readiness':
      return exchange.serving.stopping ? fail('gateway_stopping', 'route', { retryAfterS: turnElsewhereS }) : null;
    case 'redirect':
      return redirectTo?.(exchange.authority, exchange.target) === null ? withoutHost() : null;
    default:
      return null;
  }
}

/** HTTP/1.0 allows a request without a host; a redirect to its host cannot be made then. */
function withoutHost(): Failure {
  const rule = 'host-missing';
  return fail('request_refused', 'request', { rule, status: requestRules[rule].status, at: 'the redirect names it' });
}

/** Nobody knows how long the next one will take to start; whoever asks again after this is neither rude nor late. */
const turnElsewhereS = 5;

/** The answer to a request that Max-Forwards lets go no further. */
export function lastHopAnswer({ request, id, serving }: ExchangeState, clock: Clock): OwnAnswer {
  return answerOf(lastHopResponse(request, id, serving), clock);
}

function answerOf(response: GeneratedResponse, clock: Clock): OwnAnswer {
  const { status, reason, fields, content, contentLength } = response;
  const framing: Framing = { kind: 'length', bytes: contentLength };
  const head: OutgoingResponse = {
    status,
    reason,
    upgrade: null,
    framing,
    contentLength,
    writeFields(sink: FieldSink): void {
      sink.field('Date', httpDate(clock.wallTime()));
      for (const [name, value] of fields) sink.field(name, value);
    },
  };
  return { head, content };
}
