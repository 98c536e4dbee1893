import type { AttemptFacts, EndedExchange } from '../core/exchange.ts';
import { shapeOf, whoseOf } from '#failures/failure-texts.ts';
import type { Failure } from '#failures/failure.ts';
import { isGrpcServerError } from '../core/grpc-server-errors.ts';
import type { Shape, Whose } from '#failures/shape.ts';

/**
 * The shape of an exchange without a failure: no error, the application answered
 * with its own 5xx or a gRPC status that says the same, or the client left and nothing else is known.
 */
export function shapeWithoutFailure(exchange: EndedExchange): 'none' | 'app_error' | 'client_abort' {
  if (exchange.endKind === 'abandoned') return 'client_abort';
  if (exchange.endKind !== 'forwarded') return 'none';
  return exchange.statusReceived >= 500 || isGrpcServerError(exchange.grpcStatus ?? 0) ? 'app_error' : 'none';
}

/** The shape of an exchange that has ended, in its record and in the counts alike. */
export function shapeOfExchange(exchange: EndedExchange): Shape {
  return exchange.failure === null ? shapeWithoutFailure(exchange) : shapeOf(exchange.failure);
}

/** Where the body of a response went on for longer behind its head, it was a stream, or as slow as the line of its client. */
const longLivedMs = 5000;

/** Whether it lasted as long as both sides kept it: a tunnel, an event stream, a large download. */
export function isLongLived({ tunnel, startedAt, endedAt, attempts }: EndedExchange): boolean {
  if (tunnel !== null) return true;
  const ms = endedAt - startedAt;
  if (ms <= longLivedMs) return false;
  const headMs = attempts.at(-1)?.headMs ?? -1;
  return headMs >= 0 && ms - headMs > longLivedMs;
}

/** Milliseconds since the Unix epoch. */
export function endedAtOf({ startedWall, startedAt, endedAt }: EndedExchange): number {
  return startedWall + Math.max(0, endedAt - startedAt);
}

/** The time was over that the client itself had set (`grpc-timeout`). */
export function isClientDeadline(failure: Failure): boolean {
  return failure.cause === 'exchange_timeout' && failure.evidence.setBy === 'client';
}

/** It has failed, was retried, or ended with an error of the application or without its client. */
export function isFailed(exchange: EndedExchange): boolean {
  return exchange.failure !== null || exchange.attempts.length > 1 || shapeOfExchange(exchange) !== 'none';
}

/** Who caused the failure; null without a failure. */
export function whoseOfExchange(exchange: EndedExchange): Whose | null {
  if (exchange.failure !== null) return whoseOf(exchange.failure, exchange.application);
  const shape = shapeWithoutFailure(exchange);
  if (shape === 'none') return null;
  return shape === 'app_error' ? 'application' : 'client';
}

/** Whether this attempt has given the call its response, whose gRPC status says that the server has failed: its HTTP status is 200. */
export function isFailedCall(exchange: EndedExchange, attempt: AttemptFacts): boolean {
  if ((exchange.grpcStatus ?? 0) === 0) return false;
  return attempt === exchange.attempts.at(-1) && shapeWithoutFailure(exchange) === 'app_error';
}
