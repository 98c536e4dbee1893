import { snakeKey } from './json-case.ts';
import { recordVersion } from './record.ts';
import { exchangeKeys, expandedRecord, inOrder, isFields, type RecordFields } from './record-defaults.ts';

/**
 * Returns a record of any version in the form of the current one, with all its keys. Keys and values that no version has stay
 * unchanged. A record of a later version is read by the defaults of the current one.
 */
export function currentRecord(record: RecordFields): RecordFields {
  const { v, kind } = record;
  if (v === 1) return currentRecord(fromVersion1(record));
  if (kind === 'lost') return currentLost(record);
  if (kind !== undefined && kind !== 'exchange' && kind !== 'tunnel') return record;
  return v === 2 ? fromVersion2(record) : expandedRecord(record);
}

/** Version 2 has every key that it knows. */
function fromVersion2(record: RecordFields): RecordFields {
  const { tls = null } = record;
  const added = { v: recordVersion, process: null, tls: isFields(tls) ? { cipher: null, ...tls } : tls };
  return inOrder({ ...record, ...added }, exchangeKeys);
}

function currentLost(record: RecordFields): RecordFields {
  const unknown = { process: null, deployment: null, member: null, process_started_at: null };
  return inOrder({ ...unknown, ...record, v: record['v'] === 2 ? recordVersion : record['v'] }, exchangeKeys);
}

function fromVersion1(record: RecordFields): RecordFields {
  const { attempts } = record;
  return {
    ...withValues(withNames(record, record['kind'] === 'lost' ? lostNames : exchangeNames)),
    v: 2,
    ...(Array.isArray(attempts) ? { attempts: attempts.map(attemptFromVersion1) } : {}),
  };
}

function attemptFromVersion1(attempt: unknown): unknown {
  if (!isFields(attempt)) return attempt;
  const { evidence } = attempt;
  return { ...withValues(attempt), ...(isFields(evidence) ? { evidence: evidenceFromVersion1(evidence) } : {}) };
}

function evidenceFromVersion1(evidence: RecordFields): RecordFields {
  const entries = Object.entries(withNames(evidence, evidenceNames)).map(([name, value]) => [
    snakeKey(name),
    name === 'rule' ? renamedValue(rules, value) : name === 'endpointCause' ? renamedValue(causes, value) : value,
  ]);
  return Object.fromEntries(entries) as RecordFields;
}

function withValues(fields: RecordFields): RecordFields {
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

function withNames(fields: RecordFields, names: Readonly<Record<string, string>>): RecordFields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [Object.hasOwn(names, name) ? names[name] : name, value]),
  ) as RecordFields;
}

function renamedValue(names: Readonly<Record<string, string>>, value: unknown): unknown {
  return typeof value === 'string' && Object.hasOwn(names, value) ? names[value] : value;
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
