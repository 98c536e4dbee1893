import { type Dialect, dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { jsonLine } from '../json-fields.ts';
import { judgedText } from '../line-text.ts';
import { findingOf } from '../verdict.ts';
import { readEnvoyEvent } from './event-line.ts';
import { directionOf, type EnvoyExchange } from './exchange.ts';
import { jsonExchange } from './json-line.ts';
import { judge } from './judge.ts';
import { labelledExchange } from './labelled-line.ts';
import { textLine } from './text-line.ts';
import { ztunnel } from './ztunnel.ts';

interface Origin {
  readonly isIstio: boolean;
  readonly form: 'default' | 'text' | 'JSON' | 'named fields' | 'custom';
}

export function findingOfExchange(exchange: EnvoyExchange, { isIstio, form }: Origin): Finding {
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
