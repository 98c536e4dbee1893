import { type Verdict, harmlessVerdict } from '../verdict.ts';
import { directionOf, type EnvoyExchange } from './access-line.ts';
import {
  brokenOff,
  clientLeft,
  clientVerdict,
  connectionFailure,
  denied,
  directAnswer,
  garbage,
  idle,
  localReset,
  noRoute,
  ownDecision,
  slow,
  terminated,
  unavailable,
  upstreamWords,
} from './failures.ts';
import { envoyFixes } from './fixes.ts';

type Judge = (exchange: EnvoyExchange, hasBegun: boolean) => Verdict;

const noHealthy: Judge = (exchange) =>
  unavailable(
    `No endpoint of ${exchange.cluster ?? 'the cluster'} is healthy.`,
    envoyFixes.noHealthy,
    'application',
    true,
  );
const overflow: Judge = (exchange) => {
  const sentence = `The limit of connections or requests to ${exchange.cluster ?? 'the cluster'} was reached (circuit breaker).`;
  return { ...ownDecision('connection_limit_reached', 'application', sentence, envoyFixes.overflow), stage: 'queue' };
};
const injected: Judge = () =>
  ownDecision('proxy_internal_response', 'operator', 'This failure was injected on purpose.', envoyFixes.injected);
const overloaded: Judge = () =>
  ownDecision(
    'proxy_internal_error',
    'gateway',
    'Envoy itself is short of memory, and rejects requests.',
    envoyFixes.overload,
  );
const remoteReset: Judge = (exchange, hasBegun) =>
  brokenOff(exchange, hasBegun, 'reset the stream', envoyFixes.remoteReset);
const noCluster: Judge = () =>
  unavailable('The route leads to a cluster that Envoy does not have.', envoyFixes.noCluster, 'operator');
const limited: Judge = () => denied('The rate limit denied this request.', envoyFixes.rateLimit);
const policy: Judge = () => denied('A policy of Envoy denied this request.', envoyFixes.denied);
const dropped: Judge = () =>
  unavailable(
    'Envoy dropped this request, as the control plane has configured it.',
    envoyFixes.dropOverload,
    'operator',
  );
const dns: Judge = (exchange) => ownOrDns(`The name of ${upstreamWords(exchange)} could not be looked up.`);
const badRequest: Judge = () => clientVerdict('The client sent an invalid request.', 'request');

function ownOrDns(sentence: string): Verdict {
  return { ...ownDecision('dns_error', 'operator', sentence, envoyFixes.dns), stage: 'dns' };
}

/** Details that name the failure by themselves, whatever the flags are. */
const verdictsOfDetails: readonly (readonly [form: RegExp, judge: Judge])[] = [
  [
    /^(?:upstream_)?response_timeout$|^upstream_request_timeout$/,
    (exchange) => slow(exchange, envoyFixes.routeTimeout),
  ],
  [/^upstream_per_try_timeout$/, (exchange) => slow(exchange, envoyFixes.perTryTimeout)],
  [/^upstream_per_try_idle_timeout$|^stream_idle_timeout$|^idle_timeout$/, (exchange) => idle(exchange)],
  [
    /^upstream_max_stream_duration_reached$|^max_duration_timeout$/,
    (exchange) => slow(exchange, envoyFixes.maxDuration),
  ],
  [
    /^request_header_timeout$|^request_overall_timeout$/,
    () => clientVerdict('The client did not send its whole request in time.', 'request'),
  ],
  [/^downstream_remote_disconnect$|^downstream_remote_reset/, () => clientLeft],
  [/^no_healthy_upstream$/, noHealthy],
  [/^cluster_not_found$/, noCluster],
  [/^route_(?:configuration_)?not_found$|^filter_chain_not_found$/, noRoute],
  [/^maintenance_mode$/, () => unavailable('The cluster is in maintenance mode.', envoyFixes.maintenance, 'operator')],
  [/^(?:unconditional_)?drop_overload$/, dropped],
  [/^overload(?:_|$)/, overloaded],
  [/^fault_filter_abort$/, injected],
  [/^(?:request_)?rate_limited$|^local_rate_limited$/, limited],
  [
    /^rate_limiter_error$|^rate_limit_error$/,
    () =>
      ownDecision(
        'proxy_internal_error',
        'operator',
        'The rate limit service did not answer.',
        envoyFixes.rateLimitService,
      ),
  ],
  [
    /^ext_authz_error/,
    () =>
      ownDecision(
        'proxy_internal_error',
        'operator',
        'The authorization service did not answer.',
        envoyFixes.authService,
      ),
  ],
  [/^rbac_access_denied|^ext_authz_denied|^jwt_authn_access_denied|^csrf_|^cors_/, policy],
  [/^request_payload_too_large$/, () => denied('The request body is larger than Envoy accepts.', envoyFixes.payload)],
  [/^response_(?:payload|headers)_too_large$/, tooLarge],
  [/^dns_resolution_failure|^dns_/, dns],
  [
    /^missing_host_header$|^low_version$|^absolute_path_rejected$|^path_normalization_failed$|^invalid_path$|^missing_path/,
    badRequest,
  ],
];

