import { type Dialect, dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { jsonLine, type JsonLine, isoTimeMs, jsonNumber, jsonObject, jsonText, parseLogfmt } from '../json-fields.ts';
import { judgedText } from '../line-text.ts';
import {
  findingOf,
  harmlessVerdict,
  fixOf,
  type Verdict,
  clientLeftVerdict,
  failedWith,
  unknownVerdict,
} from '../verdict.ts';
import { directionOf, type EnvoyExchange, jsonExchange, type JsonExchange, textLine } from './access-line.ts';
import { judge } from './judge.ts';
import { type Result, failWith, succeed } from '../../../failures/src/result.ts';
import { type FormatPart, hasAdjacentFields, matchParts, unquotedFormat } from '../common-log.ts';
import { rememberLast } from '../nginx/json-access.ts';

const format = 'ztunnel access log';

/** `2026-11-21T10:00:00.1Z error access connection complete src.addr=… dst.addr=… error="…"`: Istio's ambient mode. */
const ztunnelBeginning =
  /^(?:(\d{4}-\d\d-\d\dT[\d:.]{8,18}Z)[\t ]+)?(?:error|warn|info)[\t ]+access[\t ]+connection (?:complete|opened)[\t ]/;

interface Reason {
  readonly words: RegExp;
  readonly verdict: Verdict;
}

const start = fixOf('Start the application, and have it listen on that port and on all addresses of the pod');
const policy = fixOf('Allow the workload in an AuthorizationPolicy', 'kubectl get authorizationpolicies -A');
const network = fixOf('Check the network between the nodes, and network policies; port 15008 has to be open');

const reasons: readonly Reason[] = [
  {
    words: /policy rejection|allow policies exist|explicitly denied|http status: 401|http status: 403/,
    verdict: failedWith('reverse-proxy', 'http_request_denied', {
      sentence: 'A policy does not allow this workload to connect.',
      fix: policy,
    }),
  },
  {
    words: /Connection refused|os error 111/,
    verdict: failedWith('reverse-proxy', 'connection_refused', {
      sentence: 'The application refused the connection: nothing listens on that port.',
      fix: start,
    }),
  },
  {
    words: /no healthy upstream|no service for target|unknown destination|no valid|http status: 503/,
    verdict: failedWith('reverse-proxy', 'destination_unavailable', {
      sentence: 'No healthy endpoint of the service is known.',
      fix: fixOf('Check that the Service has ready endpoints', 'kubectl get endpointslices -A'),
    }),
  },
  {
    words: /No route to host|Network is unreachable/,
    verdict: failedWith('reverse-proxy', 'destination_ip_unroutable', {
      sentence: 'There is no route to the endpoint.',
      fix: network,
    }),
  },
  {
    words: /connection timed out|deadline has elapsed|maybe a NetworkPolicy|connect timeout/i,
    verdict: failedWith('reverse-proxy', 'connection_timeout', {
      sentence: 'The endpoint did not answer the connection attempt.',
      fix: network,
    }),
  },
  {
    words: /certificate|tls|alert/i,
    verdict: failedWith('reverse-proxy', 'tls_protocol_error', {
      sentence: 'The TLS handshake between the proxies failed.',
      fix: fixOf('Check the certificates of both proxies', 'istioctl ztunnel-config certificates'),
    }),
  },
  {
    words: /^io error: (?:deadline|Connection reset)|Connection reset by peer|Broken pipe|connection drain/,
    verdict: failedWith('reverse-proxy', 'connection_terminated', {
      sentence: 'One side reset the connection.',
      fix: fixOf("Read the application's log at that time"),
    }),
  },
];

function read(line: string): Finding | null {
  const found = ztunnelBeginning.exec(line);
  if (found === null) return null;
  const pairs = parseLogfmt(judgedText(line).replaceAll('\t', ' '));
  const error = pairs.get('error') ?? '';
  const verdict = error === '' ? harmlessVerdict : tunnelVerdict(error);
  return findingOf(
    {
      gateway: 'istio',
      format,
      kind: 'access',
      atMs: isoTimeMs(found[1]),
      upstream: pairs.get('dst.hbone_addr') ?? pairs.get('dst.addr') ?? null,
      evidence: error === '' ? [] : [error.slice(0, 240)],
    },
    verdict,
  );
}

function tunnelVerdict(error: string): Verdict {
  if (/client (?:closed|disconnected)|^connection closed by client/i.test(error))
    return clientLeftVerdict('The client closed the connection.');
  const known = reasons.find(({ words }) => words.test(error));
  return (
    known?.verdict ??
    unknownVerdict('reverse-proxy', 'The connection failed, for a reason that Candor does not know.', network)
  );
}

const ztunnel = dialect('istio', format, (line) => (ztunnelBeginning.test(line) ? 2 : 0), read);

const count = /^(?:\d{1,19}|-)$/;

/** Operators, and the names under which Envoy's fields are read from JSON. Other operators are not used. */
const envoyOperators: Readonly<Record<string, readonly [field: string, form: RegExp | null]>> = {
  START_TIME: ['start_time', null],
  PROTOCOL: ['protocol', null],
  RESPONSE_CODE: ['response_code', /^(?:\d{1,3}|-)$/],
  RESPONSE_FLAGS: ['response_flags', /^(?:-|[A-Z]{2,6}(?:,[A-Z]{2,6})*)$/],
  RESPONSE_FLAGS_LONG: ['response_flags_long', /^(?:-|[A-Za-z]{2,60}(?:,[A-Za-z]{2,60})*)$/],
  RESPONSE_CODE_DETAILS: ['response_code_details', null],
  UPSTREAM_TRANSPORT_FAILURE_REASON: ['upstream_transport_failure_reason', null],
  UPSTREAM_HOST: ['upstream_host', null],
  UPSTREAM_REMOTE_ADDRESS: ['upstream_remote_address', null],
  UPSTREAM_CLUSTER: ['upstream_cluster', null],
  UPSTREAM_CLUSTER_RAW: ['upstream_cluster_raw', null],
  DURATION: ['duration', count],
  BYTES_SENT: ['bytes_sent', count],
  BYTES_RECEIVED: ['bytes_received', count],
  'RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)': ['upstream_service_time', count],
  'REQ(:METHOD)': ['method', /^\S*$/],
  'REQ(:PATH)': ['path', null],
  'REQ(X-ENVOY-ORIGINAL-PATH?:PATH)': ['path', null],
  'REQ(X-REQUEST-ID)': ['request_id', null],
};

const operator = /%([A-Z][A-Z\d_]{1,60}(?:\([^()]{0,200}\))?)(?::\d{1,6})?%/g;

/** Whether the text has an operator of Envoy, such as `%RESPONSE_CODE%`. */
export function isEnvoyFormat(text: string): boolean {
  return text.search(operator) >= 0;
}

/** A dialect for a format string of Envoy's access log. Returns an error for people if its lines cannot be read. */
export function envoyLogFormat(text: string): Result<Dialect, string> {
  const parts = partsOf(unquotedFormat(text));
  if (hasAdjacentFields(parts)) return failWith('The format has two operators without any text between them.');
  const used = new Set(parts.map((part) => (typeof part === 'string' ? null : part.name)));
  if (!['response_flags', 'response_flags_long', 'response_code_details'].some((name) => used.has(name)))
    return failWith(
      'The format has neither `%RESPONSE_FLAGS%` nor `%RESPONSE_CODE_DETAILS%`: its lines show no failures.',
    );
  const read = rememberLast((line) => {
    const values = matchParts(parts, judgedText(line));
    return values === null ? null : jsonExchange(values);
  });
  return succeed(
    dialect(
      'envoy',
      'Envoy access log (custom)',
      (line) => (read(line) === null ? 0 : 2),
      (line) => {
        const found = read(line);
        if (found === null) return null;
        return findingOfExchange(found.exchange, { isIstio: directionOf(found.exchange) !== null, form: 'custom' });
      },
    ),
  );
}

function partsOf(format: string): readonly FormatPart[] {
  const parts: FormatPart[] = [];
  let at = 0;
  for (const { 0: whole, 1: name = '', index } of format.matchAll(operator)) {
    if (index > at) parts.push(format.slice(at, index));
    const [field = null, form = null] = envoyOperators[keyOf(name)] ?? [];
    parts.push({ name: field, form });
    at = index + whole.length;
  }
  return at < format.length ? [...parts, format.slice(at)] : parts;
}

/** Names of headers are in any case. Only those of headers have parentheses that matter here. */
function keyOf(name: string): string {
  return /^RE(?:Q|SP)\(/.test(name) ? name.toUpperCase() : name.replace(/\(.*$/, '');
}

/** "[2026-05-21 09:58:05.456][12][warning][upstream] [source/...] text": Envoy's log about itself. */
const ownLog =
  /^\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3})\]\[\d{1,9}\]\[(?:trace|debug|info|warning|error|critical)\]\[/;

/** Reads lines about Envoy itself, a health check or an ejection, none of which concerns one request. Null for any other line. */
function readEnvoyEvent(line: string): Finding | null {
  const own = ownLog.exec(line);
  if (own !== null) return event({ atMs: isoTimeMs(`${own[1] ?? ''}Z`), upstream: null, evidence: [], sentence: '' });
  if (!line.startsWith('{') || !(line.includes('"cluster_name"') || line.includes('"clusterName"'))) return null;
  const object = jsonLine(line);
  return object === null ? null : (healthEvent(object) ?? ejection(object));
}

interface EventWords {
  readonly atMs: number | null;
  readonly upstream: string | null;
  readonly evidence: readonly string[];
  readonly sentence: string;
}

function event({ sentence, ...facts }: EventWords): Finding {
  return findingOf(
    { gateway: 'envoy', format: 'Envoy events', kind: 'event', ...facts },
    { ...harmlessVerdict, sentence },
  );
}

const healthWords: readonly (readonly [key: string, words: string])[] = [
  ['eject_unhealthy_event', 'failed its health checks and gets no more requests'],
  ['add_healthy_event', 'passes its health checks again'],
  ['health_check_failure_event', 'failed a health check'],
  ['successful_health_check_event', 'passed a health check'],
  ['degraded_healthy_host', 'calls itself degraded'],
  ['no_longer_degraded_host', 'no longer reports itself as degraded'],
];

function clusterOf(object: JsonLine): string | null {
  return jsonText(object['cluster_name']) ?? jsonText(object['clusterName']);
}

function healthEvent(object: JsonLine): Finding | null {
  if (object['health_checker_type'] === undefined) return null;
  const found = healthWords.find(([key]) => object[key] !== undefined);
  const upstream = endpointOf(jsonObject(jsonObject(object['host'])?.['socket_address'])) ?? clusterOf(object);
  const atMs = isoTimeMs(object['timestamp']);
  if (found === undefined) return event({ atMs, upstream, evidence: [], sentence: '' });
  return event({ atMs, upstream, evidence: [found[0]], sentence: `${upstream ?? 'A host'} ${found[1]}.` });
}

function endpointOf(address: JsonLine | null): string | null {
  const host = jsonText(address?.['address']);
  const port = jsonNumber(address?.['port_value']);
  return host === null || port === null ? null : `${host}:${port}`;
}

/** Outlier detection: Envoy ejects a host for a while because of the results of its requests. */
function ejection(object: JsonLine): Finding | null {
  const action = jsonText(object['action']);
  const upstream = jsonText(object['upstream_url']) ?? jsonText(object['upstreamUrl']);
  if (action === null || upstream === null || !/^(?:UN)?EJECT$/.test(action)) return null;
  const type = jsonText(object['type']) ?? '';
  const how = action === 'EJECT' ? 'was ejected' : 'gets requests again';
  const atMs = isoTimeMs(object['timestamp']);
  return event({
    atMs,
    upstream,
    evidence: [action, type].filter((word) => word !== ''),
    sentence: `${upstream} ${how}.`,
  });
}

interface Origin {
  readonly isIstio: boolean;
  readonly form: 'default' | 'text' | 'JSON' | 'named fields' | 'custom';
}

function findingOfExchange(exchange: EnvoyExchange, { isIstio, form }: Origin): Finding {
  const { verdict, by } = judge(exchange);
  return findingOf(
    {
      gateway: isIstio ? 'istio' : 'envoy',
      format: `${isIstio ? 'Istio' : 'Envoy'} access log (${form})`,
      kind: 'access',
      atMs: exchange.atMs,
      status: exchange.code === 0 ? null : exchange.code,
      upstream: exchange.host ?? exchange.cluster,
      request: exchange.request,
      durationMs: exchange.durationMs,
      evidence: verdict.shape === 'none' ? [] : evidenceOf(exchange, by),
      // Two sidecars write one line each about the same request, with the same id.
      joins: verdict.shape === 'none' ? null : exchange.requestId,
    },
    verdict,
  );
}

function evidenceOf(exchange: EnvoyExchange, by: 'details' | 'flags' | 'code'): readonly string[] {
  const { flagsText, details, reason, cluster, serviceTimeMs, code } = exchange;
  const evidence: string[] = [];
  if (flagsText !== null && (flagsText !== '-' || by !== 'details')) evidence.push(`flags=${flagsText}`);
  if (details !== null) evidence.push(details.slice(0, 240));
  if (reason !== null && !(details ?? '').includes(reason)) evidence.push(reason.slice(0, 240));
  if (by === 'code' && serviceTimeMs !== null) evidence.push(`x-envoy-upstream-service-time=${serviceTimeMs}`);
  if (by === 'code' && code !== null) evidence.push(`code=${code}`);
  if (cluster !== null && directionOf(exchange) !== null) evidence.push(cluster.slice(0, 200));
  return evidence;
}

const text = dialect(
  'envoy',
  'Envoy access log',
  (line) => (/^(?:ACCESS )?\[/.test(line) && textLine(judgedText(line)) !== null ? 2 : 0),
  (line) => {
    const read = textLine(judgedText(line));
    if (read === null) return null;
    return findingOfExchange(read.exchange, { isIstio: read.isIstio, form: read.isIstio ? 'text' : 'default' });
  },
);

/** JSON without any of these words is not Envoy's, and is not parsed. */
const hint = /flags|via_upstream|upstream_|route_not_found|"U[A-Z]{1,4}[",]/i;

const json = dialect(
  'envoy',
  'Envoy access log (JSON)',
  (line) => {
    if (!line.startsWith('{') || !hint.test(line)) return 0;
    const object = jsonLine(judgedText(line));
    return object === null ? 0 : (jsonExchange(object)?.certainty ?? 0);
  },
  (line) => {
    const object = jsonLine(judgedText(line));
    const read = object === null ? null : jsonExchange(object);
    if (read === null) return null;
    const isIstio = directionOf(read.exchange) !== null;
    return findingOfExchange(read.exchange, { isIstio, form: 'JSON' });
  },
);

const labelled = dialect(
  'envoy',
  'Envoy access log (named fields)',
  (line) => (line.startsWith('{') ? 0 : (labelledExchange(judgedText(line))?.certainty ?? 0)),
  (line) => {
    const read = labelledExchange(judgedText(line));
    if (read === null) return null;
    return findingOfExchange(read.exchange, { isIstio: directionOf(read.exchange) !== null, form: 'named fields' });
  },
);

const events = dialect(
  'envoy',
  'Envoy events',
  (line) => (/^[[{]/.test(line) && readEnvoyEvent(judgedText(line)) !== null ? 2 : 0),
  (line) => readEnvoyEvent(judgedText(line)),
);

/** Envoy's default access log, Istio's (older and newer), either as JSON or text of any keys; events of health and ejection. */
export const envoyDialects: readonly Dialect[] = [text, json, labelled, ztunnel, events];

/** A name for the flags and what may be one: `flags=UF`, `response_flag: UT`. Other lines are not taken apart. */
const named =
  /(?:^|[\s,;|])"?(?:(?:envoy_)?resp(?:onse)?_?)?flags?(?:_long|_short)?"?(?:=|: ?)"?(?:-|[A-Z]{2,6}|[A-Z][a-z]+[A-Z])/;
/** Names stand from the beginning on, after a time and a level at most. */
const beginning = /^(?:\[[^\]"]{1,60}\] {1,4}|[^\s"=,]{1,60} {1,4}){0,3}[A-Za-z][\w.-]{0,63}[=:]/;
const ofUpstream = /upstream|response_code|cluster|(?:^|[\s,;|])(?:code|status|response_?code)(?:=|:)/i;

/** The text formats in which operators name Envoy's fields: `code=503 flags=UF`, with colons, or with tabs between. */
function labelledExchange(line: string): JsonExchange | null {
  if (!beginning.test(line) || line.includes('{"') || !named.test(line) || !ofUpstream.test(line)) return null;
  const found = jsonExchange(fieldsOf(line));
  return found === null || found.exchange.flags === null ? null : { ...found, certainty: 2 };
}

function fieldsOf(line: string): JsonLine {
  const isOfColons = !/\w=\S/.test(line);
  const text = line.includes('\t') ? line.replaceAll('\t', ' ') : line;
  return Object.fromEntries(parseLogfmt(isOfColons ? withEquals(text) : text));
}

/** `status: 503 flags: UF` as `status=503 flags=UF`. Colons within a value stay. */
function withEquals(text: string): string {
  return text.replace(/(^|[\s,;|])"?([A-Za-z][\w.-]{0,63})"?: ?(?=\S)/g, '$1$2=').replace(/,(?= |$)/g, '');
}
