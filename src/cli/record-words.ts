import type { EndKind, RetryReason } from '../core/exchange.ts';
import type { ExchangeRecord } from '../core/record.ts';
import type { Delivery, Shape, Whose } from '../core/shape.ts';
import type { Stage } from '../core/stage.ts';

/** The words of a record, as people say them. One table per union, so that a new word cannot be forgotten. */

export const shapeWords: Record<Shape, string> = {
  unreachable: 'unreachable',
  too_slow: 'too slow',
  reset: 'reset',
  garbage: 'garbage',
  refused_by_gateway: 'declined by the gateway',
  app_error: "the application's own error",
  client_abort: "the client's doing",
  none: 'nothing went wrong',
};

type VerdictFacts = Pick<ExchangeRecord, 'shape' | 'cause' | 'attempts'>;

/** Whether an attempt failed and a later one was answered. */
export function isRescued({ shape, attempts }: VerdictFacts): boolean {
  return shape === 'none' && attempts.length > 1;
}

/** What is said of a verdict: what was cut had been taken, so it was not declined. */
export function verdictWords(record: VerdictFacts): string {
  if (isRescued(record)) return 'answered after an attempt had failed';
  return record.cause === 'drained' ? 'cut by the gateway' : shapeWords[record.shape];
}

/** The verdict, and whose it was where the verdict does not say so itself. */
export function verdictAndWhose(record: VerdictFacts & Pick<ExchangeRecord, 'whose'>): string {
  const { shape, whose } = record;
  const needsNoOwner = whose === null || shape === 'client_abort' || shape === 'app_error';
  return needsNoOwner ? verdictWords(record) : `${verdictWords(record)}, ${whoseWords[whose]}`;
}

export const whoseWords: Record<Whose, string> = {
  application: "the application's",
  network: "the network's",
  gateway: "the gateway's",
  operator: "the operator's (a setting)",
  client: "the client's",
};

export const stageWords: Record<Stage, string> = {
  request: 'while the request was read from the client',
  route: 'while a route was chosen',
  filter: 'while the filters of the route had the request',
  queue: 'while it waited for a place at the upstream',
  dns: 'while the address was looked up',
  connect: 'while the connection was opened',
  tls: 'during the TLS handshake',
  send: 'while the request was sent',
  response: 'while the response head was awaited',
  body: 'while response content was forwarded',
  flush: 'while the client read the rest',
};

export const deliveryWords: Record<Delivery, string> = {
  not_sent: 'No. No byte of the request can have reached the application.',
  partial: 'Unlikely. A part of the request was sent, never all of it.',
  sent_unknown: 'Perhaps. The whole request was sent and no answer came.',
  refused_by_peer: 'No. The endpoint said that it did not process the request.',
  response_started: 'Yes. The application began to answer.',
};

export const endWords: Record<EndKind, string> = {
  forwarded: "the application's response was forwarded",
  generated: 'the gateway answered by itself',
  truncated: 'the response had begun and was cut short',
  abandoned: 'the client left before the end',
};

export const tunnelEndWords: Record<EndKind, string> = {
  forwarded: 'the connection became a tunnel, and both sides ended it',
  generated: 'the gateway answered by itself',
  truncated: 'the connection became a tunnel, which was cut',
  abandoned: 'the connection became a tunnel, which the client broke off',
};

type TunnelEnd = NonNullable<ExchangeRecord['tunnel']>;

const tunnelSideWords: Record<TunnelEnd['by'], string> = {
  client: 'the client',
  application: 'the application',
  gateway: 'the gateway',
};

const tunnelHowWords: Record<TunnelEnd['how'], string> = {
  closed: 'in order',
  unclosed: 'without a close frame',
  reset: 'by a reset',
  exit: 'since its process ended',
  drained: 'since it, or the listener, was to stop',
  idle: 'since nothing came for too long',
  failed: 'for another reason, see below',
};

/** RFC 6455 §7.4.1. */
const closeCodes: ReadonlyMap<number, string> = new Map([
  [1000, 'normal closure'],
  [1001, 'going away'],
  [1002, 'protocol error'],
  [1003, 'unsupported data'],
  [1007, 'invalid data'],
  [1008, 'policy violation'],
  [1009, 'message too big'],
  [1010, 'extension missing'],
  [1011, 'internal error'],
  [1012, 'service restart'],
  [1013, 'try again later'],
]);

/** Who ended a tunnel, and how: "by the client, in order, with close code 1000 (normal closure)". */
export function tunnelEndedText({ how, by, close_code: code }: TunnelEnd): string {
  const named = code === null ? undefined : closeCodes.get(code);
  const withCode = code === null ? '' : `, with close code ${code}${named === undefined ? '' : ` (${named})`}`;
  return `by ${tunnelSideWords[by] ?? by}, ${tunnelHowWords[how] ?? how}${withCode}`;
}

export const retryWords: Record<RetryReason, string> = {
  nothing_sent: 'tried again: no byte of the request can have reached the endpoint',
  idempotent: 'tried again: repeating the method does no harm',
  refused_by_peer: 'tried again: the endpoint said that it did not process it',
  accepted: 'the answer stands',
  committed: 'not tried again: the client had a part of the response already',
  fails_anywhere: 'not tried again: no other endpoint would do better',
  client_left: 'not tried again: the client had left',
  not_idempotent:
    'not tried again: it may have been executed, and only idempotent requests that ask for no upgrade are repeated',
  attempts_spent: 'not tried again: `attempts` in candor.yaml allows no more',
  budget_spent: 'not tried again: too many requests to that upstream were being repeated already',
  nowhere_else: 'not tried again: there was no other endpoint',
  no_time_left: 'not tried again: the client has waited for the whole limit already',
  body_not_held: "not tried again: the request's content was gone",
};
