import { isoTimeMs, type JsonLine, jsonLine, jsonNumber, jsonObject, jsonText } from '../json-fields.ts';

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
