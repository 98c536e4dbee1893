import { jsonLine } from '../json-fields.ts';
import { findingOf } from '../verdict.ts';
import { judgedCharactersMax, requestOf } from '../line-text.ts';
import type { Dialect } from '../dialect.ts';
import { dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { readErrorLog } from './fixes.ts';
import { rememberLast } from './remember-last.ts';
import type { NginxVerdict } from './verdict.ts';
import { answeredSo, clientLeft, harmless } from './verdict.ts';

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
