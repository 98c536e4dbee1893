import type { Finding, LineKind, Fix } from '../finding.ts';
import { type GoError, readGoError, readGoErrorInContent } from '../go-errors.ts';
import { jsonNumber, jsonText, isoTimeMs, type JsonLine, jsonLine, jsonObject } from '../json-fields.ts';
import { requestOf } from '../line-text.ts';
import { findingOf, type Verdict, harmlessVerdict, fixOf } from '../verdict.ts';
import type { GoCause } from '../go-causes.ts';

const proxied = (...lines: string[]): string[] => [
  'reverse_proxy app:8080 {',
  ...lines.map((line) => `\t${line}`),
  '}',
];
const transported = (...lines: string[]): string[] =>
  proxied('transport http {', ...lines.map((line) => `\t${line}`), '}');

const address = fixOf(
  'Start the application, or correct the address and the port in `reverse_proxy`; `localhost` may mean `[::1]`, and in a container it means the container itself.',
  'reverse_proxy 127.0.0.1:8080',
);
const network = fixOf(
  'Correct the address in `reverse_proxy`, and check the network between Caddy and it (routes, firewall, the containers’ network).',
);
const answer = fixOf('Read the application’s log at that time: the application closed the connection.');
const content = fixOf('Correct the response in the application: `curl -iv` directly to it shows the response.');
const certificate = fixOf(
  'Have Caddy trust the authority that signed the application’s certificate, and connect with the name in the certificate (before version 2.8 the directive is `tls_trusted_ca_certs`).',
  ...transported('tls', 'tls_trust_pool file /etc/caddy/app-ca.pem', 'tls_server_name app.internal'),
);
const plain = fixOf(
  'Remove `https://` (or `tls` in `transport http`), or use the port at which the application speaks TLS.',
  'reverse_proxy http://app:8080',
);
const version = fixOf(
  'Set the version of HTTP that the application speaks: `h2c` for HTTP/2 without TLS, otherwise `1.1`.',
  ...transported('versions 1.1'),
);
const names = fixOf('Correct the name in `reverse_proxy`, or add it to the name server that Caddy uses.');

/** What to do in Caddy, or beside it, about each cause. */
export const caddyFixes: Readonly<Record<GoCause, Fix>> = {
  refused: address,
  socket_refused: fixOf('Start the application; the socket’s file is left over from an earlier run.'),
  socket_missing: fixOf(
    'Start the application, or correct the path of its socket in `reverse_proxy`.',
    'reverse_proxy unix//run/app.sock',
  ),
  backlog_full: fixOf('Give the application more workers, or a longer queue of connections (its listen backlog).'),
  not_permitted: fixOf(
    'Allow the user that Caddy runs as to use the socket or the port: its mode, its group, SELinux.',
  ),
  connect_reset: network,
  unroutable: network,
  connect_timeout: fixOf(
    'Correct the address, since nothing answers there, or check firewalls and container networks. `dial_timeout` is 3 s by default.',
    ...transported('dial_timeout 3s'),
  ),
  tls_timeout: fixOf(
    'Find out why the application does not finish its handshake; `tls_timeout` sets how long Caddy waits.',
    ...transported('tls_timeout 10s'),
  ),
  ports_spent: fixOf('Keep connections alive, or widen the range of ports.', 'sysctl net.ipv4.ip_local_port_range'),
  descriptors_spent: fixOf('Raise the number of files that Caddy may open.', '[Service]', 'LimitNOFILE=1048576'),
  name_not_found: names,
  name_server_failed: names,
  name_server_silent: names,
  bad_address: fixOf('Write the upstream as host and port.', 'reverse_proxy app:8080'),
  certificate,
  tls_alert: fixOf(
    'Send the server name that the application expects, and a client certificate if it requires one.',
    ...transported('tls_server_name app.internal'),
  ),
  tls_plain_peer: plain,
  tls_protocol: certificate,
  head_timeout: fixOf(
    'Make the application answer sooner, or raise `response_header_timeout`.',
    ...transported('response_header_timeout 60s'),
  ),
  read_timeout: fixOf(
    'Make the application answer sooner, or raise `read_timeout`.',
    ...transported('read_timeout 60s'),
  ),
  write_timeout: fixOf(
    'Find out why the application does not read the request, or raise `write_timeout`.',
    ...transported('write_timeout 60s'),
  ),
  closed: fixOf(
    'Check whether the application stopped or crashed at that time. If it answers all other requests, it closes idle connections sooner than Caddy does: set `keepalive` below the application’s keep-alive (Node’s is 5 s).',
    ...transported('keepalive 4s'),
  ),
  reset: answer,
  send_failed: answer,
  content_cut: answer,
  not_http: fixOf('Correct the port: the program that listens there does not speak HTTP.', 'reverse_proxy app:8080'),
  tls_peer: fixOf('Use TLS for this upstream.', 'reverse_proxy https://app:8443'),
  http2_peer: version,
  bad_head: content,
  head_too_large: fixOf(
    'Have the application send smaller headers (cookies, most often), or raise `max_response_header`.',
    ...transported('max_response_header 1MB'),
  ),
  bad_coding: content,
  upgrade_mismatch: content,
  http2_broken: version,
  no_upstreams: fixOf(
    'Read the lines before this one: they show why the upstreams are considered down. Fix that, or the health check.',
  ),
  request_too_large: fixOf(
    'Raise the limit, if such requests should be allowed.',
    'request_body {',
    '\tmax_size 50MB',
    '}',
  ),
  client_left: fixOf(
    'There is nothing to do, unless it happens often: then the responses come too late for the clients.',
  ),
  client_tls: fixOf('There is nothing to do: scanners and closed browser tabs do this.'),
};

