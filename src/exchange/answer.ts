import { assert } from '../core/assert.ts';
import { exitExplains, shapeOf } from '#failures/failure-texts.ts';
import { exitBeforeMs } from '../core/recorded-exit.ts';
import type { Failure } from '#failures/failure.ts';
import type { FilterAnswer } from '../core/filter.ts';
import { type HeaderSink, type Framing, noBody, type OutgoingResponse } from '../core/message.ts';
import type { DownstreamStream } from '../core/stream.ts';
import type { Clock, Instant } from '../core/time.ts';
import { httpDate } from '../wire/http-date.ts';
import { reasonPhrase } from '../wire/reason-phrases.ts';
import { visibleText } from '../wire/visible-text.ts';
import { requestIdMax } from './account.ts';
import type { Attempt } from './attempt.ts';
import { assertHeader } from './edited-response.ts';
import { type GeneratedResponse, type GenerateFacts, generateResponse } from './generate.ts';
import { lastHopResponse } from './max-forwards.ts';
import type { ExchangeState } from './state.ts';
import { writeBesideOwn } from './write-lines.ts';

/** A response that the gateway makes itself, ready for the client's side. */
export interface OwnAnswer {
  readonly head: OutgoingResponse;
  readonly body: Uint8Array;
  /** What it says to a gRPC client; null: it is an answer of HTTP. */
  readonly grpcStatus: number | null;
}

/** Sends head and body. */
export function sendAnswer({ head, body }: OwnAnswer, downstream: DownstreamStream): void {
  downstream.respond(head);
  downstream.sendBody(body, 0, body.length, 'owned');
  downstream.endBody(null);
}

/** The answer to a failure, made from what the exchange knows when it fails. `ofFilters`: lines that they add. */
export function failureAnswer(
  exchange: ExchangeState,
  failure: Failure,
  ofFilters: GeneratedResponse['headers'],
  clock: Clock,
): OwnAnswer {
  const { request, serving, statusReceived, clientCapabilities } = exchange;
  const { disclosure, errorPages } = exchange.matchedRoute ?? serving.unrouted;
  const attempt = exchange.attempts.at(-1) ?? null;
  const response = generateResponse({
    failure,
    delivery: exchange.delivery,
    application: exchange.application,
    exit: attempt === null ? null : exitFacts(attempt, failure, exchange.startedAt),
    stoppedPids: attempt === null ? null : stoppedPidsOf(attempt, failure),
    noneReady: attempt === null ? null : noneReadyOf(attempt, failure),
    release: attempt?.failure?.cause === failure.cause ? attempt.release : null,
    requestId: exchange.id,
    method: exchange.method,
    accept: request.headers.get('accept'),
    contentType: request.headers.get('content-type'),
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
  return answerOf(exchange, { ...response, headers: [...response.headers, ...ofFilters] }, clock);
}

function exitFacts(attempt: Attempt, { cause }: Failure, startedAt: Instant): GenerateFacts['exit'] {
  const { exit } = attempt;
  return exit === null || !exitExplains(attempt.failure?.cause, cause)
    ? null
    : { exit, beforeMs: exitBeforeMs(attempt, exit, startedAt) };
}

/** A process that is stopped accepts a connection, and answers nothing. */
function stoppedPidsOf({ failure: met, chosenEndpoint }: Attempt, failure: Failure): readonly number[] | null {
  if (shapeOf(failure) !== 'too_slow' || met?.cause !== failure.cause) return null;
  return chosenEndpoint.stoppedPids ?? null;
}

function noneReadyOf({ failure, noneReady }: Attempt, { cause }: Failure): Failure | null {
  return failure?.cause === cause ? noneReady : null;
}

/** The answer of a filter: no failure, so Proxy-Status says nothing of it. RFC 9110 §6.4.1: 204 and 304 never have a body; nor a length, which of a 304 would be that of another response (§8.6). */
export function filterAnswer(exchange: ExchangeState, answer: FilterAnswer, clock: Clock): OwnAnswer {
  const { status, headers, body } = answer;
  assert(Number.isInteger(status) && status >= 200 && status <= 599, 'the status of an answer is 200 to 599');
  for (const [name, value] of headers) assertHeader(name, value);
  const hasBody = status !== 204 && status !== 304;
  const written = [...headers, ['X-Request-Id', visibleText(exchange.id, requestIdMax)] as const];
  const sent = hasBody && exchange.method !== 'HEAD' ? body : noBytes;
  const contentLength = hasBody ? body.length : -1;
  return answerOf(
    exchange,
    { status, reason: reasonPhrase(status), headers: written, body: sent, contentLength, grpcStatus: null },
    clock,
  );
}

const noBytes = new Uint8Array(0);

/** The answer to a request for which Max-Forwards makes this gateway the last hop. */
export function lastHopAnswer(exchange: ExchangeState, clock: Clock): OwnAnswer {
  return answerOf(exchange, lastHopResponse(exchange, exchange.id), clock);
}

function answerOf(exchange: ExchangeState, response: GeneratedResponse, clock: Clock): OwnAnswer {
  const change = exchange.matchedRoute?.response ?? exchange.serving.unroutedHeaders;
  const { status, reason, headers, body, contentLength, grpcStatus } = response;
  const framing: Framing = contentLength < 0 ? noBody : { kind: 'length', bytes: contentLength };
  const head: OutgoingResponse = {
    status,
    reason,
    upgrade: null,
    priority: null,
    framing,
    contentLength,
    writeHeaders(sink: HeaderSink): void {
      sink.header('Date', httpDate(clock.wallTime()));
      for (const [name, value] of headers) sink.header(name, value);
      if (change !== undefined) writeBesideOwn(sink, change, headers, exchange);
    },
  };
  return { head, body, grpcStatus };
}
