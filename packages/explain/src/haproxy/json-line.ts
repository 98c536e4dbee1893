import { jsonLine, jsonText } from '../json-fields.ts';
import { commonLogTimeMs, requestOf } from '../line-text.ts';
import type { SessionLine } from './session-line.ts';

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
export function readJsonSession(line: string): SessionLine | null {
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
