import { jsonLine } from '../json-fields.ts';
import { judgedText, judgedCharactersMax, requestOf } from '../line-text.ts';
import { type Dialect, dialect } from '../dialect.ts';
import { type Values, fieldsOf, namesUpstream, ValueCollector } from './access-fields.ts';
import { findingOfAccess } from './access-verdict.ts';
import { type NginxProduct, type NginxVerdict, answeredSo, clientLeft, harmless } from './verdict.ts';
import { findingOf } from '../verdict.ts';
import type { Finding } from '../finding.ts';
import { readErrorLog } from './fixes.ts';

/** The lines that Kong's log plugins (file-log, http-log and others) write about an exchange. */
interface KongRecord {
  readonly status: number | null;
  /** Who made the response, since Kong 3.6: "upstream", or "kong". */
  readonly source: string | null;
  /** As `$upstream_status`; empty if no endpoint was tried, null before Kong 3. */
  readonly upstreamStatus: string | null;
  /** The endpoint that was tried last. */
  readonly tried: string | null;
  readonly triesCount: number;
  readonly method: string | null;
  readonly uri: string | null;
  readonly requestId: string | null;
  readonly atMs: number | null;
  readonly durationMs: number | null;
}

const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null);
const numberOf = (value: unknown): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;

const readRecord = rememberLast((line: string): KongRecord | null => {
  if (line.length > judgedCharactersMax || !line.includes('"latencies"') || !line.trimStart().startsWith('{'))
    return null;
  const record = jsonLine(line.trim());
  const latencies = field(record, 'latencies');
  if (numberOf(field(latencies, 'kong')) === null || field(record, 'response') === undefined) return null;
  const tries: unknown = field(record, 'tries');
  const attempts: readonly unknown[] = Array.isArray(tries) ? tries : [];
  const last = attempts.at(-1);
  const address = textOf(field(last, 'ip'));
  const request = field(record, 'request');
  return {
    status: numberOf(field(field(record, 'response'), 'status')),
    source: textOf(field(record, 'source')),
    upstreamStatus: textOf(field(record, 'upstream_status')),
    tried: address === null ? null : `${address.slice(0, 100)}:${numberOf(field(last, 'port')) ?? ''}`,
    triesCount: attempts.length,
    method: textOf(field(request, 'method')),
    uri: textOf(field(request, 'uri')),
    requestId: textOf(field(request, 'id')),
    atMs: numberOf(field(record, 'started_at')),
    durationMs: numberOf(field(latencies, 'request')),
  };
});

function judge(record: KongRecord): NginxVerdict {
  const { status, source, upstreamStatus, tried, triesCount } = record;
  if (status === null) return harmless('access');
  if (status === 499) {
    return clientLeft(
      {
        type: null,
        evidence: ['status 499'],
        sentence: 'The client closed the connection before the response came.',
        fix: null,
      },
      'access',
    );
  }
  const evidence = [
    `status ${status}`,
    `source ${source ?? '-'}`,
    `upstream_status ${upstreamStatus || '-'}`,
    `tries ${triesCount}`,
  ];
  if (status < 500) return harmless('access');
  const last = (upstreamStatus ?? '').split(/, | : /).at(-1) ?? '';
  const wasRead = /^5\d\d$/.test(last) && last !== '502' && last !== '504';
  if (source === 'upstream' || (source === null && wasRead)) {
    return answeredSo(evidence, 'access', 'The application itself sent this error; Kong passed it on.');
  }
  return {
    kind: 'access',
    shape: 'unknown',
    type: null,
    stage: null,
    born: source === 'kong' ? 'reverse-proxy' : null,
    whose: null,
    evidence,
    sentence:
      source === 'kong'
        ? triesCount === 0 && tried === null
          ? "Kong made this response itself and contacted no server: no target is available, its name was not found, or a plugin refused the request. Kong's error log says which."
          : 'Kong made this response itself; only its error log says why.'
        : 'This record does not say whether Kong or the application made the response, or why.',
    fix: readErrorLog('kong'),
    isConsequence: false,
  };
}

function read(line: string): Finding | null {
  const record = readRecord(line);
  if (record === null) return null;
  const { method, uri, requestId } = record;
  return findingOf(
    {
      gateway: 'kong',
      format: 'kong log plugin (JSON)',
      kind: 'access',
      atMs: record.atMs,
      status: record.status,
      upstream: record.tried,
      request: uri === null ? null : requestOf(method === null ? uri : `${method} ${uri}`),
      durationMs: record.durationMs,
      joins: requestId === null ? null : `request ${requestId.slice(0, 100)}`,
    },
    judge(record),
  );
}

