import { assert } from '../core/assert.ts';
import type { RouteAction } from '../core/configuration.ts';
import { exitBeforeMs } from '../core/explain.ts';
import { fail, type Failure } from '../core/failure.ts';
import type { FieldSink, Framing, OutgoingResponse, RequestHead } from '../core/message.ts';
import type { Clock } from '../core/time.ts';
import { httpDate } from '../wire/http-date.ts';
import type { Exchange } from './exchange.ts';
import { type GeneratedResponse, generateResponse, staticResponse } from './generate.ts';
import type { Route, Serving } from './ports.ts';

/** A response of our own, ready for the client's side. */
export interface Answer {
  readonly head: OutgoingResponse;
  readonly content: Uint8Array;
}

/** The answer to a failure: generated from what the exchange knows when it fails. */
export function failureAnswer(
  exchange: Exchange,
  failure: Failure,
  request: RequestHead,
  route: Route | null,
  serving: Serving,
  clock: Clock,
): Answer {
  const attempt = exchange.attempts.at(-1) ?? null;
  const exit = attempt?.exit ?? null;
  const { disclosure, errorPages } = route ?? serving.unrouted;
  const response = generateResponse({
    failure,
    delivery: exchange.delivery,
    exit:
      exit === null || attempt === null ? null : { exit, beforeMs: exitBeforeMs(attempt, exit, exchange.startedAt) },
    requestId: exchange.id,
    method: exchange.method,
    accept: request.fields.get('accept'),
    contentType: request.fields.get('content-type'),
    parsed: failure.stage !== 'request' || failure.cause !== 'request_refused',
    disclosure,
    deployment: serving.deployment,
    nextHop: attempt?.address ?? null,
    receivedStatus: exchange.statusReceived === 0 ? null : exchange.statusReceived,
    errorPages,
    wallTime: clock.wallTime(),
  });
  return answerOf(response, clock);
}

/** The answer of a route that answers by itself. */
export function actionAnswer(
  action: Exclude<RouteAction, { kind: 'maintenance' }>,
  exchange: Exchange,
  clock: Clock,
): Answer {
  assert(action.kind !== 'upstream', 'a route to an upstream has one');
  return answerOf(staticResponse(action, { requestId: exchange.id, method: exchange.method }), clock);
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
