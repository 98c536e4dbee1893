import { type Dialect, dialect } from '../dialect.ts';
import type { Finding, GatewayProduct } from '../finding.ts';
import { readGoError } from '../go-errors.ts';
import { isoTimeMs, jsonLine, jsonNumber, jsonText, statusOf } from '../json-fields.ts';
import { judgedText } from '../line-text.ts';
import { type Reason, type ReasonSource, verdictOfReason } from '../reason-log/reason-log.ts';
import { findingOf, type Verdict, fixOf, harmlessVerdict } from '../verdict.ts';

const format = 'kamal-proxy log';
const source = { name: 'kamal-proxy', born: 'reverse-proxy' } as const;

/** The messages of kamal-proxy, whose lines have the form that Go's `log/slog` gives those of many programs. */
const own =
  /"msg":"(?:Error while proxying|Unable to proxy|Request|Healthcheck (?:failed|succeeded)|Target (?:health|became)[^"]*|Draining|Deploy(?:ed|ing)[^"]*)"/;

function recognise(line: string): 0 | 2 {
  if (!line.startsWith('{"time":"') || !own.test(line)) return 0;
  return line.includes('"target":"') || line.includes('"service":"') ? 2 : 0;
}

const health = fixOf(
  'Start the application, and check that it listens on the port that kamal-proxy forwards to',
  'proxy:\n  app_port: 3000',
);

function read(text: string): Finding | null {
  const line = judgedText(text);
  const fields = recognise(line) === 0 ? null : jsonLine(line);
  if (fields === null) return null;
  const [path, method, error] = [jsonText(fields.path), jsonText(fields.method), jsonText(fields.error)];
  const facts = {
    gateway: 'kamal-proxy',
    format,
    atMs: isoTimeMs(fields.time),
    upstream: jsonText(fields.target),
    request: path === null ? null : `${method ?? 'GET'} ${path}`,
    joins: jsonText(fields.request_id),
  } as const;
  if (fields.msg === 'Request') {
    const status = statusOf(fields.status);
    const reason = status === 499 ? 'client_left' : status !== null && status >= 500 ? 'unknown' : 'none';
    const durationMs = (jsonNumber(fields.duration) ?? 0) / 1e6;
    const evidence = reason === 'none' ? [] : [`status=${status}`];
    return findingOf({ ...facts, kind: 'access', status, durationMs, evidence }, verdictOfReason(reason, source));
  }
  if (error === null || !/proxy/.test(String(fields.msg)))
    return findingOf({ ...facts, kind: 'event' }, harmlessVerdict);
  const known = readGoError(error);
  const evidence = [error.slice(0, 240)];
  if (known === null) return findingOf({ ...facts, kind: 'error', evidence }, verdictOfReason('unknown', source));
  const { shape, type, stage, born, whose, sentence } = known;
  const fix = shape === 'client_abort' ? null : health;
  return findingOf({ ...facts, kind: 'error', evidence }, { shape, type, stage, born, whose, sentence, fix });
}

/** The proxy of Kamal, Basecamp's tool for deployments. */
export const kamalProxyDialects: readonly Dialect[] = [dialect('kamal-proxy', format, recognise, read)];

/** `httputil.ReverseProxy` of Go, with which oauth2-proxy and many small gateways are built. */
const goProxy: MessageLog = {
  gateway: 'go-proxy',
  name: 'the proxy',
  born: 'reverse-proxy',
  format: 'log of a reverse proxy in Go',
  head: /^(?:(?<time>\d{4}[/-]\d\d[/-]\d\d[ T]\d\d:\d\d:\d\d\S{0,10}) |\[[^\]]{1,40}\] )?(?:\[[\w./:-]{1,60}\] )?(?=http: proxy error: |httputil: ReverseProxy |(?:vulcand\/)?oxy\/forward\S{0,20} Error forwarding)/,
  messages: [
    [/^http: proxy error: .{1,4000}|read error during body copy: .{1,4000}|Error forwarding to .{1,4000}/, 'go'],
  ],
};