export const kongJson: Dialect = dialect(
  'kong',
  'kong log plugin (JSON)',
  (line) => (readRecord(line) === null ? 0 : 2),
  read,
);

interface JsonAccessLine {
  readonly product: NginxProduct;
  readonly values: Values;
  readonly certainty: 1 | 2;
}

/** Names in the JSON of other gateways that nginx's does not have. A line with one of them is not nginx's. */
const foreign =
  /"(?:response_flags|response_code_details|upstream_cluster|upstream_transport_failure_reason|err_trace|DownstreamStatus|RouterName|OriginStatus|ServiceAddr|termination_state|statusDetails|httpRequest|backend_name|elb_status_code|latencies|resp_headers|received_status|deploymentId)"/;

const ofNginx =
  /"[\w.@$-]{0,40}(?:remote_addr|remote_user|body_bytes_sent|time_local|time_iso8601|http_user_agent|http_referer|request_time|bytes_sent|request_length)"/;

const readJson = rememberLast(takeApart);

function takeApart(fullLine: string): JsonAccessLine | null {
  const line = judgedText(fullLine);
  const text = line.trim();
  if (!text.startsWith('{') || !text.endsWith('}') || foreign.test(text)) return null;
  const collector = new ValueCollector();
  const parsed = jsonLine(text);
  if (parsed === null) collectPairs(text, collector);
  else collectObject(parsed, '', collector, 0);
  const values = collector.values();
  if (!values.has('status') && !values.has('upstream_status')) return null;
  const isOfNginx = ofNginx.test(text);
  const isCertain = namesUpstream(values);
  if (!isOfNginx && !isCertain) return null;
  return { product: productOf(text), values, certainty: isCertain ? 2 : 1 };
}

function productOf(text: string): NginxProduct {
  if (/"[\w.@$-]{0,20}(?:proxy_)?(?:alternative_)?upstream_name"|"ingress_name"|"ingress_name\w{0,10}"/.test(text))
    return 'ingress-nginx';
  if (text.includes('"kong_request_id"')) return 'kong';
  if (text.includes('"apisix_request_id"') || text.includes('"apisix_')) return 'apisix';
  return 'nginx';
}

function collectObject(value: object, prefix: string, collector: ValueCollector, depth: number): void {
  for (const [key, inner] of Object.entries(value) as [string, unknown][]) {
    const name = prefix === '' ? key : `${prefix}.${key}`;
    if (typeof inner === 'string') collector.take(name, inner);
    else if (typeof inner === 'number') collector.take(name, String(inner));
    else if (inner === null) collector.take(name, '');
    else if (typeof inner === 'object' && depth < 3) collectObject(inner, name, collector, depth + 1);
  }
}

/** Reads lines that are no valid JSON, since nginx writes `-` or a list where a number belongs: name by name. */
function collectPairs(text: string, collector: ValueCollector): void {
  const pair =
    /"([\w.@$-]{1,60})"\s{0,4}:\s{0,4}(?:"((?:[^"\\]|\\.){0,8192})"|([^"{}[\]]{0,200}?)(?=\s{0,4}(?:,\s{0,4}"|\}|$)))/g;
  let count = 0;
  for (const found of text.matchAll(pair)) {
    collector.take(found[1] ?? '', found[2] ?? (found[3] ?? '').trim());
    if (++count > 256) return;
  }
}

/** One dialect for each product, since a line belongs to exactly one. */
export function jsonAccessOf(product: NginxProduct): Dialect {
  const name = `${product} access log (JSON)`;
  return dialect(
    product,
    name,
    (line) => {
      const read = readJson(line);
      return read?.product === product ? read.certainty : 0;
    },
    (line) => {
      const read = readJson(line);
      return read === null ? null : findingOfAccess(fieldsOf(read.product, name, read.values));
    },
  );
}

/**
 * Returns a reader that keeps the result for its last line: several dialects ask about the same line in turn, and the one
 * that recognises the line reads it once more.
 */
export function rememberLast<T>(read: (line: string) => T): (line: string) => T {
  let last: { readonly line: string; readonly result: T } | null = null;
  return (line) => {
    if (last === null || last.line !== line) last = { line, result: read(line) };
    return last.result;
  };
}
