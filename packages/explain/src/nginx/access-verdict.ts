import type { Finding } from '../finding.ts';
import { findingOf } from '../verdict.ts';
import type { AccessFields } from './access-fields.ts';
import { judgeAttempt, cannotTell, ownAnswer, type UpstreamAttempt, attemptsOf, decisive } from './attempt-verdict.ts';
import { fix } from './fixes.ts';
import type { NginxVerdict } from './verdict.ts';
import { clientLeft, failed, harmless } from './verdict.ts';

/** The verdict on one line of an access log, in any format. */
export function findingOfAccess(fields: AccessFields): Finding {
  const attempts = attemptsOf(fields.values);
  const attempt = decisive(attempts, fields.status);
  const address = attempt?.address ?? null;
  return findingOf(
    {
      gateway: fields.product,
      format: fields.format,
      kind: 'access',
      atMs: fields.atMs,
      status: fields.status,
      upstream: address === null ? fields.pool : address.slice(0, 200),
      request: fields.request,
      durationMs: fields.durationMs,
      joins: fields.joins,
    },
    judge(fields, attempt),
  );
}

function judge(fields: AccessFields, attempt: UpstreamAttempt | null): NginxVerdict {
  const { status } = fields;
  if (status === null) return harmless('access');
  if (status === 499) {
    return clientLeft(
      {
        type: null,
        evidence: ['status 499'],
        sentence: 'The client closed the connection before the response came.',
        fix: fix('Make the application faster, or have the client wait longer; nothing needs to change in nginx'),
      },
      'access',
    );
  }
  if (status === 9) return judgeOldAnswer(fields);
  if (status < 500) return judgeSmaller(fields, status, attempt);
  if (attempt === null)
    return cannotTell(
      fields,
      [`status ${status}`],
      'The status alone does not show whether nginx or the application made this response, or why.',
    );
  return judgeAttempt(fields, status, attempt);
}

/** nginx writes 009 for HTTP/0.9: either the client asked for it, or the response had no head. */
function judgeOldAnswer(fields: AccessFields): NginxVerdict {
  if (fields.requestLine === null || !/ HTTP\/\d/.test(fields.requestLine)) return harmless('access');
  return failed(
    {
      shape: 'garbage',
      type: 'http_protocol_error',
      stage: 'response',
      whose: 'application',
      evidence: ['status 009'],
      sentence: 'The application sent a response without an HTTP head; nginx passed the bytes on unchanged.',
      fix: fix('Check that `proxy_pass` names the port on which the application speaks HTTP'),
    },
    false,
    'access',
  );
}

function judgeSmaller(fields: AccessFields, status: number, attempt: UpstreamAttempt | null): NginxVerdict {
  const isOfApplication = typeof attempt?.status === 'number' || typeof attempt?.headerTime === 'number';
  if (isOfApplication) return harmless('access');
  if (status === 408 || (status >= 494 && status <= 497) || (status === 400 && isNoRequest(fields.requestLine))) {
    return clientLeft(
      {
        type: 'http_request_error',
        evidence: [`status ${status}`],
        sentence:
          status === 408 ? 'The client did not send its request in time.' : 'The client sent an invalid request.',
        fix: null,
      },
      'access',
    );
  }
  if (status === 400 && isSlowRequest(fields, attempt)) {
    return clientLeft(
      {
        type: 'http_request_error',
        evidence: ['status 400', `after ${fields.durationMs} ms`],
        sentence: 'The client did not send its request body in time, or broke it off.',
        fix: fix('Raise `client_body_timeout` if such clients should be served', 'client_body_timeout 120s;'),
      },
      'access',
    );
  }
  if (status === 429 && attempt?.address === null) {
    return ownAnswer(fields, status, 'http_request_denied', 'The client sent more requests than the gateway allows.');
  }
  return harmless('access');
}

/** `client_body_timeout` unless changed. The application was waiting as well, and never answered. */
const slowRequestMs = 60_000;

function isSlowRequest({ durationMs }: AccessFields, attempt: UpstreamAttempt | null): boolean {
  return (durationMs ?? 0) >= slowRequestMs && attempt !== null && attempt.address !== null && attempt.status === null;
}

const isNoRequest = (line: string | null): boolean =>
  line !== null && !/^[A-Z]{1,20} [^ ].{0,8000} HTTP\/\d/.test(line);
