import { type ProxyErrorType, proxyErrors } from '../../../failures/src/proxy-error.ts';
import type { Whose } from '../../../failures/src/shape.ts';
import type { Stage } from '../../../failures/src/stage.ts';
import type { Fix } from '../finding.ts';
import { type Verdict, harmlessVerdict } from '../verdict.ts';
import { directionOf, type EnvoyExchange } from './access-line.ts';
import { envoyFixes, fixOfTransport, readTransportReason } from './fixes.ts';

interface Failure {
  readonly type: ProxyErrorType;
  readonly stage: Stage | null;
  readonly whose: Whose | null;
  readonly sentence: string;
  readonly fix: Fix;
  readonly isConsequence?: boolean;
}

function failedWith(failure: Failure): Verdict {
  return { ...failure, shape: proxyErrors[failure.type].shape, born: 'reverse-proxy' };
}

export function clientVerdict(sentence: string, stage: Stage): Verdict {
  const shape = 'client_abort';
  return { shape, type: 'http_request_error', stage, born: 'client', whose: 'client', sentence, fix: null };
}

/** The endpoint in words: "10.0.0.5:8080 (the application in the same pod)". */
export function upstreamWords(exchange: EnvoyExchange): string {
  const target = exchange.host ?? exchange.cluster ?? 'the upstream';
  return directionOf(exchange) === 'inbound' ? `${target} (the application in the same pod)` : target;
}

const wherever = (exchange: EnvoyExchange): string => {
  const words = upstreamWords(exchange);
  return words.startsWith('the ') ? `T${words.slice(1)}` : words;
};

/** A connection that failed. The flag is the same for every reason, so the text of the reason decides the type. */
export function connectionFailure(exchange: EnvoyExchange, resetReason: string): Verdict {
  const texts = [exchange.reason ?? '', exchange.details ?? ''];
  const known = texts.map(readTransportReason).find((meaning) => meaning !== null) ?? null;
  const meaning = known ?? (resetReason === 'connection_timeout' ? readTransportReason('connection timeout') : null);
  if (meaning === null) return unreachable(exchange);
  const { cause, type, stage, whose, why } = meaning;
  const sentence = `The connection to ${upstreamWords(exchange)} failed: ${why}.`;
  return failedWith({ type, stage, whose, sentence, fix: fixOfTransport(cause, directionOf(exchange)) });
}

function unreachable(exchange: EnvoyExchange): Verdict {
  const sentence = `No connection to ${upstreamWords(exchange)} could be made; the line does not say why.`;
  const fix = envoyFixes.addReason;
  return { ...harmlessVerdict, shape: 'unreachable', stage: 'connect', born: 'reverse-proxy', sentence, fix };
}

export function terminated(exchange: EnvoyExchange, hasBegun: boolean): Verdict {
  const tls = exchange.reason === null ? null : readTransportReason(exchange.reason);
  // With TLS 1.3 the peer refuses a certificate after the handshake has ended for Envoy.
  if (tls !== null && tls.stage === 'tls') return connectionFailure(exchange, '');
  return brokenOff(exchange, hasBegun, 'closed the connection', envoyFixes.keepAlive);
}

export function brokenOff(exchange: EnvoyExchange, hasBegun: boolean, how: string, fix: Fix): Verdict {
  const who = wherever(exchange);
  if (hasBegun) {
    const sentence = `${who} ${how} before its response was complete.`;
    const began = { type: 'http_response_incomplete', stage: 'body', whose: 'application' } as const;
    return failedWith({ ...began, sentence, fix: envoyFixes.broken });
  }
  const sentence = `${who} ${how} before it had answered.`;
  return failedWith({ type: 'connection_terminated', stage: 'response', whose: 'application', sentence, fix });
}

export function localReset(hasBegun: boolean): Verdict {
  const type = hasBegun ? 'http_response_incomplete' : 'connection_terminated';
  const sentence = 'Envoy itself ended the stream to the upstream before the response was complete.';
  return failedWith({
    type,
    stage: hasBegun ? 'body' : 'response',
    whose: 'gateway',
    sentence,
    fix: envoyFixes.localReset,
  });
}

export function garbage(exchange: EnvoyExchange): Verdict {
  const details = exchange.details ?? '';
  const type: ProxyErrorType = /transfer_encoding|chunk/.test(details)
    ? 'http_response_transfer_coding'
    : 'http_protocol_error';
  const isLarge = /headers?_too_(?:large|many)|headers_count_exceeds|overlong|too_many_headers/.test(details);
  const sentence = `The response from ${upstreamWords(exchange)} is not valid HTTP.`;
  const fix = isLarge ? envoyFixes.tooLargeAnswer : envoyFixes.garbage;
  return failedWith({
    type: isLarge ? 'http_response_header_section_size' : type,
    stage: 'response',
    whose: 'application',
    sentence,
    fix,
  });
}

export function slow(exchange: EnvoyExchange, fix: Fix): Verdict {
  const who = wherever(exchange);
  const time = exchange.durationMs === null ? '' : ` (${exchange.durationMs} ms in all)`;
  const sentence = `${who} did not answer within the timeout of the route${time}.`;
  return failedWith({ type: 'http_response_timeout', stage: 'response', whose: 'application', sentence, fix });
}

export function idle(exchange: EnvoyExchange): Verdict {
  const sentence = "The stream was idle for longer than Envoy's timeout.";
  // A 408 may mean that the request was not complete: it is not known which side was silent.
  const whose = exchange.code === 408 ? null : 'application';
  return failedWith({
    type: 'connection_read_timeout',
    stage: 'response',
    whose,
    sentence,
    fix: envoyFixes.idleTimeout,
  });
}

export function denied(sentence: string, fix: Fix): Verdict {
  return failedWith({ type: 'http_request_denied', stage: 'route', whose: 'operator', sentence, fix });
}

export function noRoute(exchange: EnvoyExchange): Verdict {
  const isChain = exchange.details === 'filter_chain_not_found' || exchange.isTcp;
  const isEgress = exchange.cluster === 'BlackHoleCluster';
  const sentence = isChain
    ? 'No filter chain of the listener matches this connection.'
    : 'No route matches this request.';
  const fix = isEgress ? envoyFixes.egress : isChain ? envoyFixes.noFilterChain : envoyFixes.noRoute;
  return failedWith({ type: 'destination_not_found', stage: 'route', whose: 'operator', sentence, fix });
}

export function unavailable(sentence: string, fix: Fix, whose: Whose, isConsequence = false): Verdict {
  return failedWith({ type: 'destination_unavailable', stage: 'route', whose, sentence, fix, isConsequence });
}

export function ownDecision(type: ProxyErrorType, whose: Whose, sentence: string, fix: Fix): Verdict {
  return failedWith({ type, stage: 'route', whose, sentence, fix });
}

/** A response that Envoy's configuration told it to give. */
export const directAnswer: Verdict = ownDecision(
  'proxy_internal_response',
  'operator',
  'Envoy made this response itself; no upstream was contacted.',
  envoyFixes.direct,
);

export const clientLeft: Verdict = clientVerdict('The client left before the exchange had ended.', 'flush');