/** lighttpd's mod_proxy, mod_fastcgi and mod_scgi share these messages (gw_backend.c). */
const lighttpd: MessageLog = {
  gateway: 'lighttpd',
  name: 'lighttpd',
  born: 'reverse-proxy',
  format: 'lighttpd error log',
  head: /^(?:(?<time>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d): )?\((?:gw_backend|mod_\w{2,30}|server|connections|response|network|http-header-glue)\.c\.\d{1,5}\) /,
  messages: [
    [
      /establishing connection failed: .{0,40}socket: (?<upstream>\S{1,200}?): (?:Connection refused|No such file or directory)/,
      'connection_refused',
    ],
    [/establishing connection failed: (?:Connection refused|No such file)/, 'connection_refused'],
    [/establishing connection failed.{0,300}(?:No route to host|unreachable)/, 'destination_ip_unroutable'],
    [/establishing connection failed.{0,300}timed out|connect timeout/i, 'connection_timeout'],
    [/establishing connection failed/, 'unreachable'],
    [/response not received, request sent: .{0,400}|unexpected end-of-file .{0,200}/, 'connection_terminated'],
    [/(?:read|write) timeout on socket/, 'connection_read_timeout'],
    [/all handlers for \S{1,300} (?:on \S{1,60} )?are down/, 'destination_unavailable'],
    [/backend is overloaded; we'll disable it/, 'connection_limit_reached'],
  ],
};

/** Linkerd's proxy, in its plain format. */
const linkerd: MessageLog = {
  gateway: 'linkerd',
  name: 'Linkerd',
  born: 'reverse-proxy',
  format: 'Linkerd proxy log',
  head: /^\[ {0,6}[\d.]{1,14}s\] {1,4}(?:ERROR|WARN|INFO|DEBUG) ThreadId\(\d{1,6}\) (?=.{0,300}linkerd)/,
  messages: [
    [/Failed to connect .{0,200}|Connection refused \(os error 111\)/, 'connection_refused'],
    [/fail-fast|[Ss]ervice unavailable/, 'destination_unavailable'],
    [/connect timed out|connection timed out/i, 'connection_timeout'],
    [/connection closed before message completed|Connection reset by peer/, 'connection_terminated'],
    [/(?:request|response) timed out|response-headers timeout|deadline/, 'http_response_timeout'],
  ],
};

export const messageDialects: readonly Dialect[] = [goProxy, lighttpd, linkerd].map(messageDialect);

/** A log of sentences. Such a gateway is data: the beginning of its lines, and what the sentences mean. */
interface MessageLog extends ReasonSource {
  readonly gateway: GatewayProduct;
  readonly format: string;
  /** What is before the message; `time` is its group for an ISO time. The line is certain to be of this gateway. */
  readonly head: RegExp;
  /** The first match counts; `upstream` and `request` are groups. A message without a match is an event. */
  readonly messages: readonly (readonly [words: RegExp, reason: Reason | 'go'])[];
}

/** Longer lines are no messages. */
const messageCharactersMax = 8192;

function messageDialect(log: MessageLog): Dialect {
  const isOne = (line: string): boolean => log.head.test(line.slice(0, 300));
  return dialect(
    log.gateway,
    log.format,
    (line) => (isOne(line) ? 2 : 0),
    (line) => readMessage(log, line),
  );
}

function readMessage(log: MessageLog, line: string): Finding | null {
  const text = judgedText(line).slice(0, messageCharactersMax);
  const head = log.head.exec(text.slice(0, 300));
  if (head === null) return null;
  const said = text.slice(head.index + head[0].length);
  const { gateway, format } = log;
  const atMs = isoTimeMs(head.groups?.time);
  for (const [words, reason] of log.messages) {
    const found = words.exec(said);
    if (found === null) continue;
    const { upstream = null, request = null } = found.groups ?? {};
    const facts = {
      gateway,
      format,
      kind: 'error',
      atMs,
      upstream,
      request,
      evidence: [found[0].slice(0, 240)],
    } as const;
    if (reason !== 'go') return findingOf(facts, verdictOfReason(reason, log));
    const { verdict, endpoint } = ofGo(said, log);
    return findingOf({ ...facts, upstream: upstream ?? endpoint, evidence: [said.slice(0, 240)] }, verdict);
  }
  return findingOf({ gateway, format, kind: 'event', atMs }, verdictOfReason('none', log));
}

function ofGo(said: string, log: MessageLog): { readonly verdict: Verdict; readonly endpoint: string | null } {
  const known = readGoError(said);
  if (known === null) return { verdict: verdictOfReason('unknown', log), endpoint: null };
  const { shape, type, stage, born, whose, sentence, endpoint } = known;
  const usual = type === null || shape === 'client_abort' ? null : verdictOfReason(type, log).fix;
  return { verdict: { shape, type, stage, born, whose, sentence, fix: usual }, endpoint };
}
