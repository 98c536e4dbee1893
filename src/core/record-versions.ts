import { snakeKey } from './json-case.ts';
import { recordVersion } from './record.ts';

/**
 * Converts records of earlier versions to the current one, so that readers see a single form. Keys and values that
 * no version has stay unchanged, and so does a record of a later version.
 */
export function currentRecord(record: JsonObject): JsonObject {
  return record['v'] === 1 ? fromVersion1(record) : record;
}

type JsonObject = Readonly<Record<string, unknown>>;

function fromVersion1(record: JsonObject): JsonObject {
  const { attempts } = record;
  return {
    ...withValues(withNames(record, record['kind'] === 'lost' ? lostNames : exchangeNames)),
    v: recordVersion,
    ...(Array.isArray(attempts) ? { attempts: attempts.map(attemptFromVersion1) } : {}),
  };
}

function attemptFromVersion1(attempt: unknown): unknown {
  if (!isObject(attempt)) return attempt;
  const { evidence } = attempt;
  return { ...withValues(attempt), ...(isObject(evidence) ? { evidence: evidenceFromVersion1(evidence) } : {}) };
}

function evidenceFromVersion1(evidence: JsonObject): JsonObject {
  const entries = Object.entries(withNames(evidence, evidenceNames)).map(([name, value]) => [
    snakeKey(name),
    name === 'rule' ? renamedValue(rules, value) : name === 'endpointCause' ? renamedValue(causes, value) : value,
  ]);
  return Object.fromEntries(entries) as JsonObject;
}

function withValues(fields: JsonObject): JsonObject {
  const changed = [
    ['cause', causes],
    ['stage', stages],
    ['retry_reason', retryReasons],
  ] as const;
  const values = changed.flatMap(([name, names]) =>
    name in fields ? [[name, renamedValue(names, fields[name])] as const] : [],
  );
  return { ...fields, ...Object.fromEntries(values) };
}

function withNames(fields: JsonObject, names: Readonly<Record<string, string>>): JsonObject {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [Object.hasOwn(names, name) ? names[name] : name, value]),
  ) as JsonObject;
}

function renamedValue(names: Readonly<Record<string, string>>, value: unknown): unknown {
  return typeof value === 'string' && Object.hasOwn(names, value) ? names[value] : value;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const exchangeNames = { octets_in: 'bytes_in', octets_out: 'bytes_out', process: 'process_started_at' };

const lostNames = { process: 'process_started_at', unread: 'unread_connections', why: 'reason' };

const stages = { content: 'body' };

const retryReasons = { content_not_held: 'body_not_held' };

const evidenceNames = { asked: 'requested', fieldsMax: 'headersMax', vouches: 'isIssuer', why: 'reason' };

const rules = {
  'field-name': 'header-name',
  'field-section-too-large': 'header-section-too-large',
  'field-value': 'header-value',
  'too-many-fields': 'too-many-headers',
};

const causes = {
  request_content_cut: 'request_body_truncated',
  request_content_timeout: 'request_body_timeout',
  response_chunked_cut: 'response_chunked_truncated',
  response_content_reset: 'response_body_reset',
  response_content_short: 'response_body_short',
  response_content_stalled: 'response_body_stalled',
  response_content_unclosed: 'response_body_unclosed',
  response_field: 'response_header',
  response_head_cut: 'response_head_truncated',
  response_not_taken: 'response_not_read',
  response_too_many_fields: 'response_too_many_headers',
  response_upgrade_unasked: 'response_upgrade_unexpected',
};
