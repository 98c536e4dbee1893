import { type ProxyErrorType, proxyErrors } from '../../../failures/src/proxy-error.ts';
import { dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { isoTimeMs, type JsonLine, jsonLine, jsonObject, jsonText } from '../json-fields.ts';
import { judgedText } from '../line-text.ts';
import { statusOf } from '../status-field.ts';
import { failedWith, unknownVerdict } from '../typed-verdict.ts';
import { findingOf, fixOf, type Verdict, harmlessVerdict } from '../verdict.ts';
import { gcpVerdict, isExact } from './gcp-details.ts';

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
