import { type Dialect, dialect } from '../dialect.ts';
import type { Finding } from '../finding.ts';
import { findingOf } from '../verdict.ts';
import { readConnectionError, readEvent, recogniseEvent } from './event-line.ts';
import { type SessionLine, readClfSession, readHttpSession, readTcpSession } from './session-line.ts';
import { hasServer, judgeEnding } from './termination.ts';
import { jsonLine, jsonText } from '../json-fields.ts';
import { commonLogTimeMs, requestOf } from '../line-text.ts';

/** The formats of HAProxy's documentation (sections 8.2.1 to 8.2.5), with and without a prefix of syslog. */
export const haproxyDialects: readonly Dialect[] = [
  sessions('HAProxy HTTP log', readHttpSession),
  sessions('HAProxy TCP log', readTcpSession),
  sessions('HAProxy HTTP log (CLF)', readClfSession),
  sessions('HAProxy log (JSON)', readJsonSession),
  dialect(
    'haproxy',
    'HAProxy connection error',
    (line) => (readConnectionError(line) === null ? 0 : 2),
    readConnectionError,
  ),
  dialect('haproxy', 'HAProxy event log', recogniseEvent, readEvent),
];

function sessions(format: string, read: (line: string) => SessionLine | null): Dialect {
  return dialect(
    'haproxy',
    format,
    (line) => (read(line) === null ? 0 : 2),
    (line) => {
      const session = read(line);
      return session === null ? null : findingOfSession(format, session);
    },
  );
}

export function findingOfSession(format: string, session: SessionLine): Finding {
  const verdict = judgeEnding(session);
  const { atMs, request, durationMs, status } = session;
  return findingOf(
    {
      gateway: 'haproxy',
      format,
      kind: 'access',
      atMs,
      request,
      durationMs,
      status: status === null || status < 100 ? null : status,
      upstream: upstreamOf(session),
      evidence: verdict.shape === 'none' ? [] : evidenceOf(session),
    },
    verdict,
  );
}

/** A custom format may leave the backend out. */
function upstreamOf(session: SessionLine): string | null {
  const { backend, server } = session;
  if (!hasServer(session)) return backend === '' ? null : backend;
  return backend === '' ? server : `${backend}/${server}`;
}

function evidenceOf(session: SessionLine): readonly string[] {
  const words = [session.state, session.timers].filter((word) => word !== '');
  if (session.status !== null) words.push(String(session.status));
  if (!hasServer(session)) words.push(`${session.backend}/${session.server}`);
  if (session.retries !== '0') words.push(`retries ${session.retries}`);
  return words;
}

/** Names that people give to the variables of `log-format` when they write JSON, the usual one first. */
const keys = {
  state: ['termination_state', 'termination-state', 'ts', 'tsc'],
  time: ['time', 'timestamp', 'date', 'accept_date'],
  status: ['status', 'status_code', 'http_status'],
  frontend: ['frontend', 'frontend_name', 'fe'],
  backend: ['backend', 'backend_name', 'be'],
  server: ['server', 'server_name', 'srv'],
  request: ['request', 'http_request', 'req'],
  retries: ['retries', 'rc'],
  connect: ['tc', 'Tc', 'time_connect', 'connect_time'],
  response: ['tr', 'Tr', 'time_response', 'response_time', 'server_response_time'],
  total: ['ta', 'Ta', 'tt', 'Tt', 'time_total', 'total_time'],
} as const;

/** A log in JSON by a `log-format` of the operator's. Null unless it has a termination state, a backend and a server. */
function readJsonSession(line: string): SessionLine | null {
  if (!line.startsWith('{') || !/"(?:termination[_-]state|tsc?)"/.test(line)) return null;
  const fields = jsonLine(line);
  if (fields === null) return null;
  const text = (name: keyof typeof keys): string | null => {
    const key = keys[name].find((one) => Object.hasOwn(fields, one));
    return key === undefined
      ? null
      : (jsonText(fields[key]) ?? (typeof fields[key] === 'number' ? String(fields[key]) : null));
  };
  const number = (name: keyof typeof keys): number | null => {
    const value = text(name);
    return value !== null && /^[+-]?\d{1,15}$/.test(value) ? Number(value) : null;
  };
  const [state, backend, server] = [text('state') ?? '', text('backend'), text('server')];
  if (!/^[-A-Za-z]{2}(?:[-A-Za-z]{2})?$/.test(state) || backend === null || server === null) return null;
  const [connectMs, responseMs, total] = [number('connect'), number('response'), number('total')];
  const timers = [
    ...(connectMs === null ? [] : [`Tc=${connectMs}`]),
    ...(responseMs === null ? [] : [`Tr=${responseMs}`]),
  ];
  return {
    atMs: commonLogTimeMs(text('time') ?? ''),
    request: requestOf(text('request') ?? '-'),
    durationMs: total === -1 ? null : total,
    state,
    code: state.slice(0, 2),
    timers: timers.join(' '),
    retries: text('retries') ?? '0',
    status: number('status'),
    frontend: text('frontend') ?? '',
    backend,
    server,
    connectMs,
    responseMs,
  };
}