/** The access log has only the status; the cause is in a line of another logger, at the level ERROR. */
export const readErrorLog = fixOf(
  'Read Caddy’s own log at that time: the line of the logger `http.log.error` has the cause. If there is none, configure a log for it; `debug` in the global options also logs the upstream of every attempt.',
  '{',
  '\tdebug',
  '\tlog default {',
  '\t\tlevel DEBUG',
  '\t}',
  '}',
);

/** A line of Caddy's log, in the format of any of its encoders. */
export interface CaddyLine {
  readonly encoder: 'json' | 'console';
  readonly level: string;
  /** "http.log.error", "http.log.access.log0"; empty if it has none. */
  readonly logger: string;
  readonly text: string;
  readonly atMs: number | null;
  readonly fields: JsonLine;
}

/** Loggers that Caddy has and other programs with the same logging library do not. */
const ownLoggers = /^(?:http|tls|admin|pki|caddy|layer4|docker-proxy)(?:\.|$)/;
const levels: ReadonlySet<string> = new Set(['debug', 'info', 'warn', 'error', 'panic', 'fatal']);

/** Null for a line that this library did not write. */
export function caddyLine(line: string): CaddyLine | null {
  return line.startsWith('{') ? ofJson(line) : ofConsole(line);
}

/** What Caddy writes without a logger's name: about its configuration, its start and its end. */
const ownMessages =
  /^(?:using (?:config from file|adjacent Caddyfile|provided configuration)|adapted config to JSON|serving initial configuration|autosaved config|shutting down|exiting; byeee|shutdown complete|config is unchanged|Caddyfile input is not formatted|redirected default logger|failed to sufficiently increase receive buffer size|GOM(?:AXPROCS|EMLIMIT) is updated|maxprocs: |watcher|started background certificate maintenance|\[(?:ERROR|WARNING|INFO)\] |http: TLS handshake error|aborting with incomplete response|reading from backend|upstream roundtrip)/;

/** 2: Caddy wrote it. 1: its message is Caddy's, without a logger. Other programs use the same library. */
export function certaintyOf(line: CaddyLine | null): 0 | 1 | 2 {
  if (line === null) return 0;
  if (ownLoggers.test(line.logger) || ('err_trace' in line.fields && 'err_id' in line.fields)) return 2;
  if (line.text === 'handled request' && 'resp_headers' in line.fields) return 2;
  return line.logger === '' && ownMessages.test(line.text) ? 1 : 0;
}

function ofJson(line: string): CaddyLine | null {
  const fields = jsonLine(line);
  if (fields === null) return null;
  const level = jsonText(fields['level'])?.toLowerCase() ?? '';
  const text = jsonText(fields['msg']);
  if (text === null || !levels.has(level) || fields['ts'] === undefined) return null;
  const logger = jsonText(fields['logger']) ?? '';
  return { encoder: 'json', level, logger, text, atMs: timeOf(fields['ts']), fields };
}

/** Seconds since the epoch, or one of the forms that `time_format` allows. */
function timeOf(ts: unknown): number | null {
  const seconds = jsonNumber(ts);
  if (seconds !== null) return Math.round(seconds > 1e11 ? seconds : seconds * 1000);
  return typeof ts === 'string' ? wallTimeMs(ts) : null;
}

function wallTimeMs(text: string): number | null {
  return isoTimeMs(/^\d{4}\/\d\d\/\d\d /.test(text) ? `${text.replace('/', '-').replace('/', '-')}Z` : text);
}

const consoleHead =
  /^(\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d(?:\.\d{1,9})?|\d{4}-\d\d-\d\dT[\d:.+Z-]{8,24}|\d(?:\.\d{1,18})?e\+\d\d|\d{10}(?:\.\d{1,9})?)[\t ]+(DEBUG|INFO|WARN|ERROR|PANIC|FATAL|debug|info|warn|error|panic|fatal)[\t ]+/;

