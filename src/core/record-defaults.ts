/**
 * What a key of a record has where its line leaves it out. A line has a key exactly if its value is not the default,
 * null included. A default depends only on other keys of the record, so readers fill it in from the line alone.
 */
import type { AttemptRecord, ExchangeRecord } from './schemas/record.ts';

/** Members of a line, which may be anything: lines come from files. */
export type RecordFields = Readonly<Record<string, unknown>>;

/** No value is a default: the key is always written. */
const always = undefined;

/** In the order in which a reader fills them in: each depends on keys before it, or on keys that have no default. */
const exchangeDefaults: readonly (readonly [name: keyof ExchangeRecord, value: (record: RecordFields) => unknown])[] = [
  ['kind', () => 'exchange'],
  ['trace_id', () => null],
  ['process', () => null],
  ['deployment', () => null],
  ['member', () => null],
  ['process_started_at', () => null],
  ['worker', () => 1],
  ['revision', () => 1],
  ['upstream', upstreamOf],
  ['route', ({ upstream }) => upstream],
  ['application', () => null],
  ['tls', () => null],
  ['method', () => 'GET'],
  ['scheme', ({ tls }) => (tls === null ? 'http' : 'https')],
  ['query', () => null],
  ['end', () => 'forwarded'],
  ['received_status', ({ end, status }) => (end === 'forwarded' ? status : null)],
  ['grpc_status', () => null],
  ['shape', () => 'none'],
  ['type', () => null],
  ['cause', () => null],
  ['whose', () => null],
  ['stage', () => null],
  ['detail', () => null],
  ['delivery', ({ end }) => (end === 'forwarded' ? 'response_started' : always)],
  ['bytes_in', () => 0],
  ['bytes_out', () => 0],
];

/** The same for an attempt. `last`: the record, if it is the record's last attempt, else null. */
const attemptDefaults: readonly (readonly [
  name: keyof AttemptRecord,
  value: (attempt: RecordFields, last: RecordFields | null) => unknown,
])[] = [
  [
    'address',
    ({ endpoint }) => (typeof endpoint === 'string' ? endpoint.slice(endpoint.lastIndexOf('/') + 1) : always),
  ],
  ['state', () => 'healthy'],
  ['local_port', () => null],
  ['started_ms', () => 0],
  ['dns_ms', () => null],
  ['tls_ms', () => null],
  ['ended_ms', (_attempt, last) => (last === null ? always : last['duration_ms'])],
  ['status', (_attempt, last) => (last === null ? null : last['received_status'])],
  ['head_ms', ({ status, ended_ms }) => (status === null ? null : ended_ms)],
  ['idle_ms', () => null],
  // A response mostly comes over a connection that was used before.
  ['reused', ({ idle_ms, status }) => idle_ms !== null || status !== null],
  [
    'connected_ms',
    (attempt) => (attempt['reused'] === false && attempt['head_ms'] !== null ? dialledMs(attempt) : null),
  ],
  ['sent_ms', (attempt) => (attempt['head_ms'] === null ? null : readyMs(attempt))],
  ['cause', () => null],
  ['stage', () => null],
  ['evidence', () => null],
  ['exit', () => null],
  ['retry', (_attempt, last) => last === null],
  ['retry_reason', () => 'accepted'],
];

/** When an attempt began to connect: once it had left the queue and the name was resolved. */
function dialledMs({ dns_ms, queued_ms, started_ms }: RecordFields): unknown {
  return dns_ms ?? queued_ms ?? started_ms;
}

/** When an attempt had its connection. */
export function readyMs({ tls_ms, connected_ms, queued_ms, started_ms }: RecordFields): unknown {
  return tls_ms ?? connected_ms ?? queued_ms ?? started_ms;
}

/** 'shop' of the endpoint 'shop/127.0.0.1:3000' that was tried last. */
function upstreamOf({ attempts }: RecordFields): unknown {
  const last: unknown = Array.isArray(attempts) ? attempts.at(-1) : undefined;
  const endpoint = isFields(last) ? last['endpoint'] : undefined;
  return typeof endpoint === 'string' && endpoint.includes('/') ? endpoint.slice(0, endpoint.indexOf('/')) : null;
}

const exchangeDefault = new Map<string, (record: RecordFields) => unknown>(exchangeDefaults);
const attemptDefault = new Map<string, (attempt: RecordFields, last: RecordFields | null) => unknown>(attemptDefaults);

