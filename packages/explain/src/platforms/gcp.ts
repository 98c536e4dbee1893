import { type ProxyErrorType, proxyErrors } from '../../../failures/src/proxy-error.ts';
import { dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { isoTimeMs, type JsonLine, jsonLine, jsonObject, jsonText, statusOf } from '../json-fields.ts';
import { judgedText } from '../line-text.ts';
import {
  failedWith,
  unknownVerdict,
  appErrorVerdict,
  clientLeftVerdict,
  type FailureWords,
  unreachableVerdict,
  findingOf,
  fixOf,
  type Verdict,
  harmlessVerdict,
} from '../verdict.ts';

const failed = (type: ProxyErrorType, words: FailureWords): Verdict => failedWith('load-balancer', type, words);

const health = 'gcloud compute backend-services get-health NAME --global';

const certificate = failed('tls_certificate_error', {
  sentence: "The backend's certificate does not pass the load balancer's checks.",
  fix: fixOf(
    "Check names, chain and keys of the backend's certificate against the backend authentication of the load balancer",
  ),
});

const internal = failed('proxy_internal_error', {
  sentence: 'The load balancer itself failed.',
  fix: fixOf('Retry such requests; if it persists, ask Google with the insertId of the line'),
});

const misconfigured = (sentence: string, text: string): Verdict =>
  failed('proxy_configuration_error', { sentence, fix: fixOf(text) });

const denied = (sentence: string): Verdict =>
  failed('http_request_denied', {
    sentence,
    fix: fixOf(
      'If such requests should be allowed, look up the rule',
      'gcloud compute security-policies describe NAME',
    ),
  });

const misread = (sentence: string): Verdict =>
  failed('http_protocol_error', {
    sentence,
    fix: fixOf('Look at the response that the backend sends', 'curl -v --http1.1 http://BACKEND:PORT/'),
  });

const clientLeft = (when: string): Verdict =>
  clientLeftVerdict(`The client closed the connection ${when}.`, 'response');

/** Google's documented values of `statusDetails`. The status beside them differs by product and does not decide. */
const byDetails: Readonly<Record<string, Verdict>> = {
  failed_to_connect_to_backend: unreachableVerdict('load-balancer', {
    sentence:
      'The load balancer could not connect to the backend: it refused, there was no route, or it took too long.',
    whose: null,
    fix: fixOf(
      'Check whether the backend listens on the port of its group, and whether the firewall allows 35.191.0.0/16 and 130.211.0.0/22',
      'gcloud compute firewall-rules create allow-load-balancer --source-ranges=35.191.0.0/16,130.211.0.0/22 --allow=tcp:PORT',
    ),
  }),
  failed_to_pick_backend: {
    ...failed('destination_unavailable', {
      sentence: 'No backend was healthy.',
      fix: fixOf('Check the results of the health checks', health),
    }),
    isConsequence: true,
  },
  failed_to_negotiate_alpn: failed('tls_protocol_error', {
    sentence: 'The load balancer and the backend have no common protocol over TLS.',
    fix: fixOf(
      "Set the protocol of the backend service to the backend's",
      'gcloud compute backend-services update NAME --global --protocol=HTTPS',
    ),
  }),
  backend_timeout: failed('http_response_timeout', {
    sentence: 'The backend did not answer before the timeout.',
    fix: fixOf(
      'Make the backend answer sooner, or raise the timeout (30 s unless changed)',
      'gcloud compute backend-services update NAME --global --timeout=120s',
    ),
  }),
  backend_connection_closed_before_data_sent_to_client: failed('connection_terminated', {
    sentence: 'The backend closed the connection before it had answered.',
    fix: fixOf(
      "Make the backend's keep-alive longer than the load balancer's 600 s, and look for crashes at that time",
      'keepalive_timeout 620s; # nginx; Node: server.keepAliveTimeout = 620_000',
    ),
  }),
  backend_connection_closed_after_partial_response_sent: failed('http_response_incomplete', {
    sentence: 'The backend closed the connection in the middle of its response.',
    fix: fixOf('Look for a crash, a restart or a time limit of the backend at that time'),
  }),
  backend_response_corrupted: misread("The backend's response is corrupt: its chunks, or its body."),
  backend_early_response_with_non_error_status: misread(
    'The backend answered with success before it had read the whole request.',
  ),
  backend_interim_response_not_supported: misread('The backend sent an interim response (1xx) where none is allowed.'),
  backend_response_headers_too_long: failed('http_response_header_section_size', {
    sentence: "The head of the backend's response is larger than the load balancer accepts.",
    fix: fixOf('Send fewer or smaller headers, especially cookies'),
  }),
  error_uncompressing_gzipped_body: failed('http_response_content_coding', {
    sentence: "The backend's response is marked as gzip, but cannot be unpacked.",
    fix: fixOf(
      'Check whether the body is compressed twice, or not compressed',
      'curl -s -H "Accept-Encoding: gzip" http://BACKEND:PORT/ | gzip -t',
    ),
  }),
  websocket_handshake_failed: failed('http_upgrade_failed', {
    sentence: 'The backend did not accept the WebSocket.',
    fix: fixOf("Look at the backend's response to the upgrade"),
  }),
  request_loop_detected: failed('proxy_loop_detected', {
    sentence: 'The backend sent the request back to the load balancer.',
    fix: fixOf("Remove the load balancer's own address from the backend's targets"),
  }),
  config_not_found: internal,
  retriable_error: internal,
  internal_error: internal,
  cache_lookup_failed_after_partial_response: internal,
  denied_by_security_policy: denied('A rule of Cloud Armor refused the request.'),
  banned_by_security_policy: denied('A rule of Cloud Armor has banned the client for some time.'),
  throttled_by_security_policy: denied("A rule of Cloud Armor limits the rate of the client's requests."),
  invalid_external_origin_endpoint: misconfigured(
    'The address of the external backend is not valid.',
    'Correct the name and port of the internet network endpoint group',
  ),
  multiple_iap_policies: misconfigured(
    'Two policies of Identity-Aware Proxy apply at once.',
    "Remove one of them: the backend service's, or that of the service behind it",
  ),
  ssl_certificate_san_verification_failed: certificate,
  ssl_certificate_chain_verification_failed: certificate,
  client_disconnected_before_any_response: clientLeft('before the response began'),
  client_disconnected_after_partial_response: clientLeft('in the middle of the response'),
  client_timed_out: clientLeft("after it had been silent until the load balancer's timeout"),
  cache_lookup_timeout_after_partial_response: clientLeft('after it had stopped reading the response'),
  byte_range_caching_retrieval_abandoned: clientLeft('while the cache was fetching the response'),
  response_from_cache: harmlessVerdict,
  response_from_cache_validated: harmlessVerdict,
  byte_range_caching: harmlessVerdict,
  websocket_closed: harmlessVerdict,
};

const requestFaults = new Set(
  (
    'body_not_allowed failed_parsing_client_headers headers_too_long http_version_not_supported invalid_chunk_framing ' +
    'invalid_request_headers invalid_http2_client_header_format invalid_http2_client_request_path malformed_chunked_body ' +
    'required_body_but_no_content_length secure_url_rejected unsupported_method unsupported_100_continue ' +
    'upgrade_header_rejected request_body_too_large'
  ).split(' '),
);

/** If the response is the backend's, or a configured one, only the status shows whether it is a failure. */
const passedOn = new Set([
  'response_sent_by_backend',
  'aborted_request_due_to_backend_early_response',
  'byte_range_caching_forwarded_backend_response',
]);

/** Every value of `statusDetails` whose meaning does not depend on the status. */
export const knownDetails: readonly string[] = [
  ...Object.keys(byDetails).filter((details) => byDetails[details] !== harmlessVerdict),
  ...requestFaults,
];

/** Whether these details determine the verdict completely. */
function isExact(details: string): boolean {
  if (details === 'failed_to_connect_to_backend') return false;
  return Object.hasOwn(byDetails, details) || passedOn.has(details) || requestFaults.has(details);
}

function gcpVerdict(details: string, status: number | null): Verdict {
  if (Object.hasOwn(byDetails, details)) return byDetails[details] as Verdict;
  if (passedOn.has(details)) return sentByBackend(status);
  if (details.startsWith('server_cert_')) return certificate;
  if (details.startsWith('client_cert_') || requestFaults.has(details))
    return failed('http_request_error', {
      sentence: `The load balancer rejected the client's request (${details.slice(0, 60)}).`,
      fix: null,
    });
  if (details === 'direct_response') return directResponse(status);
  if (status !== null && status < 500) return harmlessVerdict;
  return unknownVerdict(
    'load-balancer',
    `The load balancer gives ${details.slice(0, 60)} as its reason, which does not say how it failed.`,
    fixOf('Look it up at https://cloud.google.com/load-balancing/docs/https/https-logging-monitoring'),
  );
}

function sentByBackend(status: number | null): Verdict {
  if (status === null || status < 500) return harmlessVerdict;
  return appErrorVerdict(
    `The backend itself answered ${status}; the load balancer passed it on.`,
    fixOf("Read the application's own log for the trace of the line"),
  );
}

function directResponse(status: number | null): Verdict {
  if (status === null || status < 500) return harmlessVerdict;
  return failed('proxy_internal_response', {
    sentence: `The load balancer answers ${status} itself, because of its configuration.`,
    fix: fixOf('Look at the URL map, and at the state of the account', 'gcloud compute url-maps describe NAME'),
  });
}

const format = 'GCP load balancer log';

/** The `@type` of their payload ends so, for every kind of load balancer. */
const payloadType = /loadbalancing\.type\.LoadBalancerLogEntry|"statusDetails"|"http_load_balancer"/;

function readGcp(line: string): Finding | null {
  const text = judgedText(line);
  if (!payloadType.test(text)) return null;
  const entry = jsonLine(text);
  if (entry === null) return null;
  // A LogEntry, or its payload alone.
  const payload = jsonObject(entry.jsonPayload) ?? entry;
  const details = jsonText(payload.statusDetails);
  if (details === null && !isOfLoadBalancer(entry, payload)) return null;
  const http = jsonObject(entry.httpRequest) ?? {};
  const status = statusOf(http.status);
  const verdict = judge(details, jsonText(payload.proxyStatus), status);
  return findingOf(
    {
      gateway: 'gcp-lb',
      format,
      kind: 'access',
      atMs: isoTimeMs(entry.timestamp),
      status,
      upstream: upstreamOf(entry, http),
      request: requestIn(http),
      durationMs: latencyMs(http.latency),
      evidence: verdict.shape === 'none' ? [] : evidenceOf(details, payload, status),
      joins: jsonText(entry.insertId),
    },
    verdict,
  );
}

function isOfLoadBalancer(entry: JsonLine, payload: JsonLine): boolean {
  const type = jsonText(payload['@type']) ?? '';
  return (
    type.includes('LoadBalancerLogEntry') ||
    /load_balancer|lb_rule/.test(jsonText(jsonObject(entry.resource)?.type) ?? '')
  );
}

function judge(details: string | null, proxyStatus: string | null, status: number | null): Verdict {
  // Load balancers built on Envoy also write `proxyStatus` (RFC 9209), which is mostly more exact.
  const quoted = detailsIn(proxyStatus);
  const exact = [details, quoted].find((one) => one !== null && isExact(one)) ?? null;
  if (exact !== null) return gcpVerdict(exact, status);
  const type = typeIn(proxyStatus);
  if (type !== null) return typedVerdict(type);
  if (details !== null && details !== '') return gcpVerdict(details, status);
  if (status === null || status < 500) return harmlessVerdict;
  return unknownVerdict(
    null,
    `The client got ${status}; the line does not say whether the load balancer or the backend made it.`,
    fixOf(
      'Switch logging on for the backend service: `statusDetails` then has the cause',
      'gcloud compute backend-services update NAME --global --enable-logging --logging-sample-rate=1.0',
    ),
  );
}

function typedVerdict(type: ProxyErrorType): Verdict {
  return failedWith('load-balancer', type, {
    sentence: `The load balancer reported ${type} (proxyStatus).`,
    fix: fixOf('Check the backend and its health', 'gcloud compute backend-services get-health NAME --global'),
  });
}

function detailsIn(proxyStatus: string | null): string | null {
  return /\bdetails="([a-z_]{3,80})"/.exec((proxyStatus ?? '').slice(0, 1000))?.[1] ?? null;
}

function typeIn(proxyStatus: string | null): ProxyErrorType | null {
  const [, type = ''] = /\berror="?([a-z_]{3,60})/.exec((proxyStatus ?? '').slice(0, 1000)) ?? [];
  return Object.hasOwn(proxyErrors, type) ? (type as ProxyErrorType) : null;
}

function upstreamOf(entry: JsonLine, http: JsonLine): string | null {
  const labels = jsonObject(jsonObject(entry.resource)?.labels) ?? {};
  return jsonText(http.serverIp) ?? jsonText(labels.backend_service_name) ?? jsonText(labels.backend_name);
}

function requestIn(http: JsonLine): string | null {
  const [method, url] = [jsonText(http.requestMethod), jsonText(http.requestUrl)];
  if (method === null || url === null) return null;
  return `${method} ${url.replace(/^https?:\/\/[^/]{1,255}/, '') || '/'}`;
}

/** "30.000971s". */
function latencyMs(latency: unknown): number | null {
  const [, seconds] = /^(\d{1,7}(?:\.\d{1,9})?)s$/.exec(jsonText(latency) ?? '') ?? [];
  return seconds === undefined ? null : Math.round(Number(seconds) * 1000);
}

function evidenceOf(details: string | null, payload: JsonLine, status: number | null): string[] {
  const evidence = details === null ? [`status=${status}`] : [`statusDetails=${details.slice(0, 120)}`];
  const proxyStatus = jsonText(payload.proxyStatus);
  return proxyStatus === null ? evidence : [...evidence, `proxyStatus=${proxyStatus.slice(0, 200)}`];
}

function recognise(line: string): 0 | 1 | 2 {
  if (!line.startsWith('{') || !payloadType.test(line)) return 0;
  return line.includes('LoadBalancerLogEntry') || line.includes('"http_load_balancer"') ? 2 : 1;
}

export const gcpDialect = dialect('gcp-lb', format, recognise, readGcp);