function tooLarge(exchange: EnvoyExchange): Verdict {
  const isHead = exchange.details === 'response_headers_too_large';
  const type = isHead ? 'http_response_header_section_size' : 'http_response_body_size';
  const sentence = `The response of ${upstreamWords(exchange)} is larger than Envoy accepts.`;
  const words = { sentence, fix: envoyFixes.tooLargeAnswer };
  return {
    shape: 'garbage',
    type,
    stage: isHead ? 'response' : 'body',
    born: 'reverse-proxy',
    whose: 'application',
    ...words,
  };
}

/** Why the stream to the upstream was reset: the text in the braces. */
const verdictsOfResets: Readonly<Record<string, Judge>> = {
  connection_failure: (exchange) => connectionFailure(exchange, 'connection_failure'),
  local_connection_failure: (exchange) => connectionFailure(exchange, 'local_connection_failure'),
  remote_connection_failure: (exchange) => connectionFailure(exchange, 'remote_connection_failure'),
  connection_timeout: (exchange) => connectionFailure(exchange, 'connection_timeout'),
  connection_termination: terminated,
  remote_reset: remoteReset,
  remote_refused_stream_reset: remoteReset,
  local_reset: (_, hasBegun) => localReset(hasBegun),
  overflow,
  protocol_error: garbage,
  overload_manager_reset: overloaded,
};

/** Response flags, the most specific first. A request that was retried has the flag of its last attempt, and URX. */
const verdictsOfFlags: readonly (readonly [flag: string, judge: Judge])[] = [
  ['FI', injected],
  ['DF', dns],
  ['UF', (exchange) => connectionFailure(exchange, '')],
  ['UPE', garbage],
  ['UC', terminated],
  ['UR', remoteReset],
  ['UT', (exchange) => slow(exchange, envoyFixes.routeTimeout)],
  ['UMSDR', (exchange) => slow(exchange, envoyFixes.maxDuration)],
  ['UO', overflow],
  ['UH', noHealthy],
  ['LH', () => unavailable('The health check of this Envoy itself fails.', envoyFixes.health, 'operator')],
  ['NC', noCluster],
  ['NR', noRoute],
  [
    'NFCF',
    () =>
      ownDecision(
        'proxy_configuration_error',
        'operator',
        'The configuration of a filter has not arrived.',
        envoyFixes.filterConfig,
      ),
  ],
  [
    'RLSE',
    () =>
      ownDecision(
        'proxy_internal_error',
        'operator',
        'The rate limit service did not answer.',
        envoyFixes.rateLimitService,
      ),
  ],
  ['RL', limited],
  ['UAEX', policy],
  ['OM', overloaded],
  ['UDO', dropped],
  ['DO', dropped],
  ['SI', (exchange) => idle(exchange)],
  ['DPE', badRequest],
  ['IH', badRequest],
  ['DC', () => clientLeft],
  ['DR', () => clientLeft],
  ['LR', (_, hasBegun) => localReset(hasBegun)],
];

