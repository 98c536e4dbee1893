import { fail, type FailureOf } from '../../core/failure.ts';
import { type RequestRule, requestRules } from '../../core/rules.ts';
import type { ErrorName } from '../../wire/h2/protocol.ts';
import type { SessionFailure } from '../../wire/h2/session-owner.ts';

/** The gateway has ended the stream with RST_STREAM, or its connection with GOAWAY, because what the client sent breaks `rule`. */
export function endedByRule(rule: RequestRule, at: string, code: ErrorName): FailureOf<'request_refused'> {
  const { status } = requestRules[rule];
  return fail('request_refused', 'request', { rule, status, at, code }) as FailureOf<'request_refused'>;
}

/** The failure of the requests that were open when the session ended by a rule or a limit. */
export function endedBySession({ error, why, limit }: SessionFailure): FailureOf<'request_refused'> {
  return endedByRule(limit === null ? 'http2-connection' : 'http2-limit', why, error);
}
