import type { Finding } from '../finding.ts';
import { isoTimeMs, type JsonLine, jsonLine, jsonNumber, jsonObject, jsonText } from '../json-fields.ts';
import { findingOf, harmlessVerdict } from '../verdict.ts';

/** "[2026-05-21 09:58:05.456][12][warning][upstream] [source/...] text": Envoy's log about itself. */
const ownLog =
  /^\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3})\]\[\d{1,9}\]\[(?:trace|debug|info|warning|error|critical)\]\[/;

/** Reads lines about Envoy itself, a health check or an ejection, none of which concerns one request. Null for any other line. */
export function readEnvoyEvent(line: string): Finding | null {
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