function ofConsole(coloured: string): CaddyLine | null {
  if (!/^(?:\d{4}[/-]\d\d|\d[.e]|\d{10}|\x1b)/.test(coloured)) return null;
  const line = coloured.includes('\x1b') ? coloured.replace(/\x1b\[[\d;]{0,12}m/g, '') : coloured;
  const head = consoleHead.exec(line);
  if (head === null) return null;
  const [whole, time = '', level = ''] = head;
  const rest = line.slice(whole.length);
  const { before, fields } = splitFields(rest);
  const { logger, text } = splitLogger(before);
  return { encoder: 'console', level: level.toLowerCase(), logger, text, atMs: consoleTimeMs(time), fields };
}

function consoleTimeMs(time: string): number | null {
  return /^\d(?:\.\d+)?e|^\d{10}/.test(time) ? Math.round(Number(time) * 1000) : wallTimeMs(time);
}

/** The fields are one JSON object at the end of the line; the text before it may contain a brace too. */
function splitFields(rest: string): { before: string; fields: JsonLine } {
  const tab = rest.lastIndexOf('\t{"');
  const at = tab >= 0 ? tab : rest.search(/[\t ]\{"/);
  const fields = at < 0 ? null : jsonLine(rest.slice(at + 1).trim());
  return fields === null ? { before: rest.trim(), fields: {} } : { before: rest.slice(0, at).trim(), fields };
}

function splitLogger(text: string): { logger: string; text: string } {
  const end = text.search(/[\t ]/);
  const first = end < 0 ? '' : text.slice(0, end);
  const isLogger = /^[a-z0-9_.-]{2,80}$/.test(first) && (text[end] === '\t' || ownLoggers.test(first));
  return isLogger ? { logger: first, text: text.slice(end).trim() } : { logger: '', text };
}

/** The request that a line concerns; null if it names none. */
interface CaddyRequest {
  readonly method: string;
  readonly uri: string;
  /** The client's address and port: the same in every line about one request. */
  readonly from: string;
}

export function requestOfCaddy(fields: JsonLine): CaddyRequest | null {
  const request = jsonObject(fields['request']);
  if (request === null) return null;
  const port = jsonText(request['remote_port']);
  const from = jsonText(request['remote_addr']) ?? `${jsonText(request['remote_ip']) ?? ''}:${port ?? ''}`;
  return { method: jsonText(request['method']) ?? '', uri: jsonText(request['uri']) ?? '', from };
}

/** Milliseconds, from a number of seconds (the default) or a text such as "1.5s" or "20ms". */
export function caddyDurationMs(value: unknown): number | null {
  const seconds = jsonNumber(value);
  if (seconds !== null) return seconds < 0 ? null : seconds * 1000;
  const match = typeof value === 'string' ? /^(\d{1,9}(?:\.\d{1,9})?)(ns|us|µs|ms|s)$/.exec(value) : null;
  if (match === null) return null;
  const unitMs = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000 }[match[2] ?? ''] ?? 1;
  return Number(match[1]) * unitMs;
}

/** A line of any logger other than the access logger: a failed request, a health check, or a message about Caddy itself. */
export function readRuntimeLine(line: CaddyLine): Finding {
  const inner = jsonText(line.fields['error']) ?? '';
  if (line.logger.startsWith('http.log.error')) return failed(line, verdictOfError(line), line.text);
  if (line.text === 'aborting with incomplete response' || line.text === 'reading from backend')
    return brokenOff(line, inner);
  if (line.text === 'upstream roundtrip' && inner !== '') return failed(line, verdictOfGo(readGoError(inner)), inner);
  if (line.text.includes('http: TLS handshake error from'))
    return failed(line, verdictOfGo(readGoError(line.text)), line.text);
  return event(line, inner);
}

function factsOf(line: CaddyLine, kind: LineKind) {
  const request = requestOfCaddy(line.fields);
  return {
    gateway: 'caddy' as const,
    format: `Caddy log (${line.encoder})`,
    kind,
    atMs: line.atMs,
    status: jsonNumber(line.fields['status']),
    upstream: jsonText(line.fields['upstream']),
    request: request === null ? null : requestOf(`${request.method} ${request.uri}`),
    durationMs: caddyDurationMs(line.fields['duration']),
    joins: request === null ? null : `${request.from} ${request.uri}`,
  };
}

interface Judged {
  readonly verdict: Verdict;
  readonly endpoint: string | null;
}

function failed(line: CaddyLine, { verdict, endpoint }: Judged, text: string): Finding {
  const facts = factsOf(line, 'error');
  const evidence = [text.slice(0, 240), ...traceOf(line)];
  return findingOf({ ...facts, upstream: facts.upstream ?? endpoint, evidence }, verdict);
}

/** The part of Caddy that failed: "reverseproxy.statusError" for a failed attempt. */
function traceOf(line: CaddyLine): readonly string[] {
  const trace = jsonText(line.fields['err_trace']);
  return trace === null ? [] : [`err_trace=${trace.slice(0, 120)}`];
}

function verdictOfGo(known: GoError | null): Judged {
  if (known === null) return { verdict: unknownError, endpoint: null };
  const { shape, type, stage, born, whose, sentence, cause, endpoint } = known;
  const isConsequence = cause === 'no_upstreams';
  return { verdict: { shape, type, stage, born, whose, sentence, fix: caddyFixes[cause], isConsequence }, endpoint };
}

const unknownError: Verdict = {
  ...harmlessVerdict,
  shape: 'unknown',
  born: 'reverse-proxy',
  sentence: 'Caddy could not answer this request, for a reason that Candor does not know.',
  fix: readErrorLog,
};

function verdictOfError(line: CaddyLine): Judged {
  const status = jsonNumber(line.fields['status']);
  const trace = jsonText(line.fields['err_trace']) ?? '';
  const isProxy = trace === '' || /^(?:reverseproxy|fastcgi)\./.test(trace);
  if (isProxy) return verdictOfProxyError(line.text, status);
  const known = readGoError(line.text);
  if (known?.shape === 'client_abort') return verdictOfGo(known);
  if (status !== null && status < 500) return { verdict: harmlessVerdict, endpoint: null };
  return { verdict: ownVerdict(trace), endpoint: null };
}

function verdictOfProxyError(text: string, status: number | null): Judged {
  const known = verdictOfGo(readGoError(text));
  if (known.verdict !== unknownError || status === null || status >= 500) return known;
  return { verdict: harmlessVerdict, endpoint: null };
}

/** A part of Caddy other than the reverse proxy: the request was never on its way to an application. */
function ownVerdict(trace: string): Verdict {
  const isMeant = trace.startsWith('caddyhttp.StaticError');
  return {
    shape: 'refused_by_gateway',
    type: isMeant ? 'proxy_internal_response' : 'proxy_internal_error',
    stage: 'route',
    born: 'reverse-proxy',
    whose: isMeant ? 'operator' : 'gateway',
    sentence: isMeant
      ? 'The configuration of Caddy has an `error` directive for such requests.'
      : 'A part of Caddy itself failed; no application was contacted.',
    fix: {
      text: isMeant
        ? 'Remove the directive `error`, or narrow its matcher, if the request should be allowed.'
        : 'Read the message: it names the file or the directive that failed.',
      snippet: null,
    },
  };
}

/**
 * The response had begun. Newer versions name the side that broke: "reading" is the application's, unless the request
 * was cancelled, and "writing" the client's.
 */
function brokenOff(line: CaddyLine, inner: string): Finding {
  const known = readGoErrorInContent(inner);
  const isWriting = /^writing: |\bwrite tcp /.test(inner) || inner.includes('http2: stream closed');
  const judged = isWriting && known?.shape !== 'client_abort' ? clientLeft : verdictOfGo(known);
  const finding = failed(line, judged, inner === '' ? line.text : `${line.text}: ${inner}`);
  return { ...finding, isConsequence: isRepeated(line, inner, isWriting) };
}

/** Up to version 2.6 a line "reading from backend" comes first; newer versions write one line with "reading:". */
function isRepeated(line: CaddyLine, inner: string, isWriting: boolean): boolean {
  const isLast = line.text === 'aborting with incomplete response';
  return isLast && !isWriting && inner !== 'context canceled' && !/^(?:reading|writing): /.test(inner);
}

const clientLeft: Judged = verdictOfGo(readGoError('context canceled'));

const healthTexts: ReadonlyMap<string, string> = new Map([
  ['HTTP request failed', 'A health check could not be sent'],
  ['active health check failed', 'A health check could not be made'],
  ['unexpected status code', 'A health check returned an unexpected status'],
  ['status code out of tolerances', 'A health check returned a status other than success'],
  ['response body failed expectations', 'A health check returned an unexpected body'],
  ['failed to read response body', 'The body of a health check could not be read'],
  ['host is up', 'A health check succeeded again'],
  ['host is down', 'A host is counted as down'],
]);

function event(line: CaddyLine, inner: string): Finding {
  const health = healthTexts.get(line.text);
  const upstream =
    jsonText(line.fields['host']) ?? jsonText(line.fields['address']) ?? jsonText(line.fields['upstream']);
  const facts = { ...factsOf(line, 'event'), joins: null };
  if (health === undefined) return findingOf(facts, harmlessVerdict);
  const evidence = [inner === '' ? line.text : `${line.text}: ${inner.slice(0, 200)}`];
  const sentence = upstream === null ? `${health}.` : `${health}: ${upstream}.`;
  return findingOf({ ...facts, upstream, evidence }, { ...harmlessVerdict, sentence });
}
