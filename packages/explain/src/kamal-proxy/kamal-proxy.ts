import { type Dialect, dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { readGoError } from '../go-errors.ts';
import { isoTimeMs, jsonLine, jsonNumber, jsonText } from '../json-fields.ts';
import { judgedText } from '../line-text.ts';
import { verdictOfReason } from '../reason-log/reasons.ts';
import { statusOf } from '../status-field.ts';
import { findingOf, fixOf, harmlessVerdict } from '../verdict.ts';

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
