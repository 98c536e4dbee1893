import type { Result } from '../../../failures/src/result.ts';
import { failWith, succeed } from '../../../failures/src/result.ts';
import { type Dialect, dialect } from '../dialect.ts';
import { type FormatPart, hasAdjacentFields, matchParts, unquotedFormat } from '../format-parts.ts';
import { judgedText } from '../line-text.ts';
import { rememberLast } from '../nginx/remember-last.ts';
import { findingOfExchange } from './envoy.ts';
import { directionOf } from './exchange.ts';
import { jsonExchange } from './json-line.ts';

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
