import type { NginxProduct } from './verdict.ts';
import { requestOf, commonLogTimeMs } from '../line-text.ts';
import { isoTimeMs } from '../json-fields.ts';

/** The facts of an access log, each by the name of its nginx variable. */
export const knownVariables = [
  'status',
  'request',
  'request_method',
  'request_uri',
  'uri',
  'server_protocol',
  'request_time',
  'time_local',
  'time_iso8601',
  'msec',
  'connection',
  'request_id',
  'proxy_upstream_name',
  'upstream_addr',
  'upstream_status',
  'upstream_connect_time',
  'upstream_header_time',
  'upstream_response_time',
  'upstream_response_length',
  'upstream_bytes_received',
  'upstream_bytes_sent',
] as const;

export type Variable = (typeof knownVariables)[number];

/** The values of one line, unchanged; a variable that the format does not have is missing. */
export type Values = ReadonlyMap<Variable, string>;

const list = (item: string): RegExp => new RegExp(`^(?:${item})?(?:(?:, | : )(?:${item})){0,63}$`);

const forms: Readonly<Partial<Record<Variable, RegExp>>> = {
  status: /^(?:\d{3}|0)$/,
  request_time: /^(?:\d{1,9}(?:\.\d{1,6})?|-?)$/,
  connection: /^\d{1,20}$/,
  msec: /^\d{9,13}(?:\.\d{1,6})?$/,
  upstream_addr: list('[^\\s,"{}]{1,300}'),
  upstream_status: list('\\d{3}|-'),
  upstream_connect_time: list('\\d{1,9}(?:\\.\\d{1,6})?|-'),
  upstream_header_time: list('\\d{1,9}(?:\\.\\d{1,6})?|-'),
  upstream_response_time: list('\\d{1,9}(?:\\.\\d{1,6})?|-'),
  upstream_response_length: list('\\d{1,19}|-'),
  upstream_bytes_received: list('\\d{1,19}|-'),
  upstream_bytes_sent: list('\\d{1,19}|-'),
};

/** Whether the text can be a value of the variable: another program may use the same field name for something else. */
export function canBe(name: Variable, value: string): boolean {
  return value.length < 8192 && (forms[name]?.test(value) ?? true);
}

/** The facts of one exchange. */
export interface AccessFields {
  readonly product: NginxProduct;
  readonly format: string;
  readonly status: number | null;
  readonly request: string | null;
  /** The request line, if the format has it. */
  readonly requestLine: string | null;
  readonly atMs: number | null;
  readonly durationMs: number | null;
  readonly joins: string | null;
  readonly pool: string | null;
  readonly values: Values;
}

export function fieldsOf(product: NginxProduct, format: string, values: Values): AccessFields {
  const status = values.get('status');
  const requestLine = values.get('request') ?? null;
  const seconds = values.get('request_time');
  const at = values.get('time_local') ?? values.get('time_iso8601') ?? values.get('msec');
  const connection = values.get('connection');
  const requestId = values.get('request_id');
  return {
    product,
    format,
    status: status === undefined ? null : Number(status),
    request: requestLine === null ? fromParts(values) : requestOf(requestLine),
    requestLine,
    atMs: at === undefined ? null : accessLogTime(at),
    durationMs: seconds === undefined || !/^\d/.test(seconds) ? null : Math.round(Number(seconds) * 1000),
    joins: joinsOf(product, connection, requestId),
    pool: present(values.get('proxy_upstream_name')),
    values,
  };
}

/** Kong's error log has the number of the request; the others have the number of the connection. */
function joinsOf(product: NginxProduct, connection: string | undefined, requestId: string | undefined): string | null {
  if (product !== 'kong' && connection !== undefined) return `connection ${connection}`;
  return present(requestId) === null ? null : `request ${requestId}`;
}

const present = (value: string | undefined): string | null =>
  value === undefined || value === '' || value === '-' ? null : value;

function fromParts(values: Values): string | null {
  const path = values.get('request_uri') ?? values.get('uri');
  if (path === undefined) return null;
  const method = present(values.get('request_method'));
  return requestOf(method === null ? path : `${method} ${path}`);
}

/** `2026/11/21 21:59:48` of an error log. It has no zone and counts as UTC, the zone of most servers. */
export function errorLogTime(text: string): number | null {
  const parts = /^(\d{4})\/(\d\d)\/(\d\d) (\d\d):(\d\d):(\d\d)/.exec(text);
  if (parts === null) return null;
  const [, year, month, day, hour, minute, second] = parts;
  return Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second));
}

/** Any of the times of an access log: `$time_local`, `$time_iso8601`, `$msec`. */
function accessLogTime(text: string): number | null {
  if (/^\d{9,10}(?:\.\d{1,6})?$/.test(text)) return Math.round(Number(text) * 1000);
  if (/^\d{13}$/.test(text)) return Number(text);
  return isoTimeMs(text) ?? commonLogTimeMs(text.startsWith('[') ? text.slice(1, -1) : text);
}

