import type { NginxProduct } from './product.ts';
import { requestOf } from '../line-text.ts';
import { accessLogTime } from './times.ts';

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
