import { jsonLine } from '../json-fields.ts';
import { judgedText } from '../line-text.ts';
import type { Dialect } from '../dialect.ts';
import { dialect } from '../dialect.ts';
import type { Values } from './access-fields.ts';
import { fieldsOf } from './access-fields.ts';
import { findingOfAccess } from './access-verdict.ts';
import { namesUpstream, ValueCollector } from './aliases.ts';
import type { NginxProduct } from './product.ts';
import { rememberLast } from './remember-last.ts';

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
