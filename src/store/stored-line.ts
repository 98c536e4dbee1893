import type { ProcessConstants } from '../core/logger-messages.ts';
import { isFields, type RecordFields } from '../core/record-defaults.ts';
import type { ExchangeRecord } from '../core/schemas/record.ts';
import { recordOfFields } from '../record/parse-record.ts';

/**
 * The line of a record in two parts: what it has in common with other lines (process, route, endpoint, host, …), which a file
 * has once, and its own values. A success without anything rare has all of its own values in columns.
 */
export interface StoredLine {
  /** JSON of what it shares with others. */
  readonly template: string;
  readonly id: string;
  readonly traceId: string | null;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly client: string;
  readonly clientPort: number;
  readonly path: string;
  readonly query: string | null;
  readonly status: number | null;
  readonly durationUs: number;
  readonly bytesOut: number;
  /** JSON of its other values; null if it has none. */
  readonly rest: string | null;
  /** The rest is numbers alone: times and sizes. */
  readonly hasOnlyNumbers: boolean;
}

/** Members of a record whose values many records share. All members that are neither here nor columns are the rest. */
const sharedKeys = new Set([
  ...['v', 'kind', 'process', 'deployment', 'member', 'process_started_at', 'worker', 'revision', 'route', 'upstream'],
  ...[
    'application',
    'release',
    'arm',
    'weight',
    'method',
    'scheme',
    'host',
    'tls',
    'end',
    'received_status',
    'delivery',
    'shape',
  ],
  ...['type', 'cause', 'whose', 'stage'],
]);
const sharedClientKeys = new Set(['protocol']);
/** Only of a record with one attempt. */
const sharedAttemptKeys = new Set(['endpoint', 'address', 'state', 'address_stale', 'protocol', 'reused', 'status']);
const columnKeys = new Set(['id', 'trace_id', 'at', 'client', 'path', 'query', 'status', 'duration_ms', 'bytes_out']);

/** Divides a line; null if it is not the line of an exchange. `constants`: of the process that serves the records now. */
export function divideLine(line: string, constants: ProcessConstants | null): StoredLine | null {
  const fields = fieldsOf(line);
  if (fields === null) return null;
  const { id, trace_id = null, at, client, path, query = null, status = null, duration_ms, bytes_out = 0 } = fields;
  if (typeof id !== 'string' || typeof at !== 'string' || typeof path !== 'string' || !isFields(client)) return null;
  const shared: Record<string, unknown> = {};
  const rest: Record<string, unknown> = {};
  for (const key in fields) {
    if (key === 'attempts') divideAttempts(fields[key], shared, rest);
    else if (sharedKeys.has(key)) shared[key] = fields[key];
    else if (!columnKeys.has(key)) rest[key] = fields[key];
  }
  divideClient(client, shared, rest);
  if (constants !== null && shared['process'] === constants.process) addConstants(shared, constants);
  return {
    template: JSON.stringify(shared),
    id,
    traceId: trace_id as string | null,
    at: Date.parse(at),
    client: client['address'] as string,
    clientPort: client['port'] as number,
    path,
    query: query as string | null,
    status: status as number | null,
    durationUs: Math.round((duration_ms as number) * 1000),
    bytesOut: bytes_out as number,
    rest: isEmpty(rest) ? null : JSON.stringify(rest),
    hasOnlyNumbers: hasOnlyNumbers(rest),
  };
}

/** A line of which nothing is known but its template. */
export function lineOfTemplate(template: string): StoredLine {
  const unknown = { id: '', traceId: null, at: 0, client: '', clientPort: 0, path: '', query: null, status: null };
  return { template, ...unknown, durationUs: 0, bytesOut: 0, rest: null, hasOnlyNumbers: true };
}

/** The record of a line that was divided; null if it is damaged. */
export function recordOf(stored: StoredLine): ExchangeRecord | null {
  const shared = JSON.parse(stored.template) as RecordFields;
  const rest = (stored.rest === null ? {} : JSON.parse(stored.rest)) as RecordFields;
  const { client = {}, attempt, ...others } = shared;
  const { client: ownClient = {}, attempt: ownAttempt, ...own } = rest;
  const joined = {
    ...others,
    id: stored.id,
    ...(stored.traceId === null ? {} : { trace_id: stored.traceId }),
    at: new Date(stored.at).toISOString(),
    client: { address: stored.client, port: stored.clientPort, ...(client as object), ...(ownClient as object) },
    path: stored.path,
    ...(stored.query === null ? {} : { query: stored.query }),
    ...(attempt === undefined ? {} : { attempts: [{ ...(attempt as object), ...(ownAttempt as object | undefined) }] }),
    status: stored.status,
    bytes_out: stored.bytesOut,
    duration_ms: stored.durationUs / 1000,
    ...own,
  };
  const parsed = recordOfFields(joined);
  return parsed.ok ? parsed.record : null;
}

function fieldsOf(line: string): RecordFields | null {
  try {
    const value: unknown = JSON.parse(line);
    if (!isFields(value)) return null;
    const { kind = 'exchange' } = value;
    return kind === 'exchange' || kind === 'tunnel' ? value : null;
  } catch {
    return null;
  }
}

function divideAttempts(attempts: unknown, shared: Record<string, unknown>, rest: Record<string, unknown>): void {
  const [attempt, ...others] = Array.isArray(attempts) ? (attempts as unknown[]) : [];
  if (others.length > 0 || !isFields(attempt)) {
    rest['attempts'] = attempts;
    return;
  }
  const [common, own] = divided(attempt, sharedAttemptKeys);
  shared['attempt'] = common;
  if (!isEmpty(own)) rest['attempt'] = own;
}

function divideClient(client: RecordFields, shared: Record<string, unknown>, rest: Record<string, unknown>): void {
  const { address: _address, port: _port, ...others } = client;
  const [common, own] = divided(others, sharedClientKeys);
  if (!isEmpty(common)) shared['client'] = common;
  if (!isEmpty(own)) rest['client'] = own;
}

function divided(fields: RecordFields, keys: ReadonlySet<string>): readonly [RecordFields, RecordFields] {
  const common: Record<string, unknown> = {};
  const own: Record<string, unknown> = {};
  for (const key in fields) (keys.has(key) ? common : own)[key] = fields[key];
  return [common as RecordFields, own as RecordFields];
}

function addConstants(shared: Record<string, unknown>, { deployment, member, started_at }: ProcessConstants): void {
  shared['deployment'] ??= deployment;
  shared['member'] ??= member;
  shared['process_started_at'] ??= started_at;
}

function isEmpty(fields: object): boolean {
  for (const _ in fields) return false;
  return true;
}

function hasOnlyNumbers(values: object): boolean {
  return Object.entries(values).every(
    ([key, value]) => typeof value === 'number' || (key === 'attempt' && isFields(value) && hasOnlyNumbers(value)),
  );
}