/** The record without the keys that have their default, in the same order. */
export function leanRecord(record: ExchangeRecord): RecordFields {
  const full = record as unknown as RecordFields;
  const lean: Record<string, unknown> = {};
  for (const name of Object.keys(full)) {
    const value = full[name];
    if (name === 'client') lean[name] = leanClient(record.client);
    else if (name === 'attempts') {
      const last = record.attempts.length - 1;
      if (last >= 0) lean[name] = record.attempts.map((one, index) => leanAttempt(one, index === last ? full : null));
    } else if (exchangeDefault.get(name)?.(full) !== value || value === undefined) lean[name] = value;
  }
  return lean;
}

/** The part of `leanRecord` for the client. */
function leanClient({ address, port, peer, protocol }: ExchangeRecord['client']): RecordFields {
  return {
    address,
    port,
    ...(peer === address ? {} : { peer }),
    ...(protocol === protocolDefault ? {} : { protocol }),
  };
}

/** The protocol of a client whose record names none. */
export const protocolDefault = 'HTTP/1.1';

function leanAttempt(attempt: AttemptRecord, last: RecordFields | null): RecordFields {
  const full = attempt as unknown as RecordFields;
  const lean: Record<string, unknown> = {};
  for (const name of Object.keys(full)) {
    const value = full[name];
    if (attemptDefault.get(name)?.(full, last) !== value || value === undefined) lean[name] = value;
  }
  return lean;
}

/** The inverse of `leanRecord`: all keys of a record, in their order, and after them those that it does not know. */
export function expandedRecord(fields: RecordFields): RecordFields {
  const full: Record<string, unknown> = { ...fields };
  const { attempts, client } = fields;
  if (attempts === undefined) full['attempts'] = [];
  if (isFields(client))
    full['client'] = inOrder({ peer: client['address'], protocol: protocolDefault, ...client }, clientKeys);
  for (const [name, value] of exchangeDefaults) if (!(name in full)) set(full, name, value(full));
  if (Array.isArray(attempts)) {
    const last = attempts.length - 1;
    full['attempts'] = attempts.map((one: unknown, index) =>
      isFields(one) ? expandedAttempt(one, index === last ? full : null) : one,
    );
  }
  return inOrder(full, exchangeKeys);
}

function expandedAttempt(fields: RecordFields, last: RecordFields | null): RecordFields {
  const full: Record<string, unknown> = { ...fields };
  for (const [name, value] of attemptDefaults) if (!(name in full)) set(full, name, value(full, last));
  return inOrder(full, attemptKeys);
}

function set(fields: Record<string, unknown>, name: string, value: unknown): void {
  if (value !== always) fields[name] = value;
}

/** A copy with the keys in this order. */
function inOrder(fields: RecordFields, order: readonly string[]): RecordFields {
  const sorted: Record<string, unknown> = {};
  for (const name of order) if (name in fields) sorted[name] = fields[name];
  return Object.assign(sorted, { ...fields, ...sorted });
}

/** Keys of an exchange in the order of its line. */
export const exchangeKeys: readonly (keyof ExchangeRecord)[] = [
  ...(['v', 'kind', 'id', 'trace_id', 'at', 'process', 'deployment', 'member', 'process_started_at'] as const),
  ...(['worker', 'revision', 'route', 'upstream', 'application', 'client', 'tls'] as const),
  ...([
    'method',
    'scheme',
    'host',
    'path',
    'query',
    'headers',
    'filter_ms',
    'body_ms',
    'waited_ms',
    'session',
    'page_replaced',
    'drawn_upstream',
    'turn_ms',
    'release',
    'arm',
    'weight',
    'attempts',
    'status',
  ] as const),
  ...([
    'received_status',
    'grpc_status',
    'shape',
    'type',
    'cause',
    'whose',
    'stage',
    'detail',
    'evidence',
    'delivery',
  ] as const),
  ...(['end', 'bytes_in', 'bytes_out', 'duration_ms', 'tunnel', 'gateway_state'] as const),
];

const clientKeys: readonly (keyof ExchangeRecord['client'])[] = ['address', 'port', 'peer', 'protocol'];

const attemptKeys: readonly (keyof AttemptRecord)[] = [
  ...(['endpoint', 'address', 'state', 'address_stale', 'protocol', 'reused'] as const),
  ...(['idle_ms', 'local_port', 'started_ms'] as const),
  ...(['queued_ms', 'dns_ms', 'connected_ms', 'tls_ms', 'sent_ms', 'head_ms', 'ended_ms', 'status'] as const),
  ...(['cause', 'stage', 'evidence', 'exit', 'retry', 'retry_reason'] as const),
  ...(['release', 'surplus_bytes', 'stderr', 'bytes_to_endpoint', 'bytes_from_endpoint'] as const),
];

export function isFields(value: unknown): value is RecordFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