/** Names that people use for the variables in their own formats. */
const short: Readonly<Record<string, Variable>> = {
  st: 'status',
  code: 'status',
  status_code: 'status',
  http_status: 'status',
  http_status_code: 'status',
  response_status: 'status',
  response_code: 'status',
  response_status_code: 'status',
  req: 'request',
  request_line: 'request',
  method: 'request_method',
  http_method: 'request_method',
  verb: 'request_method',
  path: 'uri',
  url: 'request_uri',
  rt: 'request_time',
  reqtime: 'request_time',
  req_time: 'request_time',
  time: 'time_local',
  timestamp: 'time_local',
  ts: 'time_local',
  date: 'time_local',
  datetime: 'time_local',
  '@timestamp': 'time_local',
  time_iso: 'time_local',
  conn: 'connection',
  connection_id: 'connection',
  connection_serial: 'connection',
  req_id: 'request_id',
  rid: 'request_id',
  reqid: 'request_id',
  kong_request_id: 'request_id',
  apisix_request_id: 'request_id',
  x_request_id: 'request_id',
  ingress_upstream: 'proxy_upstream_name',
  ua: 'upstream_addr',
  uaddr: 'upstream_addr',
  upstream: 'upstream_addr',
  upstream_address: 'upstream_addr',
  upstream_host: 'upstream_addr',
  upstream_server: 'upstream_addr',
  us: 'upstream_status',
  ust: 'upstream_status',
  upstream_status_code: 'upstream_status',
  upstream_code: 'upstream_status',
  upstream_response_status: 'upstream_status',
  uct: 'upstream_connect_time',
  upstream_connect: 'upstream_connect_time',
  uht: 'upstream_header_time',
  upstream_header: 'upstream_header_time',
  upstream_ttfb: 'upstream_header_time',
  urt: 'upstream_response_time',
  ut: 'upstream_response_time',
  upstream_time: 'upstream_response_time',
  upstream_response: 'upstream_response_time',
  apptime: 'upstream_response_time',
  ul: 'upstream_response_length',
  url_length: 'upstream_response_length',
  upstream_length: 'upstream_response_length',
  ubr: 'upstream_bytes_received',
  upstream_received: 'upstream_bytes_received',
  ubs: 'upstream_bytes_sent',
  upstream_sent: 'upstream_bytes_sent',
};

const names: ReadonlyMap<string, Variable> = new Map([
  ...Object.entries(short),
  ...knownVariables.map((name) => [name, name] as const),
]);

/** `upstreamResponseTime`, `nginx.upstream.response_time` and `$upstream_response_time` are one name. */
function plainName(key: string): string {
  return key
    .slice(0, 100)
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[.\-\s/]/g, '_')
    .replace(/^\$/, '')
    .replace(/^(?:(?:nginx|access|log|ngx|openresty|kong|apisix|json|http_request|ingress)_)+/, '');
}

export function variableCalled(key: string): Variable | null {
  const name = plainName(key);
  return names.get(name) ?? names.get(name.replace(/_(?:seconds|sec|secs|s)$/, '')) ?? null;
}

/** Names that other programs use for something else: a user agent, microseconds, the time of a user. */
const ambiguous: ReadonlySet<string> = new Set([
  ...['ua', 'us', 'ust', 'ut', 'ul', 'url_length', 'apptime', 'upstream', 'upstream_host', 'upstream_response'],
]);

/** `10.0.0.1:8080`, `[::1]:80`, `unix:/run/app.sock`, the name of a group; several with nginx's separators. */
const addresses =
  /^(?:(?:[\w.-]{1,255}|\[[\da-fA-F:.]{2,60}\])(?::\d{1,5})?|unix:\S{1,200}|-)(?:(?:, | : )\S{1,300}){0,63}$/;

/** Takes values that are valid for a variable. The variable's own name takes precedence over aliases. */
export class ValueCollector {
  readonly #values = new Map<Variable, string>();
  readonly #proper = new Set<Variable>();
  /** Variables whose values came under an ambiguous name. */
  readonly #doubtful = new Set<Variable>();

  take(key: string, value: string): void {
    const name = variableCalled(key);
    if (name === null || !canBe(name, value)) return;
    const plain = plainName(key);
    const isProper = plain === name;
    if (this.#values.has(name) && (this.#proper.has(name) || !isProper)) return;
    const isDoubtful = ambiguous.has(plain);
    if (isDoubtful && name === 'upstream_addr' && !addresses.test(value)) return;
    this.#values.set(name, value);
    if (isProper) this.#proper.add(name);
    if (isDoubtful) this.#doubtful.add(name);
    else this.#doubtful.delete(name);
  }

  /** Leaves out the values under ambiguous names, unless the line has others about the upstream. */
  values(): Values {
    const doubtful = this.#doubtful;
    if (doubtful.size === 0) return this.#values;
    let hasSure = false;
    for (const name of this.#values.keys())
      if (!doubtful.has(name) && name.startsWith('upstream_')) {
        hasSure = true;
        break;
      }
    const address = this.#doubtfulValue('upstream_addr');
    if (!hasSure && !this.#isAddressBesideOthers(address)) for (const name of doubtful) this.#values.delete(name);
    // An empty user agent looks like an upstream that was not asked.
    if (hasSure && address === '-' && this.#isAsked()) this.#values.delete('upstream_addr');
    return this.#values;
  }

  #isAddressBesideOthers(address: string): boolean {
    if (address === '' || this.#doubtful.size < 2) return false;
    return this.#doubtful.has('upstream_status') || /[\d\]]:\d|unix:/.test(address);
  }

  /** Whether a field that is certainly about an upstream has a value. */
  #isAsked(): boolean {
    for (const [name, value] of this.#values)
      if (name.startsWith('upstream_') && !this.#doubtful.has(name) && /\d/.test(value)) return true;
    return false;
  }

  #doubtfulValue(name: Variable): string {
    return this.#doubtful.has(name) ? (this.#values.get(name) ?? '') : '';
  }
}

/** Whether the line has nginx's times of the upstream, which other gateways do not have. */
export function namesUpstream(values: Values): boolean {
  for (const name of values.keys()) if (name.startsWith('upstream_')) return true;
  return false;
}
