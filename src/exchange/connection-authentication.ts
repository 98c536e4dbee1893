import type { ClientFacts } from '../core/exchange.ts';
import { fail, type Failure } from '#failures/failure.ts';
import { headerId } from '../core/header-names.ts';
import type { Capabilities, MessageHeaders, RequestHead, ResponseHead } from '../core/message.ts';
import { requestRules } from '#failures/rules.ts';
import type { Stage } from '#failures/stage.ts';
import type { DownstreamStream } from '../core/stream.ts';
import { areBoundCredentials, challengeKind } from '../wire/connection-authentication.ts';
import { forwardedValue } from './forwarded-value.ts';
import type { Route } from './ports.ts';

/**
 * Authentication that holds for a connection (NTLM, Negotiate). A connection of HTTP/1.1 to an endpoint is then its client's alone
 * (`upstream/private-connections.ts`). A client of HTTP/2 has one connection for requests that go to several endpoints at the same time: it is
 * told to come again over HTTP/1.1.
 */
const authorizationId = headerId('authorization');
const rule = 'connection-authentication';

/** What an exchange knows of a request that may authenticate its connection. */
interface AuthenticationFacts {
  readonly request: RequestHead;
  readonly client: ClientFacts;
  readonly clientCapabilities: Capabilities;
  requireRoute(): Route;
}

/** Whether a request has credentials that authenticate its connection. */
export function hasBoundCredentials(headers: MessageHeaders): boolean {
  return headers.hasId(authorizationId) && areBoundCredentials(headers.get('authorization') ?? '');
}

/** Whether a response with status 401 takes such credentials. */
export function isBoundChallenge({ headers }: ResponseHead): boolean {
  return challengeKind(headers.get('www-authenticate')) !== 'unbound';
}

/** Why a request cannot be sent over HTTP/2: it authenticates its connection. Null: it can. */
export function boundRequestFailure(exchange: AuthenticationFacts, downstream: DownstreamStream): Failure | null {
  const { request, client, clientCapabilities } = exchange;
  if (!clientCapabilities.multiplexed || !hasBoundCredentials(request.headers)) return null;
  const { drop, dropOfTrusted } = exchange.requireRoute().request;
  const sent = forwardedValue(request.headers, 'authorization', client.trusted ? dropOfTrusted : drop);
  return sent === null ? null : http1Required('Authorization', 'route', downstream);
}

/** Why a response is of no use over HTTP/2: its client could answer it only by such credentials. Null: it is. */
export function boundResponseFailure(
  exchange: AuthenticationFacts,
  response: ResponseHead,
  downstream: DownstreamStream,
): Failure | null {
  if (response.status !== 401 || !exchange.clientCapabilities.multiplexed) return null;
  if (challengeKind(response.headers.get('www-authenticate')) !== 'bound') return null;
  return http1Required('WWW-Authenticate', 'response', downstream);
}

function http1Required(at: string, stage: Stage, { mayUseHttp1 = false }: DownstreamStream): Failure {
  const { status } = requestRules[rule];
  const code = mayUseHttp1 ? { code: 'HTTP_1_1_REQUIRED' } : {};
  return fail('request_refused', stage, { rule, status, at, ...code });
}

/** Whether the client comes again over HTTP/1.1, and gets no answer before. */
export function comesAgain({ cause, evidence }: Failure): boolean {
  return cause === 'request_refused' && evidence.rule === rule && evidence.code !== undefined;
}