const resetForm = /^upstream_reset_(before|after)_response_started(?:\{([a-z_A-Z]{1,60}))?/;

interface EnvoyJudgement {
  readonly verdict: Verdict;
  /** Names the field that decided. */
  readonly by: 'details' | 'flags' | 'code';
}

/**
 * Judges by the details first, since they name one reason and the flags may be several. Then by the flags. The code
 * decides only without both, since it never says which side made the response.
 */
export function judge(exchange: EnvoyExchange): EnvoyJudgement {
  if (exchange.cluster === 'BlackHoleCluster') return { verdict: noRoute(exchange), by: 'flags' };
  return ofDetails(exchange) ?? ofFlags(exchange) ?? ofCode(exchange);
}

function ofDetails(exchange: EnvoyExchange): EnvoyJudgement | null {
  const { details } = exchange;
  if (details === null || details === 'via_upstream') return null;
  const reset = resetForm.exec(details);
  if (reset !== null) {
    const hasBegun = reset[1] === 'after';
    const verdict = verdictsOfResets[reset[2] ?? '']?.(exchange, hasBegun) ?? null;
    return verdict === null ? null : { verdict, by: 'details' };
  }
  if (details === 'direct_response') {
    const isFailure = exchange.code !== null && exchange.code >= 500;
    return { verdict: isFailure ? directAnswer : harmlessVerdict, by: 'details' };
  }
  if (/^http[12]\./.test(details) && exchange.flags?.includes('UPE') !== true)
    return { verdict: badRequest(exchange, false), by: 'details' };
  const judged = verdictsOfDetails.find(([form]) => form.test(details));
  return judged === undefined ? null : { verdict: judged[1](exchange, hasAnswerBegun(exchange)), by: 'details' };
}

function ofFlags(exchange: EnvoyExchange): EnvoyJudgement | null {
  const { flags } = exchange;
  if (flags === null || flags.length === 0) return null;
  const found = verdictsOfFlags.find(([flag]) => flags.includes(flag));
  if (found !== undefined) return { verdict: found[1](exchange, hasAnswerBegun(exchange)), by: 'flags' };
  if (flags.includes('URX')) return { verdict: retriesSpent(exchange), by: 'flags' };
  // A connection that has reached its maximum duration. The other flags describe no failure.
  if (flags.includes('DT') && (exchange.code ?? 0) >= 500)
    return { verdict: slow(exchange, envoyFixes.maxDuration), by: 'flags' };
  return null;
}

/** The client got a status that is no failure: the response had begun when it broke off. */
function hasAnswerBegun({ details, code }: EnvoyExchange): boolean {
  if (details === 'via_upstream') return true;
  return code !== null && code >= 100 && code < 500;
}

function retriesSpent(exchange: EnvoyExchange): Verdict {
  if (!exchange.isTcp && hasAnswerBegun(exchange) && exchange.details !== 'via_upstream') return harmlessVerdict;
  if (exchange.details === 'via_upstream' || exchange.serviceTimeMs !== null) return appError(exchange);
  if (exchange.isTcp) {
    const sentence = `No attempt to connect to ${upstreamWords(exchange)} succeeded; the line does not say why.`;
    const fix = envoyFixes.addReason;
    return { ...harmlessVerdict, shape: 'unreachable', stage: 'connect', born: 'reverse-proxy', sentence, fix };
  }
  return unknownFailure('Every attempt failed; the line does not say why.');
}

function unknownFailure(sentence: string): Verdict {
  return { ...harmlessVerdict, shape: 'unknown', born: 'reverse-proxy', sentence, fix: envoyFixes.addDetails };
}

function appError(exchange: EnvoyExchange): Verdict {
  if (exchange.code !== null && exchange.code < 500) return harmlessVerdict;
  const target = upstreamWords(exchange);
  // Between pods, the response may come from the sidecar before the application, which has a line of its own.
  const who = directionOf(exchange) === 'outbound' ? `${target}, or the sidecar before it,` : `${target} itself`;
  const sentence = `${who} answered with ${exchange.code ?? 'a failure'}; Envoy passed it on.`;
  const words = sentence.startsWith('the ') ? `T${sentence.slice(1)}` : sentence;
  return { ...harmlessVerdict, shape: 'app_error', born: 'application', whose: 'application', sentence: words };
}

/** A deliberate delay, a response from the cache, or a connection that reached its maximum duration. */
const harmlessFlags: ReadonlySet<string> = new Set(['DI', 'RFCF', 'DT']);

function ofCode(exchange: EnvoyExchange): EnvoyJudgement {
  const { code, details, serviceTimeMs, host, namesHost, flags, isTcp } = exchange;
  const by = details === null ? 'code' : 'details';
  if (code === 0 && !isTcp && details === null) return { verdict: clientLeft, by };
  if (code === null || code < 500) return { verdict: code === 499 ? clientLeft : harmlessVerdict, by };
  if (details === 'via_upstream' || serviceTimeMs !== null) return { verdict: appError(exchange), by };
  const isFlagged = flags?.some((flag) => !harmlessFlags.has(flag)) ?? true;
  if (details !== null || isFlagged)
    return { verdict: unknownFailure(`Envoy answered with ${code}, for a reason that Candor does not know.`), by };
  // Envoy flags failures on its side. Without a flag, a line with an upstream is that upstream's response, and a line without
  // one is Envoy's own.
  return { verdict: namesHost && host === null ? directAnswer : appError(exchange), by };
}
