import { assert } from '../core/assert.ts';
import type { RouteAction } from '../core/configuration.ts';
import { exitBeforeMs } from '../core/explain.ts';
import { fail, type Failure } from '../core/failure.ts';
import type { FieldSink, Framing, OutgoingResponse } from '../core/message.ts';
import type { DownstreamStream } from '../core/stream.ts';
import type { Clock, Instant } from '../core/time.ts';
import { httpDate } from '../wire/http-date.ts';
import type { Attempt } from './attempt.ts';
import { type GeneratedResponse, type GenerateFacts, generateResponse, staticResponse } from './generate.ts';
import { lastHopResponse } from './max-forwards.ts';
import type { ExchangeState } from './state.ts';

/** A response of our own, ready for the client's side. */
export interface Answer {
  readonly head: OutgoingResponse;
  readonly content: Uint8Array;
}

/** Hands the whole of it over. */
export function sendAnswer({ head, content }: Answer, downstream: DownstreamStream): void {
  downstream.respond(head);
  downstream.sendContent(content, 0, content.length, 'owned');
  downstream.endContent(null);
}

/** The answer to a failure: generated from what the exchange knows when it fails. */
export function failureAnswer(exchange: ExchangeState, failure: Failure, clock: Clock): Answer {
  const { request, serving, statusReceived } = exchange;
  const { disclosure, errorPages } = exchange.matched ?? serving.unrouted;
  const attempt = exchange.attempts.at(-1) ?? null;
  const response = generateResponse({
    failure,
    delivery: exchange.delivery,
    exit: attempt === null ? null : exitFacts(attempt, exchange.startedAt),
    requestId: exchange.id,
    method: exchange.method,
    accept: request.fields.get('accept'),
    contentType: request.fields.get('content-type'),
    parsed: failure.stage !== 'request' || failure.cause !== 'request_refused',
    disclosure,
    redactor: serving.redactor,
    deployment: serving.deployment,
    nextHop: attempt?.address ?? null,
    ...(attempt === null || attempt.delivery === 'not_sent' ? {} : { nextProtocol: 'http/1.1' }),
    receivedStatus: statusReceived === 0 ? null : statusReceived,
    errorPages,
    wallTime: clock.wallTime(),
  });
  return answerOf(response, clock);
}

function exitFacts(attempt: Attempt, startedAt: Instant): GenerateFacts['exit'] {
  const { exit } = attempt;
  return exit === null ? null : { exit, beforeMs: exitBeforeMs(attempt, exit, startedAt) };
}

/** The answer of a route that answers by itself. */
export function actionAnswer(
  action: Exclude<RouteAction, { kind: 'maintenance' }>,
  exchange: ExchangeState,
  clock: Clock,
): Answer {
  assert(action.kind !== 'upstream', 'a route to an upstream has one');
  return answerOf(staticResponse(action, { requestId: exchange.id, method: exchange.method }), clock);
}

/** The answer to a request that Max-Forwards lets go no further. */
export function lastHopAnswer({ request, id, serving }: ExchangeState, clock: Clock): Answer {
  return answerOf(lastHopResponse(request, id, serving), clock);
}

/** Maintenance is announced by the operator, and told as any other refusal of ours is. */
export function maintenanceOf(route: string, action: Extract<RouteAction, { kind: 'maintenance' }>): Failure {
  return fail('maintenance', 'route', { route, message: action.message, retryAfterS: action.retryAfterS });
}

function answerOf(response: GeneratedResponse, clock: Clock): Answer {
  const { status, reason, fields, content, contentLength } = response;
  const framing: Framing = { kind: 'length', octets: contentLength };
  const head: OutgoingResponse = {
    status,
    reason,
    framing,
    contentLength,
    writeFields(sink: FieldSink): void {
      sink.field('Date', httpDate(clock.wallTime()));
      for (const [name, value] of fields) sink.field(name, value);
    },
  };
  return { head, content };
}
